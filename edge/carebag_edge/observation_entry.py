"""What a nurse counted or saw: what must hold before it is a reading. Pure."""

from decimal import Decimal

from carebag_edge.errors import Refused
from carebag_wire.nurse_messages import EnterObserved
from carebag_wire.values import Seen

MOST_BREATHS = 200
"""In a minute; what is implausible below it is flagged, never blocked."""
MOST_FLOW = 100
"""Litres a minute."""


def check(message: EnterObserved) -> None:
    """One kind says one thing: nothing of another kind comes with it.

    Raises:
        Refused: `value_missing`, `values_not_of_kind`, `number_too_long`, `unit_not_allowed`, `count_differs` (the rate
            is not the breaths of that time).
    """
    {"respiration": _breaths, "consciousness": _consciousness, "oxygen": _oxygen}[message.kind](message)


def rate_of(breaths: int, counted_s: int) -> Decimal:
    """Breaths a minute; 30 and 60 s give whole numbers."""
    return Decimal(breaths * 60) / counted_s


def _breaths(message: EnterObserved) -> None:
    _only(message.seen, "breaths", "counted_s")
    value = _number(message, "respiration", "/min", needed=True)
    if value is None or value != value.to_integral_value() or value > MOST_BREATHS:
        raise Refused("number_too_long")
    breaths, counted_s = message.seen.breaths, message.seen.counted_s
    if (breaths is None) != (counted_s is None):
        raise Refused("value_missing")
    if breaths is not None and counted_s is not None and rate_of(breaths, counted_s) != value:
        raise Refused("count_differs")


def _consciousness(message: EnterObserved) -> None:
    _only(message.seen, "consciousness")
    if message.seen.consciousness is None:
        raise Refused("value_missing")
    if message.quantities:
        raise Refused("values_not_of_kind")


def _oxygen(message: EnterObserved) -> None:
    """Air has neither litres nor device; of oxygen both may be left out, as the score asks only whether."""
    _only(message.seen, "breathes", "oxygen_device")
    if message.seen.breathes is None:
        raise Refused("value_missing")
    if message.seen.breathes == "air" and (message.quantities or message.seen.oxygen_device is not None):
        raise Refused("values_not_of_kind")
    value = _number(message, "oxygen_flow", "L/min", needed=False)
    if value is not None and (value > MOST_FLOW or value != round(value, 2)):
        raise Refused("number_too_long")


def _only(seen: Seen, *names: str) -> None:
    if {name for name in Seen.model_fields if getattr(seen, name) is not None} - set(names):
        raise Refused("values_not_of_kind")


def _number(message: EnterObserved, name: str, unit: str, *, needed: bool) -> Decimal | None:
    if not message.quantities:
        if needed:
            raise Refused("value_missing")
        return None
    (one,) = message.quantities
    if one.name != name or one.comparator is not None:
        raise Refused("values_not_of_kind")
    if one.unit != unit:
        raise Refused("unit_not_allowed")
    if one.value < 0:
        raise Refused("number_too_long")
    return one.value
