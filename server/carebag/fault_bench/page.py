"""The page of a run: each fault, how often it came, what was wrong, and what was planted. One file, fetches nothing."""

from collections.abc import Sequence
from html import escape
from typing import Any

from carebag.fault_bench.outcome import Outcome

STYLE = """
:root { color-scheme: light dark; --ground: light-dark(#f4f1ec, #15171a); --surface: light-dark(#fffdfa, #1e2125);
  --ink: light-dark(#1b212b, #f1eee8); --ink-2: light-dark(#4d545f, #b9bac0); --line: light-dark(#dcd6cb, #363b42);
  --sure: light-dark(#1d6b3f, #6fd39a); --wrong: light-dark(#ab1f17, #ff8f85); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 16px 48px; max-width: 1280px; background: var(--ground); color: var(--ink);
  font: 16px/1.45 'Source Sans 3', 'Segoe UI', system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.75rem; margin: 0 0 4px; } h2 { font-size: 1.15rem; margin: 0; }
p { margin: 0 0 8px; color: var(--ink-2); max-width: 90ch; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 16px 0 24px; width: 100%;
  background: var(--surface); border: 1px solid var(--line); }
th, td { text-align: left; padding: 8px 12px; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.good { color: var(--sure); font-weight: 600; white-space: nowrap; }
td.bad { color: var(--wrong); font-weight: 600; white-space: nowrap; }
td.open { color: var(--ink-2); }
ul { margin: 0; padding: 0; list-style: none; } small { color: var(--ink-2); font-size: .875rem; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px;
  margin: 0 0 16px; }
code { font-size: .875rem; overflow-wrap: anywhere; }
"""


def page(outcomes: Sequence[Outcome], found: dict[str, Any]) -> str:
    """The whole HTML document; `found` is what `--json` prints."""
    rows = "".join(_row(one) for one in outcomes)
    wrong = "".join(_wrong(one) for one in outcomes if one.examples)
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Faults</title><style>{STYLE}</style></head><body>
<h1>{_headline(outcomes)}</h1>
<p>Seed {found["seed"]}, {escape(found["at"])}, {escape(found["machine"])}. <code>{escape(found["command"])}</code></p>
<p>Planted: the same bench with a known fault in the product. It must be found; a bench that finds none proves
 nothing.</p>
<div class="wide"><table><tr><th>fault</th><th class="number">n</th><th>counted besides</th>
<th class="number">wrong</th><th>planted faults found</th><th></th><th class="number">s</th></tr>{rows}</table></div>
{wrong}</body></html>
"""


def _headline(outcomes: Sequence[Outcome]) -> str:
    wrong = sum(sum(one.wrong.values()) for one in outcomes)
    missed = sum(not control.found for one in outcomes for control in one.controls)
    skipped = sum(bool(one.skipped) for one in outcomes)
    if wrong or missed:
        return f"{wrong} wrong, {missed} planted faults not found"
    if skipped:
        return f"Nothing wrong in what ran; {skipped} benches could not run here"
    return "Nothing lost, nothing doubled, nothing misfiled"


def _row(one: Outcome) -> str:
    counts = "".join(f"<li>{number:,} {escape(what)}</li>" for what, number in one.counts.items())
    planted = "".join(f"<li>{escape(control.what)}: {control.found} of {control.n}</li>" for control in one.controls)
    kind, word = ("open", escape(f"not run: {one.skipped}")) if one.skipped else _verdict(one)
    return (
        f"<tr><td><h2>{escape(one.name)}</h2><small>{escape(one.what)}</small></td>"
        f'<td class="number">{one.n:,}<br><small>{escape(one.unit)}</small></td><td><ul>{counts}</ul></td>'
        f'<td class="number">{sum(one.wrong.values()):,}</td><td><ul>{planted}</ul></td>'
        f'<td class="{kind}">{word}</td><td class="number">{one.seconds:,.0f}</td></tr>'
    )


def _verdict(one: Outcome) -> tuple[str, str]:
    return ("good", "✓ nothing wrong") if one.is_good else ("bad", "✗ wrong")


def _wrong(one: Outcome) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in one.examples)
    kinds = ", ".join(f"{number:,} × {escape(kind)}" for kind, number in one.wrong.items())
    return f"<section><h2>{escape(one.name)}: {kinds}</h2><ul>{items}</ul></section>"
