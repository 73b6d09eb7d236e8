"""A bad link between two network namespaces of one Linux machine, for measuring: delay, loss, rate, outage, handover.

The kernel's own emulator (netem) is not everywhere; TUN devices and namespaces are. `model.py` decides each packet's
fate and is pure; `namespaces.py`, `forwarder.py` and `link.py` are the rim.
"""
