import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.errors import Refused
from carebag_edge.vitals import VitalsStream


def stream_and_feed(hands, world):
    stream = VitalsStream(hands.ns, hands.utc)

    def feed(*values: str, every_s: float = 1.0):
        message = None
        for spo2 in values:
            hands.forward(every_s)
            message = stream.sample(world.oximeter(spo2), hands.ns, hands.utc)
        return message

    return stream, feed


def test_live_then_stale_then_lost_each_with_its_moment(hands, world) -> None:
    stream, feed = stream_and_feed(hands, world)
    live = feed("97")
    heard = hands.utc
    assert (live.state, live.spo2_percent, live.pulse_per_min, live.problem) == ("live", "97", "72", None)
    hands.forward(2.9)
    assert stream.tick(hands.ns) is None
    hands.forward(0.2)
    stale = stream.tick(hands.ns)
    assert (stale.state, stale.spo2_percent) == ("stale", "97")
    assert (stale.since - heard).total_seconds() == 3
    hands.forward(20)
    lost = stream.tick(hands.ns)
    assert (lost.state, lost.spo2_percent, lost.problem) == ("lost", None, "device_lost")
    assert (lost.since - heard).total_seconds() == 10
    assert feed("96").state == "live"


def test_no_valid_value_is_a_word_and_never_a_number(hands, world) -> None:
    stream, feed = stream_and_feed(hands, world)
    feed("97")
    hands.forward(1)
    message = stream.sample(world.oximeter("127", problem="finger_off"), hands.ns, hands.utc)
    assert (message.state, message.spo2_percent, message.pulse_per_min) == ("invalid", None, None)
    assert message.problem == "finger_off"
    message = stream.sample(world.oximeter(None), hands.ns, hands.utc)
    assert (message.state, message.problem) == ("invalid", "no_valid_value")


def test_the_next_visit_begins_without_the_number_of_the_one_before(hands, world) -> None:
    stream, feed = stream_and_feed(hands, world)
    feed("84", "84", "84", "84", "84", "84", "84")
    stream.another_visit(hands.utc)
    assert (stream.shown, stream.message.spo2_percent) == (None, None)
    with pytest.raises(Refused):
        stream.spot(hands.ns)
    feed("97")
    assert stream.spot(hands.ns).spo2 == 97


def test_nothing_is_shown_before_the_first_sample(hands, world) -> None:
    stream, feed = stream_and_feed(hands, world)
    assert stream.shown is None
    feed("97")
    assert stream.shown is not None


def test_gone_is_lost_at_once_and_only_told_once(hands, world) -> None:
    stream, feed = stream_and_feed(hands, world)
    feed("97")
    assert stream.gone(hands.utc).state == "lost"
    assert stream.gone(hands.utc) is None


def test_a_spot_is_a_number_the_device_said(hands, world) -> None:
    stream, feed = stream_and_feed(hands, world)
    feed("80", "97", "98", "96", "97", "98", "97")
    spot = stream.spot(hands.ns)
    assert (spot.spo2, spot.pulse, spot.flags) == (Decimal(97), Decimal(72), ())
    assert spot.raw == b"\x01\x02" * spot.samples


def test_a_spot_of_what_is_not_live_is_refused_with_a_word(hands, world) -> None:
    stream, feed = stream_and_feed(hands, world)
    with pytest.raises(Refused, match="oximeter_not_live"):
        stream.spot(hands.ns)
    feed("97", "97", "97")
    hands.forward(3.5)
    with pytest.raises(Refused, match="oximeter_not_live"):
        stream.spot(hands.ns)


def test_what_is_not_settled_is_flagged_and_kept(hands, world) -> None:
    stream, feed = stream_and_feed(hands, world)
    feed("91", "97")
    spot = stream.spot(hands.ns)
    assert (spot.spo2, spot.flags) == (Decimal(91), ("early_estimate", "unsteady"))


def test_a_finger_that_left_takes_the_window_with_it(hands, world) -> None:
    stream, feed = stream_and_feed(hands, world)
    feed("97", "97", "97")
    stream.sample(world.oximeter(None, problem="finger_off"), hands.ns, hands.utc)
    feed("91", every_s=0.5)
    assert stream.spot(hands.ns).samples == 1


@given(steps=st.lists(st.tuples(st.floats(0, 15), st.sampled_from(["value", "invalid", "tick", "gone"])), max_size=40))
def test_a_number_is_only_shown_while_it_may_be_read(steps) -> None:
    from datetime import UTC, datetime, timedelta

    from carebag_devices.events import Identity, OximeterSample

    now, ns = datetime(2026, 1, 1, tzinfo=UTC), 0
    stream, identity, last = VitalsStream(ns, now), Identity("x", "oximeter"), None
    for seconds, what in steps:
        now, ns = now + timedelta(seconds=seconds), ns + int(seconds * 1e9)
        if what in ("value", "invalid"):
            value = Decimal(95) if what == "value" else None
            stream.sample(OximeterSample(identity, value, value, None), ns, now)
            last = now
        elif what == "gone":
            stream.gone(now)
        stream.tick(ns)
        message = stream.message
        assert (message.spo2_percent is not None) <= (message.state in ("live", "stale"))
        if message.state == "live":
            assert last is not None
            assert (now - last).total_seconds() <= 3.001
        assert message.since <= now


def test_the_pulse_wave_goes_out_once(hands, world) -> None:
    stream, _ = stream_and_feed(hands, world)
    sample = dataclasses.replace(world.oximeter("97"), pleth=(1, 5, 3))
    assert stream.sample(sample, hands.ns, hands.utc).pleth == [1, 5, 3]
    assert stream.shown is not None
    assert (stream.shown.pleth, stream.shown.spo2_percent) == ([], "97")
    hands.forward(4)
    assert stream.tick(hands.ns).pleth == []
    long = dataclasses.replace(world.oximeter(None, problem="finger_off"), pleth=tuple(range(900)))
    assert stream.sample(long, hands.ns, hands.utc).pleth == list(range(400, 900))
