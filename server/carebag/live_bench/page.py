"""The page of one run: figures beside targets, and the plots. One file, which fetches nothing."""

from collections.abc import Sequence
from html import escape

from carebag.live_bench import figures
from carebag.live_bench.plots import Axis, Line, cumulative, per_second, plot
from carebag.live_bench.raw import Raw
from carebag.live_bench.response import HIGH_HZ, LOW_HZ, Response
from carebag.live_bench.targets import Row

STYLE = """
:root { color-scheme: light dark; --ground: light-dark(#f4f1ec, #15171a); --surface: light-dark(#fffdfa, #1e2125);
  --ink: light-dark(#1b212b, #f1eee8); --ink-2: light-dark(#4d545f, #b9bac0); --line: light-dark(#dcd6cb, #363b42);
  --one: light-dark(#1b4f8f, #9cc3fb); --two: light-dark(#85806f, #868b94); --three: light-dark(#ab1f17, #ff8f85);
  --sure: light-dark(#1d6b3f, #6fd39a); --band: light-dark(#fbf0c8, #3a3113); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 16px 48px; max-width: 1360px; background: var(--ground); color: var(--ink);
  font: 16px/1.45 'Source Sans 3', 'Segoe UI', system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.75rem; margin: 0 0 4px; }
p { margin: 0 0 8px; color: var(--ink-2); max-width: 90ch; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 16px 0 24px; width: 100%;
  background: var(--surface); border: 1px solid var(--line); }
th, td { text-align: left; padding: 6px 12px; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; white-space: nowrap; }
td.reached { color: var(--sure); font-weight: 600; white-space: nowrap; }
td.missed { color: var(--three); font-weight: 600; white-space: nowrap; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; }
figure { margin: 0; padding: 12px; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; }
figcaption { display: flex; flex-wrap: wrap; gap: 4px 16px; margin-bottom: 8px; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--ink-2); }
.grid { stroke: var(--line); fill: none; } .axis { stroke: var(--two); fill: none; } .band { fill: var(--band); }
.mark { stroke: var(--two); stroke-dasharray: 4 4; fill: none; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.curve.one { stroke: var(--one); } .curve.two { stroke: var(--two); } .curve.three { stroke: var(--three); }
.key::before { content: ''; display: inline-block; width: 18px; height: 3px; margin-right: 6px;
  vertical-align: middle; }
.key.one::before { background: var(--one); } .key.two::before { background: var(--two); }
.key.three::before { background: var(--three); }
"""


def page(raw: Raw, rows: Sequence[Row], response: Response | None, command: str) -> str:
    """The whole HTML document."""
    head = f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Live visit, {escape(raw.profile.name)}</title><style>{STYLE}</style></head><body>
<h1>Live visit on the link “{escape(raw.profile.name)}”</h1>
<p>{escape(raw.profile.what)}. {raw.ended - raw.began:.0f} s, seed {raw.seed}, load average when it began
 {escape(raw.load_average)}. <code>{escape(command)}</code></p>
<p>Shaded: nothing could pass. Bare path: packets of our size on an empty copy of the same link, in the same run.
 The link itself was late by {raw.link.get("late_p50_ms", "?")} ms (p50) and
 {raw.link.get("late_p99_ms", "?")} ms (p99).</p>
"""
    problems = "".join(f"<p><b>Not measured:</b> {escape(one)}</p>" for one in raw.problems)
    plots = "".join(_plots(raw, response))
    return f'{head}{problems}<div class="wide">{_table(rows)}</div><div class="plots">{plots}</div></body></html>\n'


def _table(rows: Sequence[Row]) -> str:
    words = {"reached": "✓ reached", "missed": "✗ missed", "not measured": "not measured", "": ""}
    lines = [
        f'<tr><td>{escape(row.name)}</td><td class="number">{escape(row.measured)}</td>'
        f'<td class="number">{escape(row.target)}</td><td class="{row.verdict}">{words[row.verdict]}</td>'
        f'<td class="number">{row.n}</td></tr>'
        for row in rows
    ]
    head = '<tr><th>figure</th><th class="number">measured</th><th class="number">target</th><th></th>'
    return f'<table>{head}<th class="number">n</th></tr>{"".join(lines)}</table>'


def _plots(raw: Raw, response: Response | None) -> list[str]:
    return [*_delays(raw), *_along(raw), *_response(response), *_machine(raw)]


def _delays(raw: Raw) -> list[str]:
    bare = figures.bare_delays(raw)
    share, time = Axis("share", 0, 1), Axis("ms", 0, 400)
    base = Line("bare path", cumulative(bare), "two")
    pictures = figures.picture_delays([one for one in raw.pictures if raw.began <= one.at <= raw.ended])
    states = [delay for _, delay in figures.vitals_delays(raw.vitals)]
    found = []
    if raw.heard is not None:
        arrived = [delay for _, delay in figures.chunk_delays(raw.heard, raw.began, raw.ended) if delay is not None]
        played = [delay for _, delay in figures.heard_after(raw.heard, raw.began, raw.ended)]
        lines = [base, Line("in the page", cumulative(arrived), "three"), Line("rendered", cumulative(played), "one")]
        found.append(plot("Stethoscope, from leaving it", lines, time, share, marks=[150, 250]))
    lines = [base, Line("picture", cumulative(pictures), "one"), Line("vitals", cumulative(states), "three")]
    return [*found, plot("Picture and vitals, from being made", lines, time, share, marks=[200, 250])]


def _along(raw: Raw) -> list[str]:
    seconds = Axis("s", 0, max(1.0, raw.ended - raw.began))
    bands = [(begin - raw.began, end - raw.began) for begin, end in raw.out]
    found = []
    if raw.heard is not None:
        arrived = figures.chunk_delays(raw.heard, raw.began, raw.ended)
        later = [(at - raw.began, (delay if delay is not None else 9.9) * 1000) for at, delay in arrived]
        played = [(at - raw.began, delay * 1000) for at, delay in figures.heard_after(raw.heard, raw.began, raw.ended)]
        lines = [Line("in the page", later, "three"), Line("rendered", played, "one")]
        found.append(plot("Sound along the visit", lines, seconds, Axis("ms", 0, 1000), bands))
    gaps = [(at - raw.began, length * 1000) for at, length in figures.picture_gaps(raw.pictures, raw.began, raw.ended)]
    talk = [(at - raw.began, length * 1000) for at, length in figures.talk_gaps(raw.talk)]
    lines = [Line("picture", spikes(gaps), "one"), Line("talk, doctor to nurse", spikes(talk), "three")]
    found.append(plot("Gaps", lines, seconds, Axis("ms", 0, 1000), bands))
    rate = per_second([one.at for one in raw.pictures], raw.began, raw.ended)
    line = Line("presented", rate, "one", steps=True)
    return [*found, plot("Pictures per second", [line], seconds, Axis("1/s", 0, 20), bands)]


def spikes(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Each gap as a needle of its length."""
    return [place for at, height in points for place in ((at, 0.0), (at, height), (at, 0.0))]


def _response(response: Response | None) -> list[str]:
    if response is None or not response.hz:
        return []
    line = Line(
        "audio thread's output against the stethoscope's samples", list(zip(response.hz, response.db, strict=True))
    )
    return [plot("Response", [line], Axis("Hz", LOW_HZ, HIGH_HZ, log=True), Axis("dB", -3, 3))]


def _machine(raw: Raw) -> list[str]:
    seconds = Axis("s", 0, max(1.0, raw.ended - raw.began))
    cpu = [(at - raw.began, percent) for at, percent, _ in raw.load]
    memory = [(at - raw.began, mib) for at, _, mib in raw.load]
    sent = [
        (int(second) - raw.began, size * 8 / 1000) for second, size in raw.link.get("up_bytes_per_second", {}).items()
    ]
    during = [(at, rate) for at, rate in sorted(sent) if 0 <= at <= raw.ended - raw.began]
    top = max([1000.0, *(rate for _, rate in during)])
    return [
        plot("Kit's processor", [Line("all of it", cpu, "one", steps=True)], seconds, Axis("% of a core", 0, 100)),
        plot("Kit's memory", [Line("resident", memory, "one")], seconds, Axis("MiB", 0, 400)),
        plot(
            "On the link, kit to doctor",
            [Line("all traffic", during, "one", steps=True)],
            seconds,
            Axis("kbit/s", 0, top),
        ),
    ]
