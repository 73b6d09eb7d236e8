"""Who says yes when a device wants to pair: the port between Bumble's security manager and an agent."""

from typing import Any, Literal, Protocol

from bumble.pairing import PairingConfig, PairingDelegate

Capability = Literal["NoInputNoOutput", "DisplayOnly", "DisplayYesNo", "KeyboardOnly", "KeyboardDisplay"]
"""BlueZ's words for what the person in front of the kit can do."""

_IO = PairingDelegate.IoCapability
_IO_CAPABILITY = {
    "NoInputNoOutput": _IO.NO_OUTPUT_NO_INPUT,
    "DisplayOnly": _IO.DISPLAY_OUTPUT_ONLY,
    "DisplayYesNo": _IO.DISPLAY_OUTPUT_AND_YES_NO_INPUT,
    "KeyboardOnly": _IO.KEYBOARD_INPUT_ONLY,
    "KeyboardDisplay": _IO.DISPLAY_OUTPUT_AND_KEYBOARD_INPUT,
}


class PairingPolicy(Protocol):
    """Asked while pairing. `address` is `AA:BB:CC:DD:EE:FF`; `asked_for` is true when we started it on purpose."""

    def capability(self, address: str) -> Capability:
        """What the person can do; decides between Just Works, comparison and passkey."""

    async def authorize(self, address: str, asked_for: bool) -> bool:
        """Just Works: pair or not."""

    async def confirm(self, address: str, number: int) -> bool:
        """Numeric comparison: do both show `number` (0 to 999999)?"""

    async def passkey(self, address: str) -> int | None:
        """The number the device shows; None refuses."""

    async def show(self, address: str, number: int) -> None:
        """Show `number`, to be typed on the device."""


class AcceptAll:
    """Pairs with everything, Just Works. For simulators; a kit uses an agent with an allow-list."""

    def capability(self, address: str) -> Capability:
        return "NoInputNoOutput"

    async def authorize(self, address: str, asked_for: bool) -> bool:
        return True

    async def confirm(self, address: str, number: int) -> bool:
        return True

    async def passkey(self, address: str) -> int | None:
        return None

    async def show(self, address: str, number: int) -> None:
        return None


class _Delegate(PairingDelegate):  # type: ignore[misc]  # Bumble is untyped for us
    """Bumble's questions, passed on to the policy."""

    def __init__(self, policy: PairingPolicy, address: str, asked_for: bool) -> None:
        # No identity keys: an identity would make Bumble scan without time limit before each later connection.
        keys = PairingDelegate.KeyDistribution.DISTRIBUTE_ENCRYPTION_KEY
        super().__init__(_IO_CAPABILITY[policy.capability(address)], keys, keys)
        self._policy = policy
        self._address = address
        self._asked_for = asked_for

    async def confirm(self, auto: bool = False) -> bool:
        return await self._policy.authorize(self._address, self._asked_for)

    async def compare_numbers(self, number: int, digits: int) -> bool:
        return await self._policy.confirm(self._address, number)

    async def get_number(self) -> int | None:
        return await self._policy.passkey(self._address)

    async def display_number(self, number: int, digits: int) -> None:
        await self._policy.show(self._address, number)


def pairing_config(policy: PairingPolicy, address: str, asked_for: bool) -> Any:
    """Secure Connections with bonding; protection against a man in the middle where a person can help."""
    return PairingConfig(
        sc=True,
        mitm=policy.capability(address) != "NoInputNoOutput",
        bonding=True,
        delegate=_Delegate(policy, address, asked_for),
    )
