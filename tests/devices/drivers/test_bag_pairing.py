"""The pairing guide over the simulated air: found, chosen, paired, refused, forgotten and paired anew."""

import asyncio

from bumble.keys import MemoryKeyStore

from carebag_devices.bag import Bag
from carebag_devices.book import DeviceBook
from carebag_devices.events import DeviceState, PairingChanged

CUFF = "C6:00:00:00:00:01"
S = DeviceState


def stage(kitchen) -> str:
    news = kitchen.of(PairingChanged)
    return news[-1].stage if news else "idle"


async def choose_when_found(kitchen, device: str) -> None:
    await kitchen.until(lambda: any(device in [one.id for one in news.found] for news in kitchen.of(PairingChanged)))
    kitchen.bag.choose(device)


async def test_a_neighbours_cuff_is_left_alone_until_the_nurse_chooses_it(make_kitchen) -> None:
    async with make_kitchen(known=set()) as kitchen:
        await kitchen.sim.start()
        kitchen.bag.choose(CUFF)
        kitchen.bag.retry(CUFF)
        kitchen.bag.start_pairing("oximeter")
        await kitchen.until(lambda: kitchen.of(PairingChanged) and kitchen.of(PairingChanged)[-1].found)
        assert kitchen.states("cuff") == []
        assert [one.id for one in kitchen.of(PairingChanged)[-1].found] == ["C6:00:00:00:00:02"]
        kitchen.bag.start_pairing("cuff")
        await choose_when_found(kitchen, CUFF)
        await kitchen.until_ready("cuff")
        assert stage(kitchen) == "done"
        kitchen.bag.stop_pairing()
        assert stage(kitchen) == "idle"


async def test_a_cuff_that_forgot_its_bond_is_paired_anew_with_the_guide(kitchen) -> None:
    await kitchen.sim.cuff.start()
    await kitchen.until_ready("cuff")
    kitchen.sim.cuff.device.keystore = MemoryKeyStore()
    await kitchen.sim.press("cuff", "vanish")
    event = await kitchen.until_state("cuff", S.NEEDS_PAIRING)
    assert event.detail == "bond_lost"
    kitchen.bag.start_pairing("cuff")
    await choose_when_found(kitchen, CUFF)
    await kitchen.until_ready("cuff")
    assert kitchen.of(PairingChanged)[-1].stage == "done"


async def test_a_forgotten_instrument_stays_away_until_it_is_paired_anew(kitchen) -> None:
    await kitchen.sim.start()
    await kitchen.until_ready("cuff")
    kitchen.bag.forget(CUFF)
    await kitchen.until(lambda: S.UNSEEN in kitchen.states("cuff"))
    before = len(kitchen.states("cuff"))
    # others are heard meanwhile, and so is the cuff
    kitchen.bag.start_pairing("cuff")
    await kitchen.until(lambda: kitchen.of(PairingChanged)[-1].found)
    assert len(kitchen.states("cuff")) == before
    found = kitchen.of(PairingChanged)[-1].found[0]
    assert (found.id, found.known) == (CUFF, False)
    await choose_when_found(kitchen, CUFF)
    await kitchen.until_ready("cuff")


async def test_pairing_an_instrument_that_is_connected_makes_a_new_bond(kitchen) -> None:
    await kitchen.sim.cuff.start()
    await kitchen.until_ready("cuff")
    kitchen.bag.start_pairing("cuff")
    # a connected device does not advertise: it is away for a moment and comes back, as when its key is held
    await kitchen.sim.press("cuff", "vanish")
    await choose_when_found(kitchen, CUFF)
    await kitchen.until_ready("cuff")
    await kitchen.until(lambda: stage(kitchen) == "done")


async def test_the_window_closes_and_nothing_pairs_any_more(make_kitchen) -> None:
    async with make_kitchen(known=set()) as kitchen:
        await kitchen.sim.cuff.start()
        kitchen.bag.start_pairing("cuff", window_s=0.3)
        await kitchen.until(lambda: stage(kitchen) == "failed")
        assert kitchen.of(PairingChanged)[-1].problem == "too_late"
        kitchen.bag.choose(CUFF)
        assert kitchen.states("cuff") == []


async def test_nothing_was_there_to_be_found(make_kitchen) -> None:
    async with make_kitchen(known=set()) as kitchen:
        kitchen.bag.start_pairing("scale", window_s=0.1)
        await kitchen.until(lambda: stage(kitchen) == "failed")
        assert kitchen.of(PairingChanged)[-1].problem == "not_found"


async def test_the_bag_knows_its_instruments_after_a_restart(make_kitchen, tmp_path) -> None:
    path = tmp_path / "instruments.json"
    async with make_kitchen(book=DeviceBook(path)) as kitchen:
        await kitchen.sim.cuff.start()
        await kitchen.until_ready("cuff")
    entry = DeviceBook(path).get(CUFF)
    assert entry is not None
    assert (entry.kind, entry.bond, entry.serial) == ("cuff", "bonded", "BP-0001")
    async with make_kitchen(known=set(), book=DeviceBook(path)) as kitchen:
        event = await kitchen.until_state("cuff", S.UNSEEN)
        assert (event.identity.serial, event.bond) == ("BP-0001", "bonded")


def test_a_wired_instrument_that_is_none_is_refused() -> None:
    from carebag_devices.wired_instruments import Wired

    asyncio.set_event_loop(None)
    for key in ("nothing", "blood_pressure_service"):
        try:
            Bag(sink=print, monotonic=float, simulated=True, radio=_NoRadio(), wired=[Wired(key, "tcp://x:1")])
        except ValueError:
            continue
        raise AssertionError(key)


class _NoRadio:
    ask_passkey = None
