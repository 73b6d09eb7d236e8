"""Records for the benches, as a kit makes them: from its sequence number, with whatever a schedule decided."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from carebag_edge.binding import NOBODY, Whom
from carebag_wire.records import PhotoTaken, Reading, ReadingFiled
from carebag_wire.values import DeviceIdentity, Quality, Quantity, Times

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TIMES = Times(kit_monotonic_ns=0, kit_utc=AT)
CUFF = DeviceIdentity(id="bench", kind="cuff", simulated=True)
GOOD = Quality(word="good")


def new_id(rng: random.Random) -> UUID:
    """A UUIDv7 of the schedule's own chance, so that a seed gives the same bytes."""
    return UUID(
        int=int(AT.timestamp() * 1000) << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | rng.getrandbits(62)
    )


def reading(rng: random.Random, kit_id: UUID, whom: Whom = NOBODY, raw: str = "") -> Callable[[int], Reading]:
    """A blood pressure of `whom`, or of nobody; between 0 and 4,000 characters of raw bytes."""
    record_id, value = new_id(rng), Decimal(rng.randint(80, 220))
    raw = raw or rng.randbytes(rng.choice((10, 20, 200, 2000))).hex()
    quantities = [
        Quantity(name="systolic", value=value, unit="mm[Hg]"),
        Quantity(name="diastolic", value=value - 40, unit="mm[Hg]"),
    ]
    return lambda kit_seq: Reading(
        id=record_id,
        binding=whom.binding(kit_id, kit_seq),
        times=TIMES,
        kind="blood_pressure",
        quantities=quantities,
        quality=GOOD,
        device=CUFF,
        provenance="live" if whom.visit_id else "stored",
        raw=raw,
    )


def photo(rng: random.Random, kit_id: UUID, whom: Whom = NOBODY) -> Callable[[int], PhotoTaken]:
    """A photo's record; the file itself is not made."""
    record_id, sha256 = new_id(rng), rng.randbytes(32).hex()
    return lambda kit_seq: PhotoTaken(
        id=record_id,
        binding=whom.binding(kit_id, kit_seq),
        times=TIMES,
        media_sha256=sha256,
        media_type="image/jpeg",
        width=4,
        height=3,
    )


def set_aside(rng: random.Random, kit_id: UUID, reading_id: UUID) -> Callable[[int], ReadingFiled]:
    """The nurse's decision about a value of the unassigned tray."""
    record_id = new_id(rng)
    return lambda kit_seq: ReadingFiled(
        id=record_id,
        binding=NOBODY.binding(kit_id, kit_seq),
        times=TIMES,
        reading_id=reading_id,
        decision="set_aside",
    )
