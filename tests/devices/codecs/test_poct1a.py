"""POCT1-A2 messages and the kit's side of the conversation. Synthetic, after published adapters and sheets."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import poct1a, poct1a_host
from carebag_devices.codecs.lab_value import LabValue
from carebag_devices.codecs.poct1a import (
    Acknowledgement,
    Analyte,
    Directive,
    EndOfTopic,
    Hello,
    KeepAlive,
    Message,
    Observations,
    Other,
    Request,
    Service,
    Status,
    Termination,
)
from carebag_devices.codecs.poct1a_host import Broken, Ended, Fetching, Host, Met, Settled, Silent
from carebag_devices.codecs.xml_document import Document, Framing, Splitter
from carebag_devices.errors import Malformed

PATIENT = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<OBS.R01><HDR><HDR.message_type V="OBS.R01"/><HDR.control_id V="10003"/>'
    b'<HDR.version_id V="POCT1"/><HDR.creation_dttm V="2026-11-22T10:16:00+01:00"/></HDR>'
    b'<SVC><SVC.role_cd V="OBS"/><SVC.observation_dttm V="2026-11-22T10:15:30+01:00"/><SVC.status_cd V="NRM"/>'
    b'<SVC.reason_cd V="NEW"/><PT><PT.patient_id V="P1"/><OBS><OBS.observation_id V="48421-2" DN="CRP" SN="LN"/>'
    b'<OBS.value V="12.5" U="mg/L"/><OBS.method_cd V="M"/><OBS.status_cd V="A"/></OBS></PT>'
    b'<OPR><OPR.operator_id V="nurse"/></OPR><NTE><NTE.text V="x"/></NTE></SVC></OBS.R01>'
)
CONTROL = (
    b'<OBS.R02><HDR><HDR.control_id V="10004"/></HDR><SVC><SVC.role_cd V="LQC"/><CTC><CTC.name V="L1"/><OBS>'
    b'<OBS.observation_id V="48421-2"/><OBS.value V="33" U="mg/L"/></OBS></CTC></SVC></OBS.R02>'
)
HELLO = (
    b'<HEL.R01><HDR><HDR.control_id V="1"/></HDR><DEV><DEV.device_id V="00:06"/><DEV.serial_id V="77"/>'
    b'<DEV.sw_version V="2.1"/><DEV.device_name V="Reader"/><DCP><DCP.application_timeout V="100"/></DCP><DSC>'
    b'<DSC.directives_supported_cd V="SET_TIME"/><DSC.directives_supported_cd V="START_CONTINUOUS"/>'
    b"</DSC></DEV></HEL.R01>"
)


def test_golden_patient_result() -> None:
    message = Message.parse(PATIENT)
    assert (message.control, message.created) == ("10003", "2026-11-22T10:16:00+01:00")
    assert message.body == Observations(
        (
            Service(
                role="OBS",
                observed="2026-11-22T10:15:30+01:00",
                tests=(Analyte("48421-2", LabValue.parse("12.5"), "mg/L", "CRP", "M", "A"),),
                patient="P1",
                status="NRM",
                reason="NEW",
            ),
        )
    )
    assert message.body.of_patients == message.body.services


def test_golden_control() -> None:
    body = Message.parse(CONTROL).body
    assert isinstance(body, Observations)
    assert body.control
    assert body.services[0].tests[0].value.text == "33"
    assert body.of_patients == ()


def test_a_control_with_the_role_of_a_patient_is_a_control() -> None:
    """The example of one maker's sheet."""
    body = Message.parse(CONTROL.replace(b'role_cd V="LQC"', b'role_cd V="OBS"')).body
    assert isinstance(body, Observations)
    assert body.of_patients == ()


@pytest.mark.parametrize("role", ["LQC", "CAL", "PRF", ""])
def test_only_the_role_of_a_patient_is_a_patient(role: str) -> None:
    body = Message.parse(PATIENT.replace(b'role_cd V="OBS"', b'role_cd V="%s"' % role.encode())).body
    assert isinstance(body, Observations)
    assert body.of_patients == ()


def test_golden_hello() -> None:
    body = Message.parse(HELLO).body
    assert body == Hello(
        device="00:06",
        serial="77",
        software="2.1",
        name="Reader",
        timeout_s=100,
        directives=("SET_TIME", "START_CONTINUOUS"),
    )


@pytest.mark.parametrize(
    ("value", "interpretation", "printed"),
    [
        (b'V="&lt;5" U="mg/L"', b"", "<5"),
        (b'V="5" U="mg/L"', b"&lt;", "<5"),
        (b'V="200" U="mg/L"', b">", ">200"),
        (b'V="12" U="mg/L"', b"H", "12"),
    ],
)
def test_comparators(value: bytes, interpretation: bytes, printed: str) -> None:
    raw = PATIENT.replace(b'V="12.5" U="mg/L"', value)
    raw = raw.replace(b"</OBS>", b'<OBS.interpretation_cd V="%s"/></OBS>' % interpretation)
    body = Message.parse(raw).body
    assert isinstance(body, Observations)
    found = body.services[0].tests[0].value
    assert f"{found.comparator or ''}{found.number}" == printed


@pytest.mark.parametrize(
    ("old", "new", "valid"),
    [
        (b'status_cd V="A"', b'status_cd V="D"', False),
        (b'status_cd V="A"', b'status_cd V="R"', False),
        (b'<OBS.status_cd V="A"/>', b"", True),
        (b'method_cd V="M"', b'method_cd V="I"', False),
        (b'method_cd V="M"', b'method_cd V="C"', True),
    ],
)
def test_what_the_instrument_does_not_stand_by(old: bytes, new: bytes, valid: bool) -> None:
    body = Message.parse(PATIENT.replace(old, new)).body
    assert isinstance(body, Observations)
    assert body.services[0].tests[0].valid == valid


def test_a_value_that_is_not_there() -> None:
    body = Message.parse(PATIENT.replace(b'V="12.5" U="mg/L"', b'NULL="NI"')).body
    assert isinstance(body, Observations)
    assert body.services[0].tests[0].value.refused == "no_number"


def test_one_makers_name_for_an_acknowledgement() -> None:
    raw = (
        b'<ACK.R01><HDR><HDR.control_id V="9"/></HDR><ACK><ACK.type_id V="AA"/><ACK.control_id V="3"/></ACK></ACK.R01>'
    )
    assert Message.parse(raw).body == Acknowledgement("3")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<OBS.R01/>", "no_control_id"),
        (b'<OBS.R01><HDR><HDR.control_id V=""/></HDR></OBS.R01>', "no_control_id"),
        (PATIENT[:-5], "not_xml"),
    ],
)
def test_bad_messages_say_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Message.parse(raw)


WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=8)
GIVEN = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=8)
FLAGS = st.sampled_from(["", "<", ">", "H"])
ANALYTES = st.builds(
    lambda code, text, flag, rest: Analyte(code, LabValue.parse(text, flag), *rest, interpretation=flag),
    WORDS,
    st.one_of(WORDS, st.integers(0, 999).map(str)),
    FLAGS,
    st.tuples(WORDS, WORDS, WORDS, WORDS),
)
TESTS = st.lists(ANALYTES, max_size=3).map(tuple)
PATIENTS = st.builds(Service, WORDS, WORDS, TESTS, WORDS, WORDS, WORDS, WORDS)
CONTROLS = st.builds(Service, WORDS, WORDS, TESTS, st.just(""), WORDS, WORDS, WORDS)
BODIES = st.one_of(
    st.builds(
        Hello,
        *[WORDS] * 7,
        timeout_s=st.none() | st.integers(0, 99_999),
        directives=st.lists(WORDS, max_size=3).map(tuple),
    ),
    st.builds(Status, st.none() | st.integers(0, 99_999_999), WORDS),
    st.builds(Observations, st.lists(PATIENTS, max_size=2).map(tuple)),
    st.builds(Observations, st.lists(CONTROLS, max_size=2).map(tuple), st.just(True)),
    st.builds(Acknowledgement, WORDS, st.booleans(), WORDS),
    st.builds(EndOfTopic, WORDS),
    st.builds(Termination, WORDS),
    st.builds(Request, WORDS),
    st.builds(Directive, WORDS),
    st.just(KeepAlive()),
    st.just(poct1a.Events()),
    st.just(Other("PTL.R01")),
)


@given(st.builds(Message, GIVEN, WORDS, BODIES))
def test_messages_round_trip(message: Message) -> None:
    assert Message.parse(bytes(message)) == message


def test_every_kind_of_body_is_tried() -> None:
    assert {kind.__name__ for kind in get_args(poct1a.Body)} == {
        *("Hello", "Status", "Observations", "Acknowledgement", "EndOfTopic", "Termination", "Request", "Directive"),
        *("KeepAlive", "Events", "Other"),
    }


class Kit:
    """The host, and what it says in words."""

    def __init__(self) -> None:
        self.willing = True
        self.kept: list[bool] = []
        self.host = Host(self.keep, lambda: "2026-11-22T09:00:00+00:00")
        self.control = 0
        self.said: list[Message] = []

    def keep(self, _message: Message, _observations: Observations, _raw: bytes, from_memory: bool) -> bool:
        self.kept.append(from_memory)
        return self.willing

    def hear(self, body: poct1a.Body, framing: Framing = Framing.RAW) -> list[Any]:
        self.control += 1
        raw = bytes(Message(str(self.control), "", body))
        return self.words(self.host.feed(bytes(Document(raw, framing))))

    def words(self, happened: list[poct1a_host.Happened]) -> list[Any]:
        words: list[Any] = []
        for one in happened:
            if not isinstance(one, bytes):
                words.append(one)
                continue
            (document,) = Splitter().feed(one)
            message = Message.parse(document.raw)
            self.said.append(message)
            words.append(message.body)
        return words

    def agree(self, accepted: bool = True) -> list[Any]:
        return self.hear(Acknowledgement(self.said[-1].control, accepted))


CONTINUOUS = Hello(directives=(poct1a.START_CONTINUOUS,))
OBSERVATIONS = Observations((Service("OBS", "", ()),))


def test_memory_then_continuous() -> None:
    kit = Kit()
    assert kit.hear(CONTINUOUS) == [Acknowledgement("1"), Met(CONTINUOUS)]
    assert kit.hear(Status(2)) == [Acknowledgement("2"), Request(), Fetching()]
    assert kit.agree() == []
    assert kit.hear(OBSERVATIONS) == [Acknowledgement("4")]
    assert kit.hear(EndOfTopic("OBS")) == [Acknowledgement("5"), Directive()]
    assert kit.agree() == [Settled()]
    assert kit.hear(OBSERVATIONS) == [Acknowledgement("7")]
    assert kit.hear(Status(1)) == [Acknowledgement("8")]
    assert kit.hear(KeepAlive()) == [Acknowledgement("9")]
    assert kit.kept == [True, False]
    assert kit.hear(Termination()) == [Acknowledgement("10"), Ended()]
    assert kit.hear(OBSERVATIONS) == []


def test_an_analyser_that_cannot_stay_is_let_go() -> None:
    kit = Kit()
    kit.hear(Hello())
    assert kit.hear(Status(0)) == [Acknowledgement("2"), Termination()]
    assert kit.agree() == [Ended()]


def test_an_analyser_that_will_not_stay_is_let_go() -> None:
    kit = Kit()
    kit.hear(CONTINUOUS)
    assert kit.hear(Status(0))[-1] == Directive()
    assert kit.agree(accepted=False) == [Termination()]


def test_a_refused_question_is_no_end() -> None:
    kit = Kit()
    kit.hear(CONTINUOUS)
    assert kit.hear(Status(None))[1:] == [Request(), Fetching()]
    assert kit.agree(accepted=False) == [Directive()]


def test_what_could_not_be_kept_is_answered_by_an_error() -> None:
    kit = Kit()
    kit.willing = False
    kit.hear(Hello())
    assert kit.hear(OBSERVATIONS) == [Acknowledgement("2", accepted=False)]


def test_what_is_not_known_is_answered_by_an_error() -> None:
    kit = Kit()
    assert kit.hear(Other("PTL.R01")) == [Acknowledgement("1", accepted=False)]
    assert kit.hear(poct1a.Events()) == [Acknowledgement("2")]


def test_answers_to_nothing_are_passed_over() -> None:
    assert Kit().hear(Acknowledgement("77")) == []


def test_answers_are_wrapped_as_what_they_answer() -> None:
    for framing in Framing:
        kit = Kit()
        (answer, _met) = kit.host.feed(bytes(Document(HELLO, framing)))
        assert isinstance(answer, bytes)
        assert (answer[:1] == b"\x0b") == (framing is Framing.MLLP)


@pytest.mark.parametrize("raw", [b"<OBS.R01></OBS.R02>", b"<OBS.R01/>"])
def test_a_document_that_cannot_be_read_ends_it(raw: bytes) -> None:
    kit = Kit()
    (broken,) = kit.host.feed(raw)
    assert isinstance(broken, Broken)
    assert broken.raw == raw
    assert kit.hear(KeepAlive()) == []
    assert kit.host.timeout() == []


def test_a_document_type_ends_it() -> None:
    assert Kit().host.feed(b"<!DOCTYPE x><x/>") == [Broken("document_type")]


def test_silence() -> None:
    kit = Kit()
    assert kit.host.silence_s == 60
    kit.hear(Hello(timeout_s=100, directives=CONTINUOUS.directives))
    assert kit.host.silence_s == 100
    kit.hear(Status(0))
    kit.agree()
    assert kit.words(kit.host.timeout()) == [KeepAlive()]
    kit.agree()
    assert kit.words(kit.host.timeout()) == [KeepAlive()]
    assert kit.host.timeout() == [Silent()]
    assert kit.host.timeout() == []


def test_silence_before_anything_was_settled() -> None:
    assert Kit().host.timeout() == [Silent()]


@given(st.lists(st.one_of(BODIES.map(lambda body: bytes(Message("1", "", body))), st.binary(max_size=30)), max_size=6))
def test_any_conversation_is_survived(pieces: list[bytes]) -> None:
    host = Host(lambda *_: True, lambda: "")
    for piece in pieces:
        host.feed(piece)
    host.timeout()
