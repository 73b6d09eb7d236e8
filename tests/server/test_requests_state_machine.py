"""Any order of asking, measuring, deciding, late and doubled records: nothing is lost, nothing is undone."""

import copy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from carebag_server.visit_requests import MOVES

FINAL = {"done"}


class Visit(RuleBasedStateMachine):
    """One visit, driven through the hub's routes; the model is what must be seen afterwards."""

    hub: Any
    doctor: dict[str, str]
    head: dict[str, Any]

    requests = Bundle("requests")
    readings = Bundle("readings")

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, Any] = {}
        self.decided: dict[str, str] = {}
        self.before: dict[str, str] = {}
        self.head = self.new_visit()

    def new_visit(self) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def base(self) -> str:
        return f"/api/visits/{self.head['id']}"

    def post(self, path: str, body: Any) -> Any:
        return self.hub.client.post(self.base + path, headers=self.doctor, json=body)

    @rule(target=requests, kind=st.sampled_from(["blood_pressure", "crp"]))
    def ask(self, kind: str) -> Any:
        answer = self.post("/requests", {"kind": kind})
        assert answer.status_code == 201
        return answer.json()["id"]

    @rule(request=requests)
    def cancel(self, request: str) -> None:
        assert self.post(f"/requests/{request}/cancel", {}).status_code in {200, 409}

    @rule(request=requests, state=st.sampled_from(["started", "declined"]))
    def progress(self, request: str, state: str) -> None:
        self.hub.kit.store("request_progressed", self.head, request, state=state)

    @rule(target=readings, request=st.none() | requests, kind=st.sampled_from(["blood_pressure", "crp"]))
    def measure(self, request: str | None, kind: str) -> Any:
        record = self.hub.kit.record("reading", self.head, request, kind=kind)
        return self.keep_and_send(record)

    def keep_and_send(self, record: Any) -> str:
        envelope = self.hub.kit.envelope(record)
        assert self.hub.kit.send_envelopes(envelope)["stored"] == [record["id"]]
        self.sent[record["id"]] = envelope
        return str(record["id"])

    @rule(target=readings, request=requests)
    def measure_two_late_and_swapped(self, request: str) -> Any:
        records = [self.hub.kit.record("reading", self.head, request) for _ in range(2)]
        return multiple(*(self.keep_and_send(record) for record in reversed(records)))

    @rule(reading=readings)
    def send_again(self, reading: str) -> None:
        assert self.hub.kit.send_envelopes(self.sent[reading])["stored"] == [reading]

    @rule(reading=readings)
    def send_other_content(self, reading: str) -> None:
        import json

        record = copy.deepcopy(json.loads(self.sent[reading]["payload"]))
        record["quantities"][0]["value"] = "999"
        receipt = self.hub.kit.send(record)
        assert (receipt["stored"], list(receipt["refused"].values())) == ([], ["other_content"])

    @rule(reading=readings, keep=st.booleans(), again=st.booleans())
    def decide(self, reading: str, keep: bool, again: bool) -> None:
        said = {"decision": "kept"} if keep else {"decision": "rejected", "reason": "r", "ask_again": again}
        answer = self.post(f"/readings/{reading}/decision", said)
        assert answer.status_code == (409 if reading in self.decided else 200)
        self.decided.setdefault(reading, said["decision"])  # type: ignore[arg-type]

    @invariant()
    def everything_is_there_as_it_was_decided(self) -> None:
        snapshot = self.hub.client.get(self.base, headers=self.doctor).json()
        seen = {view["reading"]["id"]: view for view in snapshot["readings"]}
        assert seen.keys() == self.sent.keys()
        for record_id, view in seen.items():
            assert view["decision"] == self.decided.get(record_id, "draft")
            assert view["reading"]["quantities"][0]["value"] == "128.50"
        states = {request["id"]: request["state"] for request in snapshot["requests"]}
        for request_id, state in self.before.items():
            assert reachable(state, states[request_id])
        self.before = states

    @invariant()
    def numbers_have_no_hole(self) -> None:
        receipt = self.hub.kit.send(self.hub.kit.record("reading", None))
        assert receipt["watermark"] == self.hub.kit.seq


def reachable(start: str, end: str) -> bool:
    """Whether allowed moves lead from one state to the other."""
    seen, todo = set(), [start]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += MOVES[state]  # type: ignore[index]
    return end in seen


def test_requests_and_readings(fuzz_hub: Any) -> None:
    doctor = fuzz_hub.sign_in("doctor")
    heads = fuzz_hub.visits()

    class OnThisHub(Visit):
        hub, count = fuzz_hub, 0

        def new_visit(self) -> dict[str, Any]:
            return plan_visit(fuzz_hub, heads[0])

    OnThisHub.doctor = doctor
    run_state_machine_as_test(OnThisHub, settings=settings(max_examples=10, stateful_step_count=15, deadline=None))


def plan_visit(hub: Any, like: dict[str, Any]) -> dict[str, Any]:
    """A fresh visit for each run, of the same patient and kit."""
    import uuid

    from carebag_server.tables import VisitRow

    with hub.database.transaction() as session:
        old = session.get_one(VisitRow, uuid.UUID(like["id"]))
        new = VisitRow(
            id=uuid.uuid4(),
            organization_id=old.organization_id,
            patient_id=old.patient_id,
            kit_id=old.kit_id,
            scheduled_at=old.scheduled_at,
            reason="",
            background="",
            colour=0,
        )
        session.add(new)
        return {**like, "id": str(new.id)}


def test_the_moves_end() -> None:
    assert [state for state, moves in MOVES.items() if not moves] == sorted(FINAL)
