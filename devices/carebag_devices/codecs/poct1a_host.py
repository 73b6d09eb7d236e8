"""The kit's side of a POCT1-A2 conversation, without I/O.

    analyser           kit
    HEL ──────────────▶ ACK
    DST, n results ───▶ ACK, REQ
    OBS …, EOT ───────▶ ACK each, once kept; AE: it keeps it and sends it again
                        DTV START_CONTINUOUS, where it can: then results come as they are made; else END
    OBS, DST, KPA ────▶ ACK …

Answers are wrapped as what they answer was. The timer belongs to the caller: `timeout` after `silence_s` in silence.
"""

from collections.abc import Callable
from dataclasses import dataclass

from carebag_devices.codecs.poct1a import (
    START_CONTINUOUS,
    Acknowledgement,
    Body,
    Directive,
    EndOfTopic,
    Events,
    Hello,
    KeepAlive,
    Message,
    Observations,
    Request,
    Status,
    Termination,
)
from carebag_devices.codecs.xml_document import Document, Framing, Splitter
from carebag_devices.errors import Malformed

SILENCE_S = 60.0
"""Where the analyser does not say how long it waits."""


@dataclass(frozen=True)
class Met:
    """It said who it is."""

    hello: Hello


@dataclass(frozen=True)
class Fetching:
    """It is asked for what waits in its memory."""


@dataclass(frozen=True)
class Settled:
    """Its memory is empty; from now on what it sends is new."""


@dataclass(frozen=True)
class Ended:
    """One side took its leave and the other agreed: close."""


@dataclass(frozen=True)
class Broken:
    """It cannot be followed: close, it will come again. `raw` is the document that could not be read, if known."""

    reason: str
    raw: bytes = b""


@dataclass(frozen=True)
class Silent:
    """No word, not even to a keep-alive."""


Happened = bytes | Met | Fetching | Settled | Ended | Broken | Silent

Keep = Callable[[Message, Observations, bytes, bool], bool]
"""Message, its observations, its bytes, and whether they were asked for from memory → whether all are kept now."""


class Host:
    """`keep` is called before observations are acknowledged. `clock` gives the time for our headers, ISO with zone."""

    def __init__(self, keep: Keep, clock: Callable[[], str]) -> None:
        self._keep, self._clock = keep, clock
        self._splitter = Splitter()
        self._framing = Framing.RAW
        self._hello = Hello()
        self._control = 0
        self._asked: tuple[str, Body] | None = None
        """Our last message that wants an answer: its control id and what it was."""
        self._fetching = False
        self._settled = False
        self._over = False

    @property
    def silence_s(self) -> float:
        return float(self._hello.timeout_s or SILENCE_S)

    def feed(self, data: bytes) -> list[Happened]:
        """What to send and what happened. Raises for no bytes, only what `keep` raises."""
        happened: list[Happened] = []
        for document in self._splitter.feed(data):
            if not self._over:
                self._framing = document.framing
                happened += self._document(document.raw)
        if self._splitter.broken and not self._over:
            happened += self._break(self._splitter.broken)
        return happened

    def timeout(self) -> list[Happened]:
        """`silence_s` without a word: ask whether it is still there, and give up when that is not answered."""
        if self._over:
            return []
        if not self._settled or self._asked is not None:
            self._over = True
            return [Silent()]
        return [self._ask(KeepAlive())]

    def _document(self, raw: bytes) -> list[Happened]:
        try:
            message = Message.parse(raw)
        except Malformed as error:
            return self._break(error.reason, raw)
        if isinstance(message.body, Acknowledgement):
            return self._answered(message.body)
        return self._heard(message, raw)

    def _break(self, reason: str, raw: bytes = b"") -> list[Happened]:
        self._over = True
        return [Broken(reason, raw)]

    def _heard(self, message: Message, raw: bytes) -> list[Happened]:
        match message.body:
            case Hello():
                self._hello, self._fetching, self._settled, self._asked = message.body, False, False, None
                return [self._ack(message), Met(message.body)]
            case Status():
                return [self._ack(message), *self._status(message.body)]
            case Observations():
                kept = self._keep(message, message.body, raw, self._fetching)
                return [self._ack(message, accepted=kept)]
            case EndOfTopic():
                return [self._ack(message), *(self._settle() if self._fetching else [])]
            case Termination():
                self._over = True
                return [self._ack(message), Ended()]
            case KeepAlive() | Events():
                return [self._ack(message)]
            case _:
                return [self._ack(message, accepted=False)]

    def _status(self, status: Status) -> list[Happened]:
        if self._settled or self._fetching:
            return []
        # not saying how many is no reason not to ask
        if status.waiting == 0:
            return self._settle()
        self._fetching = True
        return [self._ask(Request()), Fetching()]

    def _settle(self) -> list[Happened]:
        self._fetching = False
        if START_CONTINUOUS in self._hello.directives:
            return [self._ask(Directive(START_CONTINUOUS))]
        return [self._ask(Termination())]

    def _answered(self, answer: Acknowledgement) -> list[Happened]:
        if self._asked is None or answer.of != self._asked[0]:
            return []
        asked, self._asked = self._asked[1], None
        match asked:
            case Termination():
                self._over = True
                return [Ended()]
            case Request() if not answer.accepted:
                return self._settle()
            case Directive() if answer.accepted:
                self._settled = True
                return [Settled()]
            case Directive():
                return [self._ask(Termination())]
            case _:
                return []

    def _ask(self, body: Body) -> bytes:
        """Something that wants an answer."""
        sent = self._say(body)
        self._asked = (str(self._control), body)
        return sent

    def _ack(self, message: Message, *, accepted: bool = True) -> bytes:
        return self._say(Acknowledgement(message.control, accepted))

    def _say(self, body: Body) -> bytes:
        self._control += 1
        return bytes(Document(bytes(Message(str(self._control), self._clock(), body)), self._framing))
