"""The object tree of a connected device, as real bluetoothd 5.66 shows it: the simulated BlueZ must show the same.

`bluez_5_66_objects.json` comes from real bluetoothd (`make test-bluez` compares it anew, and leaves what it saw in its
results). Each difference of the simulated one is listed below with its reason; one that has gone must leave the list.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("D-Bus is Linux only", allow_module_level=True)

from bleak import BleakClient
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from carebag_devices.radio.dbus_objects import leave

GOLDEN = Path(__file__).with_name("bluez_5_66_objects.json")
FIXED = {"UUID", "Flags", "Primary", "Includes", "Device", "Service", "Characteristic", "Adapter"}
"""Properties whose values belong to the device's build; of the others only the type is compared."""

Tree = dict[str, dict[str, dict[str, Any]]]

UNUSED = "neither the kit nor bleak asks for it"
ALLOWED = {
    "+ /org/bluez org.freedesktop.DBus.Properties": "every object gets it here; GDBus spares those without properties",
    "- /org/bluez org.bluez.HealthManager1": UNUSED,
    "- /org/bluez org.bluez.ProfileManager1": UNUSED,
    "- /org/bluez/hci0 org.bluez.LEAdvertisingManager1": UNUSED,
    "- /org/bluez/hci0 org.bluez.LEAdvertisingManager1 ActiveInstances": UNUSED,
    "- /org/bluez/hci0 org.bluez.LEAdvertisingManager1 SupportedIncludes": UNUSED,
    "- /org/bluez/hci0 org.bluez.LEAdvertisingManager1 SupportedInstances": UNUSED,
    "- /org/bluez/hci0 org.bluez.Media1": UNUSED,
    "- /org/bluez/hci0 org.bluez.Media1 SupportedUUIDs": UNUSED,
}
"""Difference: reason."""


def shape(managed: dict[str, Any]) -> Tree:
    """Paths, interfaces, properties with signature, and the values that do not change."""
    return {
        path: {
            interface: {
                name: [variant.signature, variant.value] if name in FIXED else variant.signature
                for name, variant in sorted(properties.items())
            }
            for interface, properties in sorted(faces.items())
        }
        for path, faces in sorted(managed.items())
    }


def flat(tree: Tree) -> dict[str, Any]:
    """One line for each object, interface and property."""
    lines: dict[str, Any] = {}
    for path, faces in tree.items():
        lines[path] = ""
        for interface, properties in faces.items():
            lines[f"{path} {interface}"] = ""
            lines |= {f"{path} {interface} {name}": kind for name, kind in properties.items()}
    return lines


def differences(real: Tree, simulated: Tree) -> set[str]:
    """`- line`: the simulated one lacks it; `+ line`: only it has it; `~ line`: of another type or value."""
    ours, theirs = flat(simulated), flat(real)
    lacking = {f"- {line}" for line in theirs.keys() - ours.keys()}
    added = {f"+ {line}" for line in ours.keys() - theirs.keys()}
    return lacking | added | {f"~ {line}" for line in ours.keys() & theirs.keys() if ours[line] != theirs[line]}


def keep(seen: Tree) -> None:
    """In the results of `make test-bluez`: a new golden file, should it be right."""
    results = Path(os.environ["CAREBAG_RESULTS"], GOLDEN.name)
    results.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")


async def objects_of(bus_address: str) -> dict[str, Any]:
    bus = await MessageBus(bus_address=bus_address).connect()
    manager = "org.freedesktop.DBus.ObjectManager"
    call = Message(destination="org.bluez", path="/", interface=manager, member="GetManagedObjects")
    answer = await bus.call(call)
    await leave(bus)
    assert answer is not None
    return dict(answer.body[0])


async def test_the_object_tree_is_real_bluezs(bluez_radio: Any, bluez_strap: Any, find: Any) -> None:
    async with BleakClient(await find(bluez_radio)), asyncio.timeout(10):
        managed: dict[str, Any] = {}
        while "org.bluez.Battery1" not in str(managed):
            managed = await objects_of(bluez_radio.bus_address)
    seen = shape(managed)
    golden: Tree = json.loads(GOLDEN.read_text(encoding="utf-8"))
    if bluez_radio.mode == "bluez":
        keep(seen)
        assert seen == golden
    else:
        assert differences(golden, seen) == set(ALLOWED)


def test_differences_are_seen() -> None:
    """The comparison itself: lacking, added, changed."""
    real: Tree = {"/a": {"i": {"X": "s", "UUID": ["s", "180d"]}}, "/b": {}}
    simulated: Tree = {"/a": {"i": {"X": "b", "UUID": ["s", "180d"], "Y": "s"}}}
    assert differences(real, simulated) == {"- /b", "+ /a i Y", "~ /a i X"}
    assert differences(real, real) == set()
