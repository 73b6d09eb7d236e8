"""The log's proof for the medical lead: a checkpoint to take home, and a kept one compared with the log as it is.

The key is optional (docs/decisions/0035): without one the checkpoint bears no signature. That is enough for whoever
took it from here and kept it herself; a witness needs a signed one.
"""

import base64
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from carebag_server.audit import HEAD_ID, check_of
from carebag_server.audit_note import BadKey, NoteKey
from carebag_server.audit_proofs import NotProvable, signed_checkpoint
from carebag_server.audit_tree import BadFrontier, Frontier
from carebag_server.audit_verifier.log import examine
from carebag_server.audit_verifier.note import BadNote, Checkpoint, KnownKey, open_checkpoint, unsigned_checkpoint
from carebag_server.refusals import Refused
from carebag_server.tables import AuditHead
from carebag_wire.review import Compared

UNSIGNED_ORIGIN = "carebag-access-log"


def log_key(file: Path | None) -> NoteKey | None:
    """The key that the operators gave the hub; None: they gave none.

    Raises:
        Refused: 409 `log_key_unusable`: the file cannot be read, or holds no signing key.
    """
    if file is None:
        return None
    try:
        return NoteKey.read(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadKey):
        raise Refused(409, "log_key_unusable") from None


def checkpoint_now(session: Session, key: NoteKey | None) -> str:
    """Three lines, and a signature if there is a key: https://c2sp.org/tlog-checkpoint.

    Raises:
        Refused: 409 `log_damaged`: the stored head is not one.
    """
    try:
        if key is not None:
            return signed_checkpoint(session, key)
        head = session.get(AuditHead, HEAD_ID)
        frontier = Frontier.read(head.events, head.frontier) if head else Frontier()
    except (NotProvable, BadFrontier):
        raise Refused(409, "log_damaged") from None
    return f"{UNSIGNED_ORIGIN}\n{frontier.size}\n{base64.b64encode(frontier.root()).decode()}\n"


def compare(session: Session, key: NoteKey | None, kept: str, now: datetime) -> Compared:
    """Recompute the log and see whether it begins with what the checkpoint was made of.

    Raises:
        Refused: 422 `not_a_checkpoint`, or `foreign_checkpoint`: it bears a signature that is not the key's.
    """
    text = kept.replace("\r\n", "\n").strip("\n") + "\n"
    checkpoint, verified = _opened(text, key)
    check = check_of(examine(session.connection(), [], [checkpoint]), now)
    return Compared(
        origin=checkpoint.origin[:500],
        events=checkpoint.size,
        signature="verified" if verified else "not_checked",
        check=check,
    )


def _opened(text: str, key: NoteKey | None) -> tuple[Checkpoint, bool]:
    body, gap, _ = text.partition("\n\n")
    try:
        if key is not None and gap:
            return open_checkpoint(text, KnownKey.read(key.public_text)), True
        return unsigned_checkpoint(body if gap else text.removesuffix("\n")), False
    except BadNote as bad:
        code = "foreign_checkpoint" if gap and "not a" not in str(bad) else "not_a_checkpoint"
        raise Refused(422, code) from None
