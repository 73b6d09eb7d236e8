"""The radio: pairing agent for the kit, and the simulated air that demo and tests breathe.

    agent             our BlueZ pairing agent (real and simulated BlueZ alike)
    bluez_watch       adapters that go off or away, links that break at once
    link_model        the air: Bumble controllers that hear each other
    central           one Bumble host as central: scan, connect, discover, secure
    bumble_backend    bleak without BlueZ, over `central`
    fake_bluez        BlueZ's D-Bus face over `central`  (bluez_*.py are its parts)
    dbus_objects      objects on a bus
    private_bus       a dbus-daemon of our own
    simulated_radio   the above, put together

Only these two are needed on a machine with a real adapter; the others need the `demo` extra (Bumble).
"""
