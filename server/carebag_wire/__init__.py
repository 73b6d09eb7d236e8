"""The vocabulary that kit, hub and pages share: what is said, never how it is carried or stored."""

PROTOCOL = 2
"""Version of every message here; a peer that says another one is refused with `wrong_version`."""
