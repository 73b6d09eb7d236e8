"""How long an instrument is away after its link broke: from the break until it is ready for use again.

    python devices/bench/reconnect.py [--drops 40] [--device cuff|oximeter|…] [--mode dbus|in_process]

The instrument advertises at once after the break, as meters do whose link was lost. Over D-Bus the radio is the
BlueZ-shaped service with its real pauses (two seconds before it hangs up on request), and bleak's own BlueZ backend.
Prints JSON.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from datetime import datetime
from typing import Any

from carebag_devices.bag import Bag
from carebag_devices.events import DeviceState, Event, StateChanged
from carebag_devices.radio.simulated_radio import SimulatedRadio
from carebag_devices.sim.bag import DEVICES, SimulatedBag

AT_MOST_S = 60.0


async def measure(device: str, mode: Any, drops: int) -> list[float]:
    """Seconds of each reconnection."""
    ready, away = asyncio.Event(), asyncio.Event()

    def sink(event: Event) -> None:
        if isinstance(event, StateChanged) and event.identity.kind == device:
            if event.state is DeviceState.READY:
                ready.set()
            elif event.state in (DeviceState.ASLEEP, DeviceState.LOST):
                away.set()

    async with SimulatedRadio(mode) as radio:
        sim = SimulatedBag(radio.link, sound_source=lambda _rate: iter(()), devices=(device,))  # type: ignore[arg-type]
        sim.devices[device].passkey_display = False
        bag = Bag(
            sink=sink,
            monotonic=time.monotonic,
            backend=radio.backend,
            scanner_backend=radio.scanner_backend,
            simulated=True,
            wall=lambda: datetime.now().astimezone(),
        )
        running = asyncio.create_task(bag.run())
        await sim.start()
        async with asyncio.timeout(AT_MOST_S):
            await ready.wait()
        found = []
        for _ in range(drops):
            await asyncio.sleep(1.0)
            ready.clear()
            away.clear()
            began = time.monotonic()
            radio.link.lose(sim.devices[device].label.address)
            async with asyncio.timeout(AT_MOST_S):
                await away.wait()
            async with asyncio.timeout(AT_MOST_S):
                await ready.wait()
            found.append(time.monotonic() - began)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await sim.stop()
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drops", type=int, default=40)
    parser.add_argument("--device", choices=DEVICES, default="cuff")
    parser.add_argument("--mode", choices=["dbus", "in_process"], default="dbus")
    args = parser.parse_args()
    seconds = sorted(asyncio.run(measure(args.device, args.mode, args.drops)))
    sys.stdout.write(
        json.dumps(
            {
                "device": args.device,
                "mode": args.mode,
                "drops": len(seconds),
                "median_s": round(statistics.median(seconds), 3),
                "p95_s": round(seconds[int(len(seconds) * 0.95) - 1], 3),
                "max_s": round(seconds[-1], 3),
                "load": round(os.getloadavg()[0], 1),
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
