"""Figures of a run beside what is wanted: one row each, with a verdict where the run can give one."""

from dataclasses import dataclass
from typing import Literal

from carebag.live_bench import figures
from carebag.live_bench.raw import Raw
from carebag.live_bench.response import Response

Verdict = Literal["reached", "missed", "", "not measured"]


@dataclass(frozen=True)
class Row:
    """A figure: its name, what is wanted (empty: nothing on this link), what was measured, whether it is reached."""

    name: str
    target: str
    measured: str
    verdict: Verdict
    n: int
    value: float | None = None


def rows(raw: Raw, response: Response | None) -> list[Row]:
    """All figures of one run."""
    return [
        *_bare(raw),
        _response(response, holes=raw.played is not None and raw.played.waited > 0),
        *_sound(raw),
        *_on_time(raw),
        *_kept(raw),
        _vitals(raw),
        *_picture(raw),
        *_talk(raw),
        *_back(raw),
        _set_up(raw),
        *_load(raw),
    ]


_LOSSY = ("rural-4g", "loss-5", "loss-10", "bursts")


def _row(
    name: str, value: float | None, unit: str, n: int, most: float | None = None, least: float | None = None
) -> Row:
    target = f"<= {most:g} {unit}" if most is not None else f">= {least:g} {unit}" if least is not None else ""
    if value is None:
        return Row(name, target, "–", "not measured", n)
    reached = (most is None or value <= most) and (least is None or value >= least)
    verdict: Verdict = "" if not target else "reached" if reached else "missed"
    return Row(name, target, f"{value:,.6g} {unit}", verdict, n, value)


def _bare(raw: Raw) -> list[Row]:
    spread = figures.distribution(figures.bare_delays(raw))
    lost = figures.bare_lost(raw)
    return [
        _row("bare path, one way, p50", spread.p50, "ms", spread.n),
        _row("bare path, one way, p99", spread.p99, "ms", spread.n),
        _row("bare path, lost", None if lost is None else round(lost * 100, 2), "%", spread.n),
    ]


def _response(response: Response | None, *, holes: bool) -> Row:
    worst = response.worst_db if response is not None else None
    # gaps are no response: where there were some, what is left of them in the curve is told, not judged
    whole = not holes and (response is None or response.used == response.segments)
    return _row(
        "response kit to audio thread, 20-1000 Hz, worst",
        None if worst is None else round(worst, 3),
        "dB",
        response.used if response is not None else 0,
        most=0.1 if whole else None,
    )


def _sound(raw: Raw) -> list[Row]:
    if raw.heard is None:
        return []
    one_way = figures.distribution(figures.bare_delays(raw)).p50 or raw.profile.one_way_ms
    after = [delay for _, delay in figures.heard_after(raw.heard, raw.began, raw.ended)]
    spread = figures.distribution(after)
    wanted = {"clean": (60, 120), "loss-5": (110, 250)}.get(raw.profile.name, (None, None))

    def over(at: float | None) -> float | None:
        return None if at is None else round(at - one_way, 1)

    return [
        _row("stethoscope to rendered, over the one-way delay, p50", over(spread.p50), "ms", spread.n, most=wanted[0]),
        _row("stethoscope to rendered, over the one-way delay, p99", over(spread.p99), "ms", spread.n, most=wanted[1]),
    ]


def _on_time(raw: Raw) -> list[Row]:
    if raw.heard is None:
        return []
    delays = [
        one for one in figures.chunk_delays(raw.heard, raw.began, raw.ended) if not figures.during(one[0], raw.out)
    ]
    random, burst = raw.profile.name in ("loss-5", "loss-10"), raw.profile.name == "bursts"
    wanted = (99.8 if random else None, 99.5 if burst else None)
    found = []
    for within, least in zip(figures.ON_TIME_S, wanted, strict=True):
        share = figures.on_time(delays, within)
        percent = None if share is None else round(share * 100, 2)
        found.append(_row(f"sound in the page within {within * 1000:.0f} ms", percent, "%", len(delays), least=least))
    return found


def _kept(raw: Raw) -> list[Row]:
    if raw.heard is None:
        return []
    blocks = figures.own_blocks(raw.heard)
    counts = blocks[-1].counts if blocks else {}
    good = raw.heard.verdict in ("verified", "repaired")
    missing = raw.heard.missing
    return [
        _row("samples missing after repair", missing, "", len(raw.heard.frames), most=0),
        Row("digest", "verified", raw.heard.verdict, "reached" if good else "missed", 1),
        _row("samples repaired", raw.heard.repaired, "", 1),
        _row("silence in the ear because sound was late", _ms(counts.get("waited"), raw), "ms", 1),
        _row("left out of the ear in jumps or too late", _ms(_sum(counts, "skipped", "late"), raw), "ms", 1),
    ]


def _sum(counts: dict[str, int], *names: str) -> int | None:
    there = [counts[name] for name in names if name in counts]
    return sum(there) if there else None


def _ms(samples: int | None, raw: Raw) -> float | None:
    rate = raw.played.rate_hz if raw.played is not None else 4000
    return None if samples is None else round(samples * 1000 / rate, 1)


def _vitals(raw: Raw) -> Row:
    delays = [
        delay
        for at, delay in figures.vitals_delays(raw.vitals)
        if raw.began <= at <= raw.ended and not figures.during(at, raw.out)
    ]
    spread = figures.distribution(delays)
    most = 500 if raw.profile.name == "500kbit" else 250 if raw.profile.name in ("clean", "loss-5") else None
    beside = " while a photo uploads" if raw.photo else ""
    return _row(f"vitals to the page{beside}, p99", spread.p99, "ms", spread.n, most=most)


def _picture(raw: Raw) -> list[Row]:
    shown = [one for one in raw.pictures if raw.began <= one.at <= raw.ended]
    spread = figures.distribution(figures.picture_delays(shown))
    seconds = max(0.001, raw.ended - raw.began)
    frozen = sum(length for _, length in figures.picture_gaps(shown, raw.began, raw.ended))
    lossy, slow = raw.profile.name == "loss-5", raw.profile.name == "500kbit"
    found = [
        _row("picture, drawn to presented, p50", spread.p50, "ms", spread.n, most=200 if lossy else None),
        _row("picture, drawn to presented, p95", spread.p95, "ms", spread.n),
        _row("pictures per second", round(len(shown) / seconds, 2), "1/s", len(shown), least=12 if slow else None),
        _row(
            "frozen (gaps > 250 ms)", round(frozen * 60 / seconds, 2), "s/min", len(shown), most=1.5 if lossy else None
        ),
    ]
    if raw.photo is not None:
        sent, seen, size = raw.photo
        took = None if seen is None else round(seen - sent, 1)
        found.append(_row(f"photo of {size / 1e6:.1f} MB, sent to seen", took, "s", 1))
    return found


def _talk(raw: Raw) -> list[Row]:
    if len(raw.talk) < 2:
        return [_row("talk doctor to nurse, longest gap", None, "ms", 0)]
    gaps = [length for at, length in figures.talk_gaps(raw.talk) if not figures.during(at, raw.out)]
    most = 100 if raw.profile.name in ("clean", "loss-5") else None
    seconds, share = figures.talk_share(raw.talk)
    return [
        _row("talk doctor to nurse, longest gap", round(max(gaps, default=0) * 1000, 1), "ms", len(gaps), most=most),
        _row("talk doctor to nurse, made up", None if share is None else round(100 * share, 2), "%", round(seconds)),
    ]


def _back(raw: Raw) -> list[Row]:
    if not raw.back:
        return []
    found = []
    for what, times in (("picture", figures.picture_back(raw)), ("sound", figures.sound_back(raw))):
        worst = max(times, default=float("inf"))
        value = None if worst == float("inf") else round(worst, 2)
        most = 2.5 if raw.profile.name in ("outage-8s", "handover") else None
        found.append(_row(f"{what} back after the link, worst", value, "s", len(times), most=most))
    times = figures.talk_back(raw)
    worst = max(times, default=float("inf"))
    found.append(
        _row("talk back after the link, worst", None if worst == float("inf") else round(worst, 2), "s", len(times))
    )
    return found


def _set_up(raw: Raw) -> Row:
    spread = figures.distribution(raw.setups_s)
    wanted = 1500 if raw.profile.name == "clean" else None
    return _row("call set-up, worst", spread.most, "ms", spread.n, most=wanted)


def _load(raw: Raw) -> list[Row]:
    cpu, memory = [one[1] for one in raw.load], [one[2] for one in raw.load]
    n = len(cpu)
    if not n:
        return []
    tenth = max(1, n // 10)
    return [
        _row("kit's processor, everything, p50 of a core", round(sorted(cpu)[n // 2], 1), "%", n, most=60),
        _row("whole bench's processors, of a core", raw.all_percent, "%", 1),
        _row("kit's memory, last tenth", round(sum(memory[-tenth:]) / tenth, 1), "MiB", n),
        _row(
            "kit's memory, last tenth less first",
            round((sum(memory[-tenth:]) - sum(memory[:tenth])) / tenth, 1),
            "MiB",
            n,
        ),
    ]
