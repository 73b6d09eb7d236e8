"""Whether what the kit was told is what was measured: nothing wrong, lost or twice, nothing old told as new."""

import itertools
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from carebag_devices.events import Measured, OximeterSample
from carebag_devices.lab.trial import Told, Trial
from carebag_devices.sim.instrument import Instrument
from carebag_devices.sim.memory import Entry
from carebag_devices.sim.peripheral import Peripheral
from carebag_devices.sim.truth import Taken

NEW_S = 330.0
"""What is told as live was taken at most so long ago: a seen measurement may be delivered after a broken link."""
SAMPLE_WITHIN_S = 2.5
SAME_WITHIN_S = 60.0
UNREADABLE = "not_readable"
NEVER_TOLD = ("quality_control",)
"""What the instrument says is no patient's: analysers' controls are not even told."""

Key = tuple[Any, ...]
What = Literal["wrong", "lost", "twice", "old_as_live", "sample", "unmarked", "surprise", "unsettled"]


@dataclass(frozen=True)
class Finding:
    """One way in which the kit was misled. `device` is its kind."""

    what: What
    device: str
    detail: str


def judge(trial: Trial) -> list[Finding]:
    """Empty when all is well."""
    findings = [] if trial.settled else [Finding("unsettled", "", "something never left its device")]
    findings += [Finding("surprise", "", repr(error)) for error in trial.surprises]
    for kind, device in trial.devices.items():
        told = [one for one in trial.told if one.event.identity.id == device.label.address]
        if not all(one.event.identity.simulated for one in told):
            findings.append(Finding("unmarked", kind, "told as if it were no simulator's"))
        findings += _readings(kind, device, told)
        findings += _samples(kind, device, told)
    return findings


def key_of(one: Taken | Measured) -> Key:
    """What makes two readings the same thing to a reader."""
    values = tuple((value.name, value.value, value.unit, value.comparator) for value in one.values)
    return (one.kind, values, one.user, "") if values else (one.kind, (), None, one.problem)


def _readings(kind: str, device: Peripheral, told: list[Told]) -> Iterator[Finding]:
    truths: dict[Key, list[Taken]] = defaultdict(list)
    for taken in getattr(device, "taken", []):
        truths[key_of(taken)].append(taken)
    counts: Counter[Key] = Counter()
    for one in told:
        if isinstance(one.event, Measured) and one.event.problem != UNREADABLE:
            counts[key_of(one.event)] += 1
            yield from _one(kind, one, one.event, truths.get(key_of(one.event), []))
    for key, measured in truths.items():
        if counts[key] > len(measured):
            yield Finding("twice", kind, f"{key} told {counts[key]} times, measured {len(measured)} times")
        if counts[key] < (least := _least(device, key, measured)):
            yield Finding("lost", kind, f"{key} told {counts[key]} times of {least}")


def _one(kind: str, told: Told, event: Measured, truths: list[Taken]) -> Iterator[Finding]:
    if not truths:
        yield Finding("wrong", kind, f"{event.values} {event.problem} was never measured")
    elif event.provenance == "live" and not any(0 <= told.at_s - one.at_s <= NEW_S for one in truths):
        yield Finding("old_as_live", kind, f"{event.values} told as new")


def _least(device: Peripheral, key: Key, measured: list[Taken]) -> int:
    """How many of these equal readings must have come."""
    if not isinstance(device, Instrument):
        return len([one for one in measured if one.problem not in NEVER_TOLD])
    gone = {id(entry) for entry in (*device.memory.lost, *device.spoilt)}
    alike: dict[bytes, list[Entry]] = defaultdict(list)
    for entry in device.entries:
        if id(entry) not in gone and key_of(entry.taken) == key:
            alike[b"".join(value for _, value in device.parts(entry, stored=False))].append(entry)
    return sum(map(_tellings, alike.values()))


def _tellings(alike: list[Entry]) -> int:
    """Equal bytes are one reading that came again, unless they were measured before our eyes and a minute apart."""
    times = sorted(entry.sent_at_s or 0.0 for entry in alike if entry.fresh)
    return 1 + sum(1 for before, after in itertools.pairwise(times) if after - before > SAME_WITHIN_S)


def _samples(kind: str, device: Peripheral, told: list[Told]) -> Iterator[Finding]:
    """Every streamed number is one that the sensor had a moment ago."""
    streamed = list(getattr(device, "streamed", ()))
    times = [sample.at_s for sample in streamed]
    for one in told:
        if not isinstance(one.event, OximeterSample):
            continue
        said = (one.event.spo2, one.event.pulse)
        near = streamed[bisect_left(times, one.at_s - SAMPLE_WITHIN_S) : bisect_right(times, one.at_s)]
        if any(isinstance(number, Decimal) for number in said) and said not in [
            (sample.spo2, sample.pulse) for sample in near
        ]:
            yield Finding("sample", kind, f"{said} was never measured then")
