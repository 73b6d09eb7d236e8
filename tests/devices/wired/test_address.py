"""Addresses of analysers: what is meant is taken, what is doubtful is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.wired.address import Dial, Listen, SerialPort, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("serial:///dev/ttyUSB0", SerialPort("/dev/ttyUSB0")),
        (
            "serial:///dev/serial/by-id/usb-a%20b?baud=115200&bytesize=7&parity=e&stopbits=2&flow=rtscts",
            SerialPort("/dev/serial/by-id/usb-a b", 115_200, 7, "E", 2, "rtscts"),
        ),
        ("serial://COM3", SerialPort("COM3")),
        ("serial:///COM12", SerialPort("COM12")),
        ("tcp://analyser:5600", Dial("analyser", 5600)),
        ("tcp://[fe80::1]:1", Dial("fe80::1", 1)),
        ("tcp-listen://0.0.0.0:0", Listen("0.0.0.0", 0)),
        ("tcp-listen://10.0.0.1:5600?from=10.0.0.2", Listen("10.0.0.1", 5600, "10.0.0.2")),
    ],
)
def test_addresses(url: str, address: object) -> None:
    assert parse_address(url) == address


def test_a_model_has_its_usual_speed() -> None:
    assert parse_address("serial:///dev/x", usual_baud=115_200) == SerialPort("/dev/x", 115_200)
    assert parse_address("serial:///dev/x?baud=4800", usual_baud=115_200) == SerialPort("/dev/x", 4800)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/dev/ttyUSB0",
        "serial://",
        "serial:///dev/x?baud=fast",
        "serial:///dev/x?baud=0",
        "serial:///dev/x?baud=9600&baud=4800",
        "serial:///dev/x?parity=X",
        "serial:///dev/x?speed=9600",
        "serial:///dev/x#1",
        "tcp://host",
        "tcp://host:0",
        "tcp://host:70000",
        "tcp://:5600",
        "tcp://host:1/path",
        "tcp://user@host:1",
        "tcp://host:1?from=2",
        "tcp-listen://5600",
        "http://host:80",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError):
        parse_address(url)


@given(st.text(max_size=40), st.sampled_from(["", "serial://", "tcp://", "tcp-listen://"]))
def test_any_text_is_an_address_or_a_value_error(text: str, scheme: str) -> None:
    try:
        parse_address(scheme + text)
    except ValueError:
        return
