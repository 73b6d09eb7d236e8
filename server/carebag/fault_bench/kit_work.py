"""What a kit writes on a day, one act after the other, at random: the load under which power goes and processes die."""

import random
from uuid import UUID

from carebag.fault_bench.kit_check import PAIR
from carebag.fault_bench.kit_records import AT, photo, reading, set_aside
from carebag_edge.binding import Whom
from carebag_edge.journal import Journal
from carebag_edge.journal_rows import Entry
from carebag_wire.records import RecordReceipt, record_adapter

VISITS = [Whom(UUID(int=100 + n), UUID(int=200 + n), UUID(int=300)) for n in range(4)]


class KitWork:
    """Acts on a journal. `said` grows by what the journal said it has, after it said so."""

    def __init__(self, journal: Journal, rng: random.Random, said: dict[int, str]) -> None:
        self._journal = journal
        self._rng = rng
        self.said = said
        self.at_hub: set[int] = set()
        """Numbers of which this process told the journal that the hub has them, and the journal took it."""

    def act(self) -> list[int]:
        """One act; gives the numbers of the records that it made durable."""
        (chosen,) = self._rng.choices(
            (self._value, self._of_nobody, self._photo, self._pair, self._two, self._decide, self._received),
            (6, 2, 1, 2, 1, 1, 3),
        )
        made = chosen()
        self.said.update({one.kit_seq: one.signed.sha256 for one in made})
        return [one.kit_seq for one in made]

    def _value(self) -> list[Entry]:
        build = reading(self._rng, self._journal.key.kit_id, self._rng.choice(VISITS))
        return [self._journal.append(build, measurement_id=self._rng.randbytes(8).hex())]

    def _of_nobody(self) -> list[Entry]:
        return [self._journal.append(reading(self._rng, self._journal.key.kit_id))]

    def _photo(self) -> list[Entry]:
        build = photo(self._rng, self._journal.key.kit_id, self._rng.choice(VISITS))
        return [self._journal.append(build, media_type="image/jpeg")]

    def _pair(self) -> list[Entry]:
        """A record and a state that must come and go together."""
        build = reading(self._rng, self._journal.key.kit_id, self._rng.choice(VISITS), raw="pair")
        with self._journal.transaction():
            entry = self._journal.append(build)
            self._journal.put_state(PAIR, str(entry.kit_seq))
        return [entry]

    def _two(self) -> list[Entry]:
        with self._journal.transaction():
            return [*self._value(), *self._of_nobody()]

    def _decide(self) -> list[Entry]:
        waiting = self._journal.in_tray(None, 1)
        if not waiting:
            return []
        build = set_aside(self._rng, self._journal.key.kit_id, waiting[0].reading.record.id)
        return [self._journal.append(build)]

    def _received(self) -> list[Entry]:
        """The hub has the oldest ones."""
        some = self._journal.unsent_records(self._rng.randint(1, 5))
        entries = [self._journal.append(reading(self._rng, self._journal.key.kit_id))] if not some else []
        records = [record_adapter.validate_json(one.payload) for one in some]
        at_hub = self.at_hub | {one.binding.kit_seq for one in records}
        watermark = int(self._journal.state("watermark") or 0)
        while watermark + 1 in at_hub:  # below the first that it lacks
            watermark += 1
        stored = [one.id for one in records]
        self._journal.acknowledge(RecordReceipt(stored=stored, refused={}, watermark=watermark, received_at=AT))
        self.at_hub = at_hub  # what a full disk refused to note is sent again, and the watermark does not step over it
        return entries
