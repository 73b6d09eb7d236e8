"""A kit as the hub sees it: signed records in order, sent until a receipt names them. For the hub's benches."""

import random
from collections.abc import Sequence
from uuid import UUID

from carebag.fault_bench.kit_records import reading
from carebag_edge.binding import NOBODY, Whom
from carebag_edge.keys import KitKey
from carebag_wire.records import RecordBatch, RecordReceipt, SignedRecord, payload_sha256


class KitSender:
    """What it made, what the hub said it has, and which visit each record was taken in."""

    def __init__(self, key: KitKey, visits: Sequence[Whom], rng: random.Random) -> None:
        self.key = key
        self._visits = visits
        self._rng = rng
        self._records: list[SignedRecord] = []
        self._numbers: dict[UUID, int] = {}
        self.said: dict[int, str] = {}
        self.visit_of: dict[int, UUID | None] = {}

    def batch(self, most: int = 5) -> RecordBatch:
        """The oldest that were not acknowledged, with new ones behind; sometimes some that were."""
        waiting = [seq for seq in self.visit_of if seq not in self.said]
        while len(waiting) < self._rng.randint(1, most):
            waiting.append(self._make())
        again = [self._rng.randint(1, len(self._records))] if self._rng.random() < 0.2 else []
        return RecordBatch(records=[self._records[seq - 1] for seq in [*again, *waiting[:most]]])

    def answered(self, receipt: RecordReceipt) -> None:
        for record_id in receipt.stored:
            seq = self._numbers[record_id]
            self.said[seq] = self._records[seq - 1].sha256

    def _make(self) -> int:
        whom = self._rng.choice([*self._visits, NOBODY])
        record = reading(self._rng, self.key.kit_id, whom)(len(self._records) + 1)
        payload = record.model_dump_json()
        signature = self.key.sign(payload.encode())
        self._records.append(SignedRecord(payload=payload, sha256=payload_sha256(payload), signature=signature))
        seq = len(self._records)
        self._numbers[record.id], self.visit_of[seq] = seq, whom.visit_id
        return seq
