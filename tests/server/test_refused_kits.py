import logging
import uuid

import pytest

from carebag_server.refused_kits import HOUR_S, KEPT, RefusedKits

KIT = uuid.UUID(int=1)


def test_each_refusal_of_a_kit_is_news_once_an_hour() -> None:
    told = RefusedKits()
    assert told.news(KIT, "kit_unknown", 0.0)
    assert not told.news(KIT, "kit_unknown", HOUR_S - 1)
    assert told.news(KIT, "kit_revoked", 10.0)
    assert told.news(uuid.UUID(int=2), "kit_unknown", 20.0)
    assert told.news(KIT, "kit_unknown", HOUR_S)


def test_made_up_ids_do_not_fill_the_log() -> None:
    told = RefusedKits()
    assert sum(told.news(uuid.uuid4(), "kit_unknown", float(number)) for number in range(10 * KEPT)) == KEPT
    assert told.news(KIT, "kit_unknown", HOUR_S)


def test_what_passes_by_itself_has_no_line_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert not RefusedKits().refused(KIT, "clock_differs", 0.0)
        assert caplog.text == ""
        assert RefusedKits().refused(KIT, "kit_revoked", 0.0)
    assert f"kit {KIT} is refused, kit_revoked" in caplog.text
