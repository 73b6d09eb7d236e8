"""The examination camera worked from afar."""

from typing import Any


def test_what_no_kit_can_do_is_refused_and_not_logged_as_done(hub: Any, doctor: Any, visit: Any) -> None:
    before = hub.actions()
    for act in ("freeze", "still", "release"):
        answer = hub.client.post(f"/api/visits/{visit['id']}/camera", json={"act": act}, headers=doctor)
        assert (answer.status_code, answer.json()["code"]) == (409, "kit_away")
    assert hub.actions() == before
