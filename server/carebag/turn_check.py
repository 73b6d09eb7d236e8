"""`carebag turn-check`: whether the TURN servers answer from here, each by a real allocation with the hub's secret."""

import argparse
import asyncio
import time
import uuid
from datetime import UTC, datetime

from carebag_edge.live.relay_race import RelayFailed, TurnAddress, allocate
from carebag_server.settings import UnsafeSettings, settings_from
from carebag_server.turn import TurnSettings, is_weak, relay_for

LIMIT_S = 5.0
MEANING = {
    "turn_no_answer": "nothing comes back: a firewall, a wrong port, or coturn does not run",
    "turn_unreachable": "refused or no route: a wrong address or port, or coturn does not run",
    "turn_refused": "login refused: another secret than coturn's static-auth-secret, or a clock is wrong",
    "turn_full": "no more allocations: a quota, or the relay ports are used up",
    "turn_certificate": "certificate not trusted: wrong name, expired, or a part of its chain is missing",
    "turn_answer": "an answer that is none of TURN's",
    "turn_name": "the name is not known here",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--turn", default=None, metavar="URLS", help="as for `carebag hub`; default CAREBAG_TURN")


def run(args: argparse.Namespace) -> int:
    """Exit status 0 if every address answered. The secret comes from the environment, as the hub's does."""
    try:
        turn = settings_from(args).turn
    except UnsafeSettings as fault:
        raise SystemExit(f"carebag turn-check: {fault.code}") from None
    fault_code = turn.fault(demo=True)
    if not turn.urls or fault_code:
        raise SystemExit(f"carebag turn-check: {fault_code or 'no TURN server: give --turn or CAREBAG_TURN'}")
    if is_weak(turn.secret):
        print("the secret is weak: a hub will not start with it; make one with  openssl rand -hex 32")
    return asyncio.run(check(turn))


async def check(turn: TurnSettings) -> int:
    """Try the addresses one after the other and say what came of it."""
    relay = relay_for(turn, uuid.UUID(int=0), "turn-check", datetime.now(UTC))
    assert relay is not None
    codes = [await _one(url, relay.username, relay.credential) for url in relay.urls]
    # the allocations are given back in the background
    await asyncio.sleep(0.2)
    return 1 if any(codes) else 0


async def _one(url: str, username: str, credential: str) -> str:
    began = time.monotonic()
    try:
        async with asyncio.timeout(LIMIT_S):
            await allocate(TurnAddress.of(url), username, credential)
    except RelayFailed as failed:
        code = failed.code
    except TimeoutError:
        code = "turn_no_answer"
    else:
        print(f"ok    {url}  {1000 * (time.monotonic() - began):.0f} ms")
        return ""
    print(f"FAIL  {url}  {code}: {MEANING[code]}")
    return code
