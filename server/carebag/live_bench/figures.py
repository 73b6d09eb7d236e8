"""From what a run noted to its figures: pure. Times in seconds, figures in ms unless their names say otherwise."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from carebag.live_bench.raw import Frame, Heard, Raw, Rendered
from carebag_edge.live.exact_sound import BadSoundPacket, parse
from carebag_edge.live.path_proof import PROOF_STREAMS

FREEZE_S = 0.25
"""A gap between two pictures beyond this is a freeze."""
ON_TIME_S = (0.15, 0.25)
NETEQ_RATE_HZ = 48_000
ALREADY_THERE_S = 0.1


@dataclass(frozen=True)
class Distribution:
    """Of n durations: nearest-rank percentiles, ms. All None where nothing was measured."""

    n: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    most: float | None = None


def distribution(durations_s: Sequence[float]) -> Distribution:
    if not durations_s:
        return Distribution(0)
    ordered = sorted(durations_s)

    def rank(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)

    return Distribution(len(ordered), rank(0.5), rank(0.95), rank(0.99), round(ordered[-1] * 1000, 1))


def bare_delays(raw: Raw) -> list[float]:
    """One-way delays of the probe's packets that left while we measured and arrived, seconds."""
    return [arrived - left for left, arrived in raw.bare if arrived is not None and raw.began <= left <= raw.ended]


def bare_lost(raw: Raw) -> float | None:
    """Share of the probe's packets that never came, outages left out."""
    sent = [arrived for left, arrived in raw.bare if raw.began <= left <= raw.ended and not during(left, raw.out)]
    return sum(arrived is None for arrived in sent) / len(sent) if sent else None


def during(at: float, windows: Sequence[tuple[float, float]]) -> bool:
    return any(begin <= at < end for begin, end in windows)


def own_blocks(heard: Heard) -> list[Rendered]:
    """The audio thread's blocks of the last stream, those with sound in them, in order."""
    if not heard.rendered:
        return []
    stream = heard.rendered[-1].stream
    return [block for block in heard.rendered if block.stream == stream and block.sample >= 0]


def heard_after(heard: Heard, began: float, ended: float) -> list[tuple[float, float]]:
    """(left, seconds until the block that holds its first sample was rendered) of each frame that left in between."""
    blocks = sorted((block.sample, block.at) for block in own_blocks(heard))
    starts = [sample for sample, _ in blocks]
    found = []
    for first, left in heard.frames:
        index = bisect_right(starts, first) - 1
        if began <= left <= ended and 0 <= index < len(blocks) - 1:
            found.append((left, blocks[index][1] - left))
    return found


def chunk_arrivals(heard: Heard) -> tuple[int, dict[int, float]]:
    """Samples in a chunk, and when each chunk of the last stream first came to the page, by any way."""
    first: dict[int, float] = {}
    size, stream = 0, -1
    for at, _, data in heard.packets:
        try:
            packet = parse(data)
        except BadSoundPacket:
            continue
        if packet.stream < stream or packet.stream >= PROOF_STREAMS:
            continue
        if packet.stream > stream:
            first, stream = {}, packet.stream
        size = packet.chunk_samples
        for chunk in packet.chunks:
            if chunk.pcm is not None:
                first.setdefault(chunk.number, at)
    return size, first


def chunk_delays(heard: Heard, began: float, ended: float) -> list[tuple[float, float | None]]:
    """(whole at, seconds until it was in the page or None) of each chunk that was whole in between.

    A chunk is whole when the frame with its last sample left the stethoscope.
    """
    size, arrived = chunk_arrivals(heard)
    if not size or not heard.frames:
        return []
    firsts = [first for first, _ in heard.frames]
    found: list[tuple[float, float | None]] = []
    for number in range(firsts[0] // size + 1, firsts[-1] // size):
        whole = heard.frames[bisect_right(firsts, (number + 1) * size - 1) - 1][1]
        if began <= whole <= ended:
            at = arrived.get(number)
            found.append((whole, None if at is None else at - whole))
    return found


def on_time(delays: Sequence[tuple[float, float | None]], within_s: float) -> float | None:
    """Share of the chunks that were there in time."""
    if not delays:
        return None
    return sum(delay is not None and delay <= within_s for _, delay in delays) / len(delays)


def picture_delays(frames: Sequence[Frame]) -> list[float]:
    return [frame.at - frame.drawn for frame in frames if frame.drawn is not None]


def picture_gaps(frames: Sequence[Frame], began: float, ended: float) -> list[tuple[float, float]]:
    """(from, seconds) of each freeze, the time before the first picture and after the last included."""
    times = [began, *sorted(frame.at for frame in frames if began <= frame.at <= ended), ended]
    return [(at, then - at) for at, then in pairwise(times) if then - at > FREEZE_S]


def vitals_delays(states: Sequence[tuple[float, str, int, float]]) -> list[tuple[float, float]]:
    """(measured at, seconds until the page had this state or a newer one), one for each state from first to last.

    Of a state that never came the time of measuring is taken from its neighbours.
    """
    first: dict[int, float] = {}
    measured: dict[int, float] = {}
    for at, _, number, measured_at in states:
        first[number] = min(at, first.get(number, at))
        measured[number] = measured_at
    numbers = sorted(first)
    if len(numbers) < 2:
        return []
    found = []
    earliest = float("inf")
    for number in range(numbers[-1], numbers[0] - 1, -1):
        earliest = min(earliest, first.get(number, earliest))
        when = measured.get(number) or _between(numbers, measured, number)
        found.append((when, earliest - when))
    return found[::-1]


def _between(numbers: Sequence[int], measured: dict[int, float], number: int) -> float:
    after = numbers[bisect_left(numbers, number)]
    before = numbers[bisect_left(numbers, number) - 1]
    share = (number - before) / (after - before)
    return measured[before] + share * (measured[after] - measured[before])


Talk = Sequence[tuple[float, int, int, int, int, int]]


def _by_call(talk: Talk) -> list[Talk]:
    """The polls of each call by itself: a call that was made anew counts from the beginning."""
    return [[row for row in talk if row[1] == ssrc] for ssrc in dict.fromkeys(row[1] for row in talk)]


def talk_gaps(talk: Talk) -> list[tuple[float, float]]:
    """(when, seconds) of each stretch in which the listener's browser made up sound because none came.

    From counts taken every 50 ms: neighbouring polls with made-up samples count as one stretch.
    """
    return sorted(gap for call in _by_call(talk) for gap in _gaps_of_call(call))


def _gaps_of_call(talk: Talk) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    run_from, run = 0.0, 0
    for before, after in pairwise(talk):
        made_up = after[3] - before[3]
        if made_up > 0:
            run_from, run = (before[0], made_up) if run == 0 else (run_from, run + made_up)
        elif run:
            found.append((run_from, run / NETEQ_RATE_HZ))
            run = 0
    return [*found, (run_from, run / NETEQ_RATE_HZ)] if run else found


def talk_share(talk: Talk) -> tuple[float, float | None]:
    """Seconds of talk that were played, and the share of them that was made up."""
    calls = _by_call(talk)
    samples = sum(call[-1][2] - call[0][2] for call in calls)
    made_up = sum(call[-1][3] - call[0][3] for call in calls)
    return samples / NETEQ_RATE_HZ, made_up / samples if samples > 0 else None


def talk_back(raw: Raw) -> list[float]:
    """Seconds from each return of the link to the first poll that saw the doctor's voice arrive again, on any call."""
    arrived = sorted(
        after[0] for call in _by_call(raw.talk) for before, after in pairwise(call) if after[4] > before[4]
    )
    found = []
    for moment in raw.back:
        # what was on its way when the link went may still be counted
        later = next((at for at in arrived if at > moment + ALREADY_THERE_S), float("inf"))
        found.append(later - moment)
    return found


def picture_back(raw: Raw) -> list[float]:
    """Seconds from each return of the link to the first presented picture that was drawn after it."""
    pictures = sorted((frame.at, frame.drawn) for frame in raw.pictures if frame.drawn is not None)
    found = []
    for moment in raw.back:
        shown = next((at for at, drawn in pictures if drawn >= moment), None)
        found.append((shown if shown is not None else float("inf")) - moment)
    return found


def sound_back(raw: Raw) -> list[float]:
    """Seconds from each return of the link to the first rendered sample that left the stethoscope after it."""
    if raw.heard is None:
        return []
    found = []
    blocks = own_blocks(raw.heard)
    for moment in raw.back:
        sample = next((first for first, left in raw.heard.frames if left >= moment), None)
        at = None if sample is None else next((block.at for block in blocks if block.sample >= sample), None)
        found.append((at if at is not None else float("inf")) - moment)
    return found
