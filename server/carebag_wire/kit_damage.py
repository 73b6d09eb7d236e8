"""That a doctor has read that a kit's disk is damaged."""

from carebag_wire.base import Count, Utc, Wire


class SayKitDamageSeen(Wire):
    number: Count
    """`KitStatus.damage_number` of the page on which it was read."""


class KitDamageSeen(Wire):
    number: Count = 0
    """The highest that this doctor has read; 0: none."""
    at: Utc | None = None
