"""The page on top, for whoever writes the reports: what is known, what has to be filled in, until when. Pure.

Swedish, and English beside it for the authority of another country.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, tzinfo
from html import escape

from carebag.incident.facts import Deadlines, Facts

_MOST = 40
"""Rows of a list; the whole of it is in the files."""
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem"
    ";color:#16202c;background:#fff}"
    "h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}table{border-collapse:collapse;width:100%}"
    "td:first-child{width:45%}"
    "td,th{border-bottom:1px solid #c9d1da;padding:.35rem .6rem .35rem 0;text-align:left;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}small,.en{color:#51606f}.en{font-size:.9em}"
    ".bad{border-left:.4rem solid #b3261e;background:#fdecea;padding:.6rem 1rem}"
    ".fill{min-height:2.6rem;border:1px dashed #51606f;border-radius:.3rem}"
    "@media print{body{margin:0}}"
)


def first_page(
    *,
    why: str,
    by: str,
    asked: str,
    made: datetime,
    known: datetime,
    zone: tzinfo,
    facts: Facts,
    deadlines: Deadlines,
    log_events: int,
    log_fault: str,
    versions: Iterable[tuple[str, str]],
) -> str:
    """HTML that needs nothing else.

    Args:
        asked: the period and what it was narrowed to, in words.
        log_events: read when the log was verified.
        log_fault: what is wrong with the log, in English words; "" if it is intact.
    """

    def when(moment: datetime | None) -> str:
        return "–" if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    ends = (
        ("Tidig varning (NIS2), 24 timmar", "Early warning", deadlines.warning),
        ("Incidentanmälan (NIS2), 72 timmar", "Incident notification", deadlines.notification),
        ("Personuppgiftsincident (GDPR art. 33), 72 timmar", "Personal data breach", deadlines.personal_data),
        ("Slutrapport (NIS2), en månad efter anmälan", "Final report, a month after the notification", deadlines.final),
    )
    known_rows = (
        ("Undersökt", "Looked at", asked),
        ("Varför", "Why", why),
        ("Känd sedan", "Known since", when(known)),
        ("Sammanställd", "Made", f"{when(made)}, {by}"),
        (
            "Händelser i loggen",
            "Events in the log",
            f"{facts.events}, {when(facts.first)} – {when(facts.last)}" if facts.events else "0",
        ),
        ("Patienter som de nämner", "Patients they name", str(len(facts.patients))),
        ("Besök som de nämner", "Visits they name", str(len(facts.visits))),
    )
    fill = (
        ("Misstänks olaglig eller uppsåtlig handling?", "Suspected unlawful or malicious act?"),
        ("Kan andra länder beröras?", "Could it have cross-border impact?"),
        ("Vad hände, hur allvarligt är det, vad påverkas?", "What happened, how severe, what is affected?"),
        ("Tecken på intrång (adresser, filer, konton)", "Indicators of compromise"),
        ("Vad har gjorts och vad görs nu?", "Measures taken and under way"),
        ("Sannolika följder för patienterna; har de fått veta?", "Likely consequences for patients; were they told?"),
        ("Kontaktperson och dataskyddsombud", "Contact and data protection officer"),
    )
    parts = (
        ("Senast", "Due", _table(_row(sv, en, when(at)) for sv, en, at in ends)),
        ("Det som är känt", "What is known", _table(_row(*one) for one in known_rows)),
        ("Fylls i", "To be filled in", _table(_empty(*one) for one in fill)),
        ("Vad som gjordes", "Acts", _counted(facts.acts, ("kod",))),
        ("Vem", "Who", _counted(facts.people, ("namn", "roll", "enhet"))),
        ("Varifrån", "From where", _counted(facts.origins, ("adress",))),
        ("Versioner", "Versions", _table(_row(name, "", value) for name, value in versions)),
    )
    return (
        f'<!doctype html><html lang="sv"><meta charset="utf-8"><title>Incident {made:%Y-%m-%d}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style><h1>Underlag vid incident {_english('Incident file')}</h1>"
        "<p><small>Innehåller uppgifter om patienter och personal. Vad som hände bedömer ni; "
        "här står vad systemet vet. <span lang='en'>Contains data of patients and staff. You judge what happened; "
        "this is what the system knows.</span></small></p>"
        + _verdict(log_events, log_fault)
        + "".join(f"<h2>{escape(sv)} {_english(en)}</h2>{body}" for sv, en, body in parts)
        + "</html>\n"
    )


def _verdict(events: int, fault: str) -> str:
    if not fault:
        return (
            f"<p>Åtkomstloggen är oförändrad, {events} händelser. {_english(f'Access log intact, {events} events')}</p>"
        )
    told = f"<b>Åtkomstloggen är ändrad.</b> {_english('The access log was changed')}<br>{escape(fault)}"
    return f'<p class="bad">{told}</p>'


def _english(words: str) -> str:
    return f'<span class="en" lang="en">/ {escape(words)}</span>'


def _table(rows: Iterable[str]) -> str:
    return f"<table>{''.join(rows)}</table>"


def _row(sv: str, en: str, value: str) -> str:
    english = f'<br><span class="en" lang="en">{escape(en)}</span>' if en else ""
    return f"<tr><td>{escape(sv)}{english}</td><td>{escape(value)}</td></tr>"


def _empty(sv: str, en: str) -> str:
    words = f'{escape(sv)}<br><span class="en" lang="en">{escape(en)}</span>'
    return f'<tr><td>{words}</td><td><div class="fill"></div></td></tr>'


def _counted(counts: Counter[str] | Counter[tuple[str, str, str]], heads: tuple[str, ...]) -> str:
    if not counts:
        return "<p>–</p>"
    lines = [
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in (what if isinstance(what, tuple) else (what,)))
        + f'<td class="n">{count}</td></tr>'
        for what, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_MOST]
    ]  # fmt: skip
    more = f"<p><small>… {len(counts) - _MOST} till i filerna</small></p>" if len(counts) > _MOST else ""
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    return f'<table><tr>{head}<th class="n">antal</th></tr>{"".join(lines)}</table>{more}'
