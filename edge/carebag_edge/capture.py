"""What instruments say, as records of the wire: the numbers and words as sent, four times, flags that never block."""

import re
from collections.abc import Callable, Iterable
from typing import Literal
from uuid import UUID

from carebag_devices.events import DeviceState, Identity, Measured, StateChanged, Value
from carebag_devices.meaning.meaning import is_circumstance
from carebag_devices.plausible import doubts
from carebag_edge.binding import Whom
from carebag_edge.manual_entry import FORMS
from carebag_edge.vitals import Spot
from carebag_edge.wording import as_code, short
from carebag_wire.base import Utc
from carebag_wire.nurse_messages import EnterObserved, EnterReading
from carebag_wire.records import Reading
from carebag_wire.udi import printed_elements, udi_told
from carebag_wire.values import DeviceIdentity, Quality, Quantity, Times
from carebag_wire.visit import DeviceStatus

MAX_RAW_HEX = 20_000
_RADIO_ADDRESS = re.compile(r"(?i)[0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def device_identity(identity: Identity) -> DeviceIdentity:
    """With its UDI as far as it can be meant; the serial number of the label where the instrument says none."""
    said = identity.udi
    udi = udi_told(said.label, said.device, said.issuer, said.authority, said.entry) if said else None
    return DeviceIdentity(
        id=short(identity.id),
        kind=identity.kind,
        maker=short(identity.maker),
        model=short(identity.model),
        serial=short(identity.serial) or printed_elements(udi).serial,
        firmware=short(identity.firmware),
        simulated=identity.simulated,
        udi=udi,
    )


def device_status(event: StateChanged, now: Utc, before: DeviceStatus | None) -> DeviceStatus:
    """The instrument's card: `last_seen` moves only while it is really heard."""
    heard = event.state not in (DeviceState.UNSEEN, DeviceState.ASLEEP, DeviceState.LOST)
    battery = event.battery_percent
    if battery is None and before is not None:
        battery = before.battery_percent
    progress = event.progress
    known = device_identity(event.identity)
    return DeviceStatus(
        id=known.id,
        kind=event.identity.kind,
        name=known.model or known.kind,
        state=event.state.value,
        detail=as_code(event.detail) if event.detail else "",
        progress=min(1.0, max(0.0, progress)) if progress is not None else None,
        battery_percent=min(100, max(0, battery)) if battery is not None else None,
        last_seen=now if heard else (before.last_seen if before else None),
        simulated=known.simulated,
        maker=known.maker,
        model=known.model,
        serial=known.serial,
        firmware=known.firmware,
        udi=known.udi,
        way=_way(known.id),
        bond=event.bond,
        press=as_code(event.press) if event.press else None,
        clock=before.clock if before else "unknown",
        clock_error_s=before.clock_error_s if before else None,
        clock_read_at=before.clock_read_at if before else None,
    )


def _way(device_id: str) -> Literal["bluetooth", "wired", "sound_card"]:
    """By its address: of six octets, or the UUID that macOS gives in its place; else a port, or a sound card."""
    if _RADIO_ADDRESS.fullmatch(device_id):
        return "bluetooth"
    return "sound_card" if device_id.startswith("sound") else "wired"


def reading_of(event: Measured, whom: Whom, kit_id: UUID, record_id: UUID, times: Times) -> Callable[[int], Reading]:
    """A finished measurement, or a device's error in words, ready for its sequence number.

    A number that is none (NaN, infinite) is left out and flagged; nothing but such numbers is an error of the device.
    What came from a memory and was surely measured in its visit is `live`: measured there, only carried later.
    """
    quantities = [] if event.problem else list(_quantities(event.values))
    problem = event.problem or (None if quantities else "measurement_failed")
    missing = [f"no_{value.name}" for value in event.values if not event.problem and not value.value.is_finite()]
    flags = _codes([*event.flags, *missing, *_doubts(event.values if quantities else ())])
    return lambda kit_seq: Reading(
        id=record_id,
        binding=whom.binding(kit_id, kit_seq),
        times=times,
        kind=event.kind,
        quantities=quantities,
        problem=as_code(problem) if problem else None,
        flags=flags,
        circumstances=whom.circumstances,
        quality=_quality(problem, flags),
        device=device_identity(event.identity),
        provenance="stored" if event.provenance == "stored" and whom.visit_id is None else "live",
        raw=event.raw.hex()[:MAX_RAW_HEX],
        user=event.user,
    )


def spot_reading(spot: Spot, whom: Whom, kit_id: UUID, record_id: UUID, times: Times) -> Callable[[int], Reading]:
    """The oximeter's value of now, kept because somebody asked for it."""
    values = (Value("spo2", spot.spo2, "%"), Value("pulse", spot.pulse, "/min"))
    quantities = list(_quantities(values))
    flags = _codes([*spot.flags, *_doubts(values)])
    return lambda kit_seq: Reading(
        id=record_id,
        binding=whom.binding(kit_id, kit_seq),
        times=times,
        kind="oximetry",
        quantities=quantities,
        flags=flags,
        circumstances=whom.circumstances,
        quality=_quality(None, flags),
        device=device_identity(spot.identity),
        provenance="live",
        raw=spot.raw.hex()[:MAX_RAW_HEX],
    )


def typed_reading(
    message: EnterReading, whom: Whom, kit_id: UUID, record_id: UUID, times: Times, simulated: bool
) -> Callable[[int], Reading]:
    """What the nurse read off a display; checked already."""
    values = [Value(one.name, one.value, one.unit, one.comparator) for one in message.quantities]
    flags = _codes(doubts(values))
    return lambda kit_seq: Reading(
        id=record_id,
        binding=whom.binding(kit_id, kit_seq),
        times=times,
        kind=message.kind,
        quantities=message.quantities,
        flags=flags,
        circumstances=whom.circumstances,
        quality=_quality(None, flags),
        device=DeviceIdentity(
            id="manual", kind=FORMS[message.kind].device, model=message.device.strip(), simulated=simulated
        ),
        provenance="manual",
        display_photo=message.photo_id,
    )


def observed_reading(
    message: EnterObserved, whom: Whom, kit_id: UUID, record_id: UUID, times: Times, simulated: bool
) -> Callable[[int], Reading]:
    """What the nurse counted or saw, with no instrument; checked already."""
    flags = _codes(doubts([Value(one.name, one.value, one.unit) for one in message.quantities]))
    return lambda kit_seq: Reading(
        id=record_id,
        binding=whom.binding(kit_id, kit_seq),
        times=times,
        kind=message.kind,
        quantities=message.quantities,
        flags=flags,
        circumstances=whom.circumstances,
        quality=_quality(None, flags),
        device=DeviceIdentity(id="observer", kind="observer", simulated=simulated),
        provenance="observed",
        seen=message.seen,
    )


def _doubts(values: Iterable[Value]) -> tuple[str, ...]:
    """Flags of the numbers among them that are more often a mistake than a patient."""
    return doubts([value for value in values if value.value.is_finite()])


def _quantities(values: Iterable[Value]) -> Iterable[Quantity]:
    for value in values:
        if value.value.is_finite():
            yield Quantity(name=value.name, value=value.value, unit=short(value.unit), comparator=value.comparator)


def _codes(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(as_code(text) for text in texts))


def _quality(problem: str | None, flags: list[str]) -> Quality:
    if problem:
        return Quality(word="invalid", reasons=[as_code(problem)])
    reservations = [flag for flag in flags if not is_circumstance(flag)]
    return Quality(word="questionable", reasons=reservations) if reservations else Quality(word="good")
