"""POCT1-A2 (CLSI POCT01), the messages of point-of-care instruments: XML with values in the attribute V.

    HEL.R01  who it is                     DST.R01  how many results wait
    OBS.R01  results of a patient          OBS.R02  of a control, a calibration: never for a chart
    EOT.R01  that was all   KPA.R01  still here   END.R01  farewell   EVS.R01  events
    ACK.R01  taken (AA) or not (AE)        REQ.R01  give me …   DTV.R01  do …        (sent by the kit)

Source: public adapters and message sheets (HemoScreen, Sofia, Nova, Roche Liat); the standard's text was not read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from carebag_devices.codecs.lab_value import LabValue
from carebag_devices.codecs.xml_document import Element
from carebag_devices.errors import Malformed

NORMAL = "NRM"
REQUEST_OBSERVATIONS = "ROBS"
START_CONTINUOUS = "START_CONTINUOUS"


@dataclass(frozen=True)
class Hello:
    """HEL.R01."""

    device: str = ""
    vendor: str = ""
    model: str = ""
    serial: str = ""
    software: str = ""
    name: str = ""
    maker: str = ""
    timeout_s: int | None = None
    """How long it waits for an answer."""
    directives: tuple[str, ...] = ()

    @classmethod
    def read(cls, root: Element) -> Self:
        device = root.find("DEV") or Element("DEV")
        told = next(root.anywhere("DCP.application_timeout"), Element("")).v
        return cls(
            **{field: device.value(f"DEV.{name}") for field, name in _DEVICE.items()},
            timeout_s=int(told) if told.isascii() and told.isdigit() and len(told) < 6 else None,
            directives=tuple(one.v for one in root.anywhere("DSC.directives_supported_cd")),
        )

    def write(self) -> tuple[Element, ...]:
        said = [(name, getattr(self, field)) for field, name in _DEVICE.items()]
        device = [_v(f"DEV.{name}", text) for name, text in said if text]
        if self.timeout_s is not None:
            device.append(_group("DCP", _v("DCP.application_timeout", str(self.timeout_s))))
        if self.directives:
            device.append(_group("DSC", *(_v("DSC.directives_supported_cd", one) for one in self.directives)))
        return (_group("DEV", *device),)


_DEVICE = {
    "device": "device_id",
    "vendor": "vendor_id",
    "model": "model_id",
    "serial": "serial_id",
    "software": "sw_version",
    "name": "device_name",
    "maker": "manufacturer_name",
}


@dataclass(frozen=True)
class Status:
    """DST.R01. `waiting` None: it does not say how many results wait."""

    waiting: int | None
    condition: str = ""

    @classmethod
    def read(cls, root: Element) -> Self:
        status = root.find("DST") or Element("DST")
        told = status.value("DST.new_observations_qty")
        waiting = int(told) if told.isascii() and told.isdigit() and len(told) < 9 else None
        return cls(waiting, status.value("DST.condition_cd"))

    def write(self) -> tuple[Element, ...]:
        told = [] if self.waiting is None else [_v("DST.new_observations_qty", str(self.waiting))]
        return (_group("DST", *told, *_given("DST.condition_cd", self.condition)),)


@dataclass(frozen=True)
class Analyte:
    """One result. `status` A accepted, D discarded, R rejected; `method` M measured, C calculated, I typed by hand."""

    code: str
    value: LabValue
    unit: str = ""
    name: str = ""
    method: str = ""
    status: str = ""
    interpretation: str = ""

    @property
    def valid(self) -> bool:
        """The instrument stands by it as a measurement."""
        return self.status in ("", "A") and self.method in ("", "M", "C")

    @classmethod
    def read(cls, element: Element) -> Self:
        identity = element.find("OBS.observation_id") or Element("")
        value = element.find("OBS.value") or element.find("OBS.qualitative_value") or Element("")
        interpretation = element.value("OBS.interpretation_cd")
        return cls(
            code=identity.v,
            value=LabValue.parse(value.v, interpretation),
            unit=value.attributes.get("U", ""),
            name=identity.attributes.get("DN", ""),
            method=element.value("OBS.method_cd"),
            status=element.value("OBS.status_cd"),
            interpretation=interpretation,
        )

    def write(self) -> Element:
        identity = {"V": self.code} | ({"DN": self.name} if self.name else {})
        value = {"V": self.value.text} | ({"U": self.unit} if self.unit else {})
        return _group(
            "OBS",
            Element("OBS.observation_id", identity),
            Element("OBS.value", value),
            *_given("OBS.method_cd", self.method),
            *_given("OBS.status_cd", self.status),
            *_given("OBS.interpretation_cd", self.interpretation),
        )


@dataclass(frozen=True)
class Service:
    """One sample. `role` OBS is a patient's; LQC, CAL, PRF and others are not.

    `reason` NEW, RES sent again, EDT edited. `status` NRM, OVR: somebody overrode a lock.
    """

    role: str
    observed: str
    tests: tuple[Analyte, ...]
    patient: str = ""
    order: str = ""
    status: str = ""
    reason: str = ""

    @classmethod
    def read(cls, element: Element) -> Self:
        patient, order = element.find("PT") or Element(""), element.find("ORD") or Element("")
        holders = (element, *element.all("PT"), *element.all("CTC"))
        return cls(
            role=element.value("SVC.role_cd"),
            observed=element.value("SVC.observation_dttm"),
            tests=tuple(Analyte.read(one) for holder in holders for one in holder.all("OBS")),
            patient=patient.value("PT.patient_id"),
            order=order.value("ORD.order_id"),
            status=element.value("SVC.status_cd"),
            reason=element.value("SVC.reason_cd"),
        )

    def write(self, holder: str) -> Element:
        identity = _given("PT.patient_id", self.patient) if holder == "PT" else ()
        return _group(
            "SVC",
            _v("SVC.role_cd", self.role),
            *_given("SVC.observation_dttm", self.observed),
            *_given("SVC.status_cd", self.status),
            *_given("SVC.reason_cd", self.reason),
            _group(holder, *identity, *(test.write() for test in self.tests)),
            *([_group("ORD", _v("ORD.order_id", self.order))] if self.order else []),
        )


@dataclass(frozen=True)
class Observations:
    """OBS.R01, or with `control` OBS.R02."""

    services: tuple[Service, ...]
    control: bool = False

    @property
    def of_patients(self) -> tuple[Service, ...]:
        """What may reach a chart."""
        return () if self.control else tuple(one for one in self.services if one.role == "OBS")

    @classmethod
    def read(cls, root: Element) -> Self:
        return cls(tuple(Service.read(one) for one in root.all("SVC")), root.tag == "OBS.R02")

    def write(self) -> tuple[Element, ...]:
        return tuple(service.write("CTC" if self.control else "PT") for service in self.services)


@dataclass(frozen=True)
class Acknowledgement:
    """ACK.R01 for the message `of`."""

    of: str
    accepted: bool = True
    note: str = ""

    @classmethod
    def read(cls, root: Element) -> Self:
        ack = root.find("ACK") or Element("ACK")
        # one maker's sheet has `type_id`
        kind = ack.value("ACK.type_cd") or ack.value("ACK.type_id")
        return cls(ack.value("ACK.control_id"), kind == "AA", ack.value("ACK.note_txt"))

    def write(self) -> tuple[Element, ...]:
        kind = _v("ACK.type_cd", "AA" if self.accepted else "AE")
        return (_group("ACK", kind, _v("ACK.control_id", self.of), *_given("ACK.note_txt", self.note)),)


@dataclass(frozen=True)
class EndOfTopic:
    """EOT.R01."""

    topic: str

    @classmethod
    def read(cls, root: Element) -> Self:
        return cls((root.find("EOT") or Element("")).value("EOT.topic_cd"))

    def write(self) -> tuple[Element, ...]:
        return (_group("EOT", _v("EOT.topic_cd", self.topic)),)


@dataclass(frozen=True)
class Termination:
    """END.R01."""

    reason: str = NORMAL

    @classmethod
    def read(cls, root: Element) -> Self:
        return cls((root.find("TRM") or Element("")).value("TRM.reason_cd"))

    def write(self) -> tuple[Element, ...]:
        return (_group("TRM", _v("TRM.reason_cd", self.reason)),)


@dataclass(frozen=True)
class Request:
    """REQ.R01."""

    what: str = REQUEST_OBSERVATIONS

    @classmethod
    def read(cls, root: Element) -> Self:
        return cls((root.find("REQ") or Element("")).value("REQ.request_cd"))

    def write(self) -> tuple[Element, ...]:
        return (_group("REQ", _v("REQ.request_cd", self.what)),)


@dataclass(frozen=True)
class Directive:
    """DTV.R01."""

    command: str = START_CONTINUOUS

    @classmethod
    def read(cls, root: Element) -> Self:
        return cls((root.find("DTV") or Element("")).value("DTV.command_cd"))

    def write(self) -> tuple[Element, ...]:
        return (_group("DTV", _v("DTV.command_cd", self.command)),)


@dataclass(frozen=True)
class KeepAlive:
    """KPA.R01."""

    @classmethod
    def read(cls, _root: Element) -> Self:
        return cls()

    def write(self) -> tuple[Element, ...]:
        return ()


@dataclass(frozen=True)
class Events:
    """EVS.R01: for technicians; only taken."""

    @classmethod
    def read(cls, _root: Element) -> Self:
        return cls()

    def write(self) -> tuple[Element, ...]:
        return ()


@dataclass(frozen=True)
class Other:
    """A topic we do not know."""

    tag: str

    def write(self) -> tuple[Element, ...]:
        return ()


Body = (
    Hello
    | Status
    | Observations
    | Acknowledgement
    | EndOfTopic
    | Termination
    | Request
    | Directive
    | KeepAlive
    | Events
    | Other
)

_READERS: dict[str, Callable[[Element], Body]] = {
    "HEL.R01": Hello.read,
    "DST.R01": Status.read,
    "OBS.R01": Observations.read,
    "OBS.R02": Observations.read,
    "ACK.R01": Acknowledgement.read,
    "EOT.R01": EndOfTopic.read,
    "END.R01": Termination.read,
    "REQ.R01": Request.read,
    "DTV.R01": Directive.read,
    "KPA.R01": KeepAlive.read,
    "EVS.R01": Events.read,
}
_TAGS: dict[type[Body], str] = {
    Hello: "HEL.R01",
    Status: "DST.R01",
    Acknowledgement: "ACK.R01",
    EndOfTopic: "EOT.R01",
    Termination: "END.R01",
    Request: "REQ.R01",
    Directive: "DTV.R01",
    KeepAlive: "KPA.R01",
    Events: "EVS.R01",
}


@dataclass(frozen=True)
class Message:
    """`control` numbers the sender's messages; `created` is its clock, ISO with zone."""

    control: str
    created: str
    body: Body

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """One document. Raises `Malformed`, also for a message that cannot be acknowledged."""
        root = Element.parse(raw)
        header = root.find("HDR") or Element("")
        control = header.value("HDR.control_id")
        if not control:
            raise Malformed("no_control_id")
        reader = _READERS.get(root.tag)
        return cls(control, header.value("HDR.creation_dttm"), reader(root) if reader else Other(root.tag))

    def __bytes__(self) -> bytes:
        header = _group(
            "HDR",
            _v("HDR.control_id", self.control),
            _v("HDR.version_id", "POCT1"),
            *_given("HDR.creation_dttm", self.created),
        )
        return bytes(_group(self._tag, header, *self.body.write()))

    @property
    def _tag(self) -> str:
        match self.body:
            case Observations():
                return "OBS.R02" if self.body.control else "OBS.R01"
            case Other():
                return self.body.tag
            case _:
                return _TAGS[type(self.body)]


def _v(tag: str, value: str) -> Element:
    return Element(tag, {"V": value})


def _given(tag: str, value: str) -> tuple[Element, ...]:
    return (_v(tag, value),) if value else ()


def _group(tag: str, *children: Element) -> Element:
    return Element(tag, {}, children)
