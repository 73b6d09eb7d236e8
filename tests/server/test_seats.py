"""Consoles are found by visit and by kit, wherever they sat before, and nothing is kept of seats that are empty."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from carebag_server.seats import Console, Seat, Seating

MOVES = st.lists(st.tuples(st.integers(0, 4), st.none() | st.tuples(st.integers(0, 2), st.integers(0, 1))))


@given(MOVES)
def test_who_sits_where(moves: list[tuple[int, tuple[int, int] | None]]) -> None:
    seating = Seating()
    consoles = [Console(number, UUID(int=number), "") for number in range(5)]
    sits: dict[int, tuple[int, int]] = {}
    for who, where in moves:
        before = sits.pop(who, None)
        if where is None:
            seat = seating.rise(consoles[who])
            assert (seat.visit_id.int if seat else None) == (before[0] if before else None)
        else:
            seating.sit(consoles[who], Seat(who, UUID(int=where[0]), UUID(int=where[1])))
            sits[who] = where
    for place in range(3):
        in_room = [one.connection for one in seating.in_room(UUID(int=place))]
        of_kit = [one.connection for one in seating.of_kit(UUID(int=place))]
        assert in_room == sorted(who for who, (visit, _) in sits.items() if visit == place)
        assert of_kit == sorted(who for who, (_, kit) in sits.items() if kit == place)
    for console in consoles:
        seating.rise(console)
    assert not seating._of_visit
    assert not seating._of_kit
