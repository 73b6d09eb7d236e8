"""CRP: what was said stays said, and a band is shown only where the value surely lies in it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_signal.vitals.crp import Crp, band


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<5", "<5"),
        (" < 5 mg/L", "<5"),
        (">200", ">200"),
        ("5", "5"),
        ("5.20", "5.20"),
        ("5,2", "5.2"),
        ("0", "0"),
        ("1000", "1000"),
    ],
)
def test_stays_as_the_analyser_said(text: str, shown: str) -> None:
    assert str(Crp.parse(text)) == shown


@given(st.sampled_from(["=", "<", ">"]), st.decimals(min_value="0.01", max_value=1000, places=2))
def test_reads_what_it_writes(relation: str, value: Decimal) -> None:
    crp = Crp(value, relation)  # type: ignore[arg-type]
    assert Crp.parse(str(crp)) == crp


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        crp = Crp.parse(text)
    except ValueError:
        return
    assert 0 <= crp.mg_per_l <= 1000


@pytest.mark.parametrize("text", ["", "<", "5-10", "≤5", "-5", "1e3", "NaN", "1001", "5 mg/dl", "<0", "5.123"])
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        Crp.parse(text)
    with pytest.raises(ValueError, match="relation"):
        Crp(Decimal(5), "~")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("19.9", "below 20 mg/l"),
        ("20", "20 to 100 mg/l"),
        ("100", "20 to 100 mg/l"),
        ("100.1", "above 100 mg/l"),
        ("<5", "below 20 mg/l"),
        ("<20", "below 20 mg/l"),
        ("<21", None),
        (">100", "above 100 mg/l"),
        (">99", None),
        (">5", None),
    ],
)
def test_band(text: str, within: str | None) -> None:
    found = band(Crp.parse(text))
    assert (found.range if found else None) == within
    if found:
        assert "CG191" in found.source
        assert "primary care" in found.applies_to
