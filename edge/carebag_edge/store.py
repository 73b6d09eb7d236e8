"""What a kit keeps, opened: journal and files, encrypted with the key of its disk."""

import logging
from pathlib import Path

from carebag_edge.data_key import DataKey, Seal, key_place, known_mark, load_or_create_data_key, put_mark
from carebag_edge.disk_room import DiskRoom
from carebag_edge.errors import NoRoomToEncrypt, WrongJournal
from carebag_edge.journal import Journal
from carebag_edge.journal_recovery import recover
from carebag_edge.journal_renewal import Renewal
from carebag_edge.journal_swap import finish_swap
from carebag_edge.keys import KitKey
from carebag_edge.media_files import MediaFiles
from carebag_edge.numbers_given import NumbersGiven
from carebag_edge.sealed_journal import is_plain, is_there, opens, sealed, take_over
from carebag_edge.settings import KitSettings

log = logging.getLogger(__name__)


def open_store(settings: KitSettings, key: KitKey) -> tuple[Journal, MediaFiles, Seal]:
    """The journal, the files and their seal; what lies there open, of an earlier program, is encrypted first, and
    what rotted is mended as far as it goes.

    Raises:
        WrongJournal: the data key is missing or another one, the journal is not this kit's, or it is damaged or not
            encrypted and the disk took no new one; nothing was changed.
    """
    data_key = _key_of(settings, key)
    seal = Seal(data_key)
    given = NumbersGiven(settings.data)
    _encrypt(settings, data_key, given.highest)
    mended = recover(settings.journal, data_key, key, given.highest)
    journal = Journal(settings.journal, key, sealed(data_key))
    journal.when_offered = given.note
    journal.renew = Renewal(settings.journal, data_key, key, given)
    journal.mendings += mended is not None
    media = MediaFiles(settings.media, seal)
    try:
        media.take_over()
    except OSError as error:
        log.error("files could not be encrypted: %s", error.strerror)
    return journal, media, seal


def _encrypt(settings: KitSettings, data_key: DataKey, given: int) -> None:
    """In the room that is kept for values, if there is no other."""
    try:
        take_over(settings.journal, data_key, given)
    except NoRoomToEncrypt:
        needed = 2 * settings.journal.stat().st_size + settings.reserve_bytes
        if not DiskRoom(settings.data, settings.reserve_bytes).let_go(needed):
            raise
        take_over(settings.journal, data_key, given)


def _key_of(settings: KitSettings, key: KitKey) -> DataKey:
    finish_swap(settings.journal)
    data_key = load_or_create_data_key(settings.data, key_place(settings.data_key, settings.data, key.kit_id))
    if known_mark(settings.data) != data_key.mark and not _may_seal(settings.journal, data_key):
        raise WrongJournal(
            "the data key does not fit: the journal was encrypted with another one. Put back the right key, or say"
            " with --data-key where it is. Nothing was changed"
        )
    put_mark(settings.data, data_key)
    return data_key


def _may_seal(journal: Path, data_key: DataKey) -> bool:
    """Whether nothing here is encrypted with another key."""
    return not is_there(journal) or is_plain(journal) or opens(journal, data_key)
