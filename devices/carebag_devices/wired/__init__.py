"""Analysers on a wire: serial port or TCP, from an address to the kit's events.

address   URL → which port, how it is set
stream    the open wire, and the socket that waits for one
lis2      LIS2-A2 in LIS01-A2 frames
afinion   Afinion's own protocol
poct1a    POCT1-A2
run       dial or listen, serve, come back: `run_wired`
"""

from carebag_devices.wired.address import parse_address
from carebag_devices.wired.run import run_wired, wired_identity

__all__ = ["parse_address", "run_wired", "wired_identity"]
