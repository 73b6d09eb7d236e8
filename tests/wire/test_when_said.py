"""Fields that others may not know yet are left out while they say nothing."""

import json
from uuid import uuid4

import pytest

from carebag_wire.values import Circumstances
from carebag_wire.visit import DoctorHears, ListeningState


def listening(**more: object) -> ListeningState:
    return ListeningState.model_validate(
        {
            "stream": 1,
            "state": "live",
            "request_id": None,
            "rate_hz": 4000,
            "circumstances": Circumstances(),
            "samples": 4000,
            "gaps": 0,
            "quality": "good",
            **more,
        }
    )


@pytest.mark.parametrize(("said", "value"), [([], None), ([(1, 2)], [[1, 2]])])
def test_where_to_listen(said: list[tuple[int, int]], value: object) -> None:
    message = listening(listen_here=said)
    sent = message.model_dump_json()
    assert json.loads(sent).get("listen_here") == value
    assert ListeningState.model_validate_json(sent) == message


@pytest.mark.parametrize("quieter", [False, True])
def test_less_noise(quieter: bool) -> None:
    message = DoctorHears(visit_id=uuid4(), source="live", view="raw", quieter=quieter)
    sent = message.model_dump_json()
    assert ("quieter" in json.loads(sent)) is quieter
    assert DoctorHears.model_validate_json(sent) == message
