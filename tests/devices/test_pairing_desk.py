"""The minute in which the nurse looks for an instrument, without any radio."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from carebag_devices.catalog import model_named
from carebag_devices.events import PairingChanged
from carebag_devices.link import Advert
from carebag_devices.pairing_desk import PairingDesk

CUFF, SCALE, PRIVATE = (model_named(key) for key in ("blood_pressure_service", "weight_scale_service", "omron_hem7xxx"))
assert CUFF is not None
assert SCALE is not None
assert PRIVATE is not None
BEURER = model_named("beurer_bm59")
assert BEURER is not None


def advert(address: str, rssi: int | None = -70, *, limited: bool = False) -> Advert:
    return Advert(address, f"device {address}", frozenset(), rssi=rssi, limited=limited)


class Desk:
    def __init__(self) -> None:
        self.now, self.told = 0.0, []
        self.desk = PairingDesk(self.told.append, lambda: self.now)


def test_the_likeliest_comes_first() -> None:
    it = Desk()
    it.desk.start("cuff")
    it.desk.heard(advert("far", -90), CUFF, known=False)
    it.desk.heard(advert("near", -50), CUFF, known=False)
    it.desk.heard(advert("mine", -40), CUFF, known=True)
    it.desk.heard(advert("inviting", -75, limited=True), CUFF, known=False)
    it.desk.heard(advert("scale", -30), SCALE, known=False)
    found = it.told[-1].found
    assert [one.id for one in found] == ["inviting", "near", "far", "mine"]
    assert [one.signal for one in found] == ["fair", "strong", "weak", "strong"]
    assert [one.known for one in found] == [False, False, False, True]


def test_what_to_press_comes_from_the_catalog_where_the_model_is_known() -> None:
    it = Desk()
    it.desk.start("cuff")
    it.desk.heard(advert("some cuff"), CUFF, known=False)
    it.desk.heard(advert("BM59"), BEURER, known=False)
    assert {one.id: one.press for one in it.told[-1].found} == {"some cuff": "", "BM59": "hold_memory"}


def test_an_unchanged_advertisement_is_told_once() -> None:
    it = Desk()
    it.desk.start("cuff")
    for rssi in (-70, -71, -72):
        it.desk.heard(advert("a", rssi), CUFF, known=False)
    assert len(it.told) == 2


def test_a_makers_own_protocol_is_said_at_once() -> None:
    it = Desk()
    it.desk.start("cuff")
    it.desk.heard(advert("omron"), PRIVATE, known=False)
    assert it.desk.choose("omron") is None
    assert (it.told[-1].stage, it.told[-1].problem) == ("failed", "private_protocol")


def test_the_window_counts_down_and_closes() -> None:
    it = Desk()
    it.desk.start("cuff", 60)
    it.now = 20
    it.desk.heard(advert("a"), CUFF, known=False)
    assert it.told[-1].seconds_left == 40
    it.now = 60
    assert not it.desk.open
    assert it.desk.choose("a") is None
    assert it.told[-1].problem == "too_late"


def test_the_passkey_is_only_for_the_one_that_is_paired() -> None:
    it = Desk()
    it.desk.start("cuff")
    it.desk.heard(advert("a"), CUFF, known=False)
    assert not it.desk.ask_passkey("a")
    assert it.desk.choose("a") is not None
    assert not it.desk.ask_passkey("b")
    assert it.desk.ask_passkey("a")
    assert it.told[-1].stage == "passkey"
    it.desk.passkey_given()
    it.desk.succeed("b")
    assert it.told[-1].stage == "pairing"
    it.desk.succeed("a")
    assert it.told[-1].stage == "done"


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order: nothing pairs outside its window, and nothing but what was heard."""

    def __init__(self) -> None:
        super().__init__()
        self.it = Desk()
        self.heard: set[str] = set()
        self.until = 0.0

    @rule(seconds=st.floats(0, 40))
    def time_passes(self, seconds: float) -> None:
        self.it.now += seconds
        if self.it.now >= self.until:
            self.it.desk.window_closed()

    @rule()
    def start(self) -> None:
        self.it.desk.start("cuff")
        self.heard.clear()
        self.until = self.it.now + 60

    @rule(address=st.sampled_from("abc"), rssi=st.none() | st.integers(-100, -20))
    def advertise(self, address: str, rssi: int | None) -> None:
        if self.it.desk.open:
            self.heard.add(address)
        self.it.desk.heard(advert(address, rssi), CUFF, known=False)

    @rule(address=st.sampled_from("abcd"))
    def choose(self, address: str) -> None:
        chosen = self.it.desk.choose(address)
        assert chosen is None or (address in self.heard and self.it.now < self.until)

    @rule(address=st.sampled_from("abc"))
    def ready(self, address: str) -> None:
        before = self.it.desk.chosen
        self.it.desk.succeed(address)
        assert self.it.desk.now.stage != "done" or before in ("", address)

    @rule()
    def stop(self) -> None:
        self.it.desk.stop()

    @invariant()
    def only_what_was_heard_is_shown(self) -> None:
        news: PairingChanged = self.it.desk.now
        assert {one.id for one in news.found} <= self.heard
        assert news.stage != "idle" or not news.found


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
