"""Codes of kits as people type them, what their QR says, and how hub and kit name the same address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_wire.kit_enrolment import BadCode, new_code, origin_of, qr_text, read_code, read_qr

codes = st.builds(new_code)


@given(codes, st.data())
def test_a_code_is_read_however_it_is_typed(code: str, data: st.DataObject) -> None:
    plain = code.replace("-", "")
    typed = "".join(
        data.draw(st.sampled_from([sign, sign.lower(), {"0": "o", "1": "l"}.get(sign, sign)]))
        + data.draw(st.sampled_from(["", " ", "-"]))
        for sign in plain
    )
    assert read_code(typed) == read_code(code) == plain


@given(st.text())
def test_any_text_is_a_code_or_refused(text: str) -> None:
    try:
        read = read_code(text)
    except BadCode:
        return
    assert read_code(read) == read
    assert len(read) == 12


@pytest.mark.parametrize("text", ["", "K7QM-2XHD-9RT", "K7QM-2XHD-9RTWX", "K7QM-2XHD-9RTU", "Ｋ7QM-2XHD-9RTW"])
def test_what_is_no_code(text: str) -> None:
    with pytest.raises(BadCode):
        read_code(text)


def test_no_two_codes_are_alike() -> None:
    assert len({new_code() for _ in range(1000)}) == 1000


@given(codes)
def test_the_qr_holds_hub_and_code(code: str) -> None:
    assert read_qr(qr_text("https://hub.example.se", code) + "\n") == ("https://hub.example.se", code)
    assert read_qr(code) is None


@given(st.text())
def test_any_text_of_a_scanner_is_no_fault(text: str) -> None:
    read_qr(text)


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://Hub.Example.se/", "https://hub.example.se"),
        ("https://hub.example.se:443/enter/", "https://hub.example.se"),
        (" http://127.0.0.1:8470", "http://127.0.0.1:8470"),
        ("http://[::1]:8470/", "http://[::1]:8470"),
        ("http://hub:80", "http://hub"),
    ],
)
def test_an_address_is_written_one_way(written: str, origin: str) -> None:
    assert origin_of(written) == origin


@given(st.text() | st.builds(lambda rest: "https://" + rest, st.text()))
def test_any_address_is_read_or_refused(text: str) -> None:
    try:
        origin = origin_of(text)
    except ValueError:
        return
    assert origin_of(origin) == origin
