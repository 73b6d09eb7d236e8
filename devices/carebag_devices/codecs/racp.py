"""Record Access Control Point, 0x2A52: ask an instrument for its stored records, count or delete them, abort.

Source: GATT Specification Supplement, "Record Access Control Point"; the operand's filter is the Glucose Service's
(1 sequence number, 2 user-facing time; as in Nordic's ble_gls.c), with the Blood Pressure Service's u32 seconds as a
second shape of time.
"""

import enum
from dataclasses import dataclass
from typing import Self

from carebag_devices.codecs.date_time import SIZE as DATE_TIME_SIZE
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.fields import Fields
from carebag_devices.errors import Malformed


class Opcode(enum.IntEnum):
    REPORT = 0x01
    DELETE = 0x02
    ABORT = 0x03
    COUNT = 0x04
    COUNT_RESPONSE = 0x05
    RESPONSE = 0x06
    COMBINED_REPORT = 0x07
    COMBINED_REPORT_RESPONSE = 0x08


class Operator(enum.IntEnum):
    """Which records. The oldest is the first."""

    NULL = 0x00
    ALL = 0x01
    AT_MOST = 0x02
    AT_LEAST = 0x03
    RANGE = 0x04
    FIRST = 0x05
    LAST = 0x06


class ResponseCode(enum.IntEnum):
    SUCCESS = 0x01
    OPCODE_NOT_SUPPORTED = 0x02
    INVALID_OPERATOR = 0x03
    OPERATOR_NOT_SUPPORTED = 0x04
    INVALID_OPERAND = 0x05
    NO_RECORDS = 0x06
    ABORT_UNSUCCESSFUL = 0x07
    NOT_COMPLETED = 0x08
    OPERAND_NOT_SUPPORTED = 0x09
    SERVER_BUSY = 0x0A


_BOUNDS = {Operator.AT_MOST: 1, Operator.AT_LEAST: 1, Operator.RANGE: 2}
_SEQUENCE, _USER_TIME = 1, 2
_REQUESTS = frozenset({Opcode.REPORT, Opcode.DELETE, Opcode.COUNT, Opcode.COMBINED_REPORT})


@dataclass(frozen=True)
class SequenceNumber:
    """A bound on the records' numbers, u16."""

    number: int

    def __bytes__(self) -> bytes:
        return self.number.to_bytes(2, "little")


@dataclass(frozen=True)
class Seconds:
    """A bound on user-facing time, u32 since the device's epoch, as Enhanced Blood Pressure has it."""

    seconds: int

    def __bytes__(self) -> bytes:
        return self.seconds.to_bytes(4, "little")


Bound = SequenceNumber | DateTime | Seconds


@dataclass(frozen=True)
class Request:
    """What the kit writes. `bounds`: one for AT_MOST and AT_LEAST, lowest and highest for RANGE, else none."""

    opcode: Opcode
    operator: Operator = Operator.ALL
    bounds: tuple[Bound, ...] = ()

    @classmethod
    def operand(cls, opcode: Opcode, fields: Fields) -> Self:
        operator = _operator(fields)
        if (operator is Operator.NULL) != (opcode is Opcode.ABORT):
            raise Malformed("invalid_operator")
        return cls(opcode, operator, _bounds(fields, _BOUNDS.get(operator, 0)))

    def __bytes__(self) -> bytes:
        if len(self.bounds) != _BOUNDS.get(self.operator, 0) or len({type(bound) for bound in self.bounds}) > 1:
            raise ValueError("bounds do not fit the operator")
        if not self.bounds:
            return bytes([self.opcode, self.operator])
        kind = _SEQUENCE if isinstance(self.bounds[0], SequenceNumber) else _USER_TIME
        return bytes([self.opcode, self.operator, kind]) + b"".join(bytes(bound) for bound in self.bounds)


ABORT = Request(Opcode.ABORT, Operator.NULL)


@dataclass(frozen=True)
class Count:
    """How many records there are (COUNT_RESPONSE), or were sent (COMBINED_REPORT_RESPONSE)."""

    opcode: Opcode
    records: int

    def __bytes__(self) -> bytes:
        return bytes([self.opcode, Operator.NULL]) + self.records.to_bytes(2, "little")


@dataclass(frozen=True)
class Response:
    """The end of a request. `request` and `code` as sent: a device may quote an opcode that nobody knows."""

    request: int
    code: int

    def __bytes__(self) -> bytes:
        return bytes([Opcode.RESPONSE, Operator.NULL, self.request, self.code])

    @property
    def done(self) -> bool:
        """No records is an answer, not an error."""
        return self.code in (ResponseCode.SUCCESS, ResponseCode.NO_RECORDS)

    @property
    def word(self) -> str:
        """A code for the page's catalogue: `success`, `no_records`, …, `reserved`."""
        known = {int(code): code.name.lower() for code in ResponseCode}
        return known.get(self.code, "reserved")


Message = Request | Count | Response


def parse(raw: bytes) -> Message:
    """What was written or indicated. Raises `Malformed`, also for reserved opcodes, operators and filters."""
    fields = Fields(raw)
    try:
        opcode = Opcode(fields.unsigned(1))
    except ValueError:
        raise Malformed("unknown_opcode") from None
    message = Request.operand(opcode, fields) if opcode in _REQUESTS | {Opcode.ABORT} else _answer(opcode, fields)
    fields.end()
    return message


def _answer(opcode: Opcode, fields: Fields) -> Count | Response:
    if _operator(fields) is not Operator.NULL:
        raise Malformed("invalid_operator")
    if opcode is Opcode.RESPONSE:
        return Response(fields.unsigned(1), fields.unsigned(1))
    return Count(opcode, fields.unsigned(2))


def _operator(fields: Fields) -> Operator:
    try:
        return Operator(fields.unsigned(1))
    except ValueError:
        raise Malformed("unknown_operator") from None


def _bounds(fields: Fields, count: int) -> tuple[Bound, ...]:
    if not count:
        return ()
    kind, operand = fields.unsigned(1), fields.rest()
    size, rest = divmod(len(operand), count)
    parts = [operand[at : at + size] for at in range(0, size * count, size or 1)]
    if kind not in (_SEQUENCE, _USER_TIME):
        raise Malformed("unknown_filter")
    if rest or len(parts) != count:
        raise Malformed("invalid_operand")
    if kind == _SEQUENCE and size == 2:
        return tuple(SequenceNumber(int.from_bytes(part, "little")) for part in parts)
    if kind == _USER_TIME and size == 4:
        return tuple(Seconds(int.from_bytes(part, "little")) for part in parts)
    if kind == _USER_TIME and size == DATE_TIME_SIZE:
        return tuple(DateTime.parse(part) for part in parts)
    raise Malformed("invalid_operand")
