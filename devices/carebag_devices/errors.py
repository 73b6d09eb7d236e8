"""Everything that can go wrong with an instrument, as one tree.

    DeviceError
     ├─ Malformed        bytes that do not follow their specification
     ├─ DeviceSilent     it is (or should be) there and does not answer
     ├─ DeviceLost       the link broke
     ├─ DeviceRefused    it answered no
     ├─ NeedsPairing     no bond, or one side lost it
     └─ RadioMissing     no adapter, no Bluetooth service, no permission

Reasons are codes (`truncated`), never sentences and never patient data.
"""


class DeviceError(Exception):
    """Base of all. `code` is a word for the page's catalogue."""

    code = "device_error"

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Malformed(DeviceError):
    """Bytes that cannot be read. The value is then `not_readable`; nothing is ever guessed from them."""

    code = "not_readable"


class DeviceSilent(DeviceError):
    """No answer within the time it was given."""

    code = "device_silent"


class DeviceLost(DeviceError):
    """The link broke, by distance, battery or switch."""

    code = "device_lost"


class DeviceRefused(DeviceError):
    """The device answered with an error; `reason` names it."""

    code = "device_refused"


class NeedsPairing(DeviceError):
    """Encryption was demanded and could not be had: pair on this kit, or forget and pair anew."""

    code = "needs_pairing"


class RadioMissing(DeviceError):
    """Nothing to send with: adapter gone or off, Bluetooth service down, or access denied."""

    code = "radio_missing"
