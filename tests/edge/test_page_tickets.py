"""The kit's tickets: one use, thirty seconds, one cookie, and no more than a few that wait."""

from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.page_tickets import MOST, PageTickets


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_once_within_its_time_for_its_cookie() -> None:
    clock = Clock()
    tickets = PageTickets(clock)
    ticket = tickets.issue("cookie")
    assert not tickets.redeem(ticket, "another")
    clock.at += 29.9
    assert tickets.redeem(ticket, "cookie")
    assert not tickets.redeem(ticket, "cookie")
    old = tickets.issue("cookie")
    clock.at += 30
    assert not tickets.redeem(old, "cookie")


def test_those_that_wait_are_few() -> None:
    tickets = PageTickets(Clock())
    made = [tickets.issue("cookie") for _ in range(MOST + 1)]
    assert not tickets.redeem(made[0], "cookie")
    assert all(tickets.redeem(one, "cookie") for one in made[1:])


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_invented_is_taken(ticket: str, cookie: str) -> None:
    tickets = PageTickets(Clock())
    tickets.issue("cookie")
    assert not tickets.redeem(ticket, cookie)
