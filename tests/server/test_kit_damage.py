"""A doctor reads that the kit's disk is damaged, once for each damage, and that is kept."""

from typing import Any

import pytest


@pytest.fixture
def doctor(hub: Any) -> Any:
    return hub.sign_in("doctor")


@pytest.fixture
def path(hub: Any, doctor: Any) -> str:
    return f"/api/visits/{hub.visits()[0]['id']}/kit-damage"


def test_what_a_doctor_has_read_is_kept_with_its_time(hub: Any, doctor: Any, path: str) -> None:
    assert hub.client.get(path, headers=doctor).json() == {"number": 0, "at": None}
    for number in (1, 3, 2):
        assert hub.client.post(path, headers=doctor, json={"number": number}).status_code == 204
    at = hub.clock().isoformat().replace("+00:00", "Z")
    hub.clock.forward(minutes=1)
    assert hub.client.post(path, headers=doctor, json={"number": 3}).status_code == 204  # the first time stays
    said = hub.client.get(path, headers=doctor).json()
    assert (said["number"], said["at"][:19]) == (3, at[:19])
    assert hub.actions(path.split("/")[3]).count("kit_damage_seen") == 3


def test_a_visit_that_is_not_hers_is_not_there(hub: Any, doctor: Any) -> None:
    nowhere = "/api/visits/00000000-0000-0000-0000-000000000009/kit-damage"
    assert hub.client.get(nowhere, headers=doctor).status_code == 404
    assert hub.client.post(nowhere, headers=doctor, json={"number": 1}).status_code == 404
