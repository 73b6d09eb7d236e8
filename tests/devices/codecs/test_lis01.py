"""The instruments' link: corrupted, repeated and lost frames, both sides against each other."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import lis01
from carebag_devices.codecs.lis01 import (
    ACK,
    ENQ,
    EOT,
    NAK,
    Ended,
    Frame,
    Outcome,
    Receiver,
    Reply,
    Sender,
    Started,
    Verdict,
)
from carebag_devices.errors import Malformed

TEXT = st.binary(max_size=300).map(lambda raw: bytes(b for b in raw if b >= 0x20 or b == 0x0D))


def test_golden_frame() -> None:
    frame = Frame(1, b"L|1|N\r", last=True)
    assert bytes(frame) == b"\x021L|1|N\r\x0304\r\n"
    assert Frame.parse(bytes(frame)) == frame


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not_a_frame"),
        (b"\x021L|1|N\r\x0305\r\n", "bad_checksum"),
        (b"\x021L|1|N\r04\r\n", "frame_end_missing"),
        (b"\x029\x03" + lis01.checksum(b"9\x03") + b"\r\n", "bad_frame_number"),
        (b"\x021\x11\x03" + lis01.checksum(b"1\x11\x03") + b"\r\n", "control_character"),
    ],
)
def test_bad_frames_say_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Frame.parse(raw)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_frame_or_refused(raw: bytes) -> None:
    try:
        frame = Frame.parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert bytes(frame) == raw


def transfer(*frames: bytes, receiver: Receiver | None = None) -> list[lis01.Received]:
    return (receiver or Receiver()).feed(ENQ + b"".join(frames) + EOT)


def replies(happened: list[lis01.Received]) -> list[bytes]:
    return [event.data for event in happened if isinstance(event, Reply)]


def text_of(happened: list[lis01.Received]) -> bytes:
    (ended,) = [event for event in happened if isinstance(event, Ended)]
    return ended.text


def test_two_frames_are_acknowledged_and_joined() -> None:
    happened = transfer(bytes(Frame(1, b"H|", last=False)), bytes(Frame(2, b"\\^&\r", last=True)))
    assert happened == [Started(), Reply(ACK), Reply(ACK), Reply(ACK), Ended(b"H|\\^&\r")]


def test_a_repeated_frame_is_acknowledged_and_not_kept_twice() -> None:
    frame = bytes(Frame(1, b"R|1", last=True))
    happened = transfer(frame, frame)
    assert replies(happened) == [ACK, ACK, ACK]
    assert text_of(happened) == b"R|1"


def test_a_corrupted_frame_is_refused_and_its_repetition_taken() -> None:
    frame = bytes(Frame(1, b"R|1|12", last=True))
    happened = transfer(frame.replace(b"12", b"92", 1), frame)
    assert replies(happened) == [ACK, NAK, ACK]
    assert text_of(happened) == b"R|1|12"


def test_a_skipped_frame_number_is_refused() -> None:
    assert Reply(NAK, "unexpected_frame_number") in transfer(bytes(Frame(3, b"x", last=True)))


def test_end_before_etx_discards_the_unfinished() -> None:
    happened = transfer(bytes(Frame(1, b"whole", last=True)), bytes(Frame(2, b"half", last=False)))
    assert happened[-1] == Ended(b"whole", discarded=4)


def test_a_new_enquiry_discards_the_unfinished() -> None:
    receiver = Receiver()
    receiver.feed(ENQ + bytes(Frame(1, b"old", last=True)))
    assert text_of(transfer(bytes(Frame(1, b"new", last=True)), receiver=receiver)) == b"new"


def test_frame_numbers_wrap_from_seven_to_zero() -> None:
    happened = transfer(*(bytes(Frame(n % 8, b"%d" % n, last=True)) for n in range(1, 12)))
    assert text_of(happened) == b"1234567891011"


def test_outside_a_transfer_nothing_is_answered() -> None:
    assert Receiver().feed(bytes(Frame(1, b"x", last=True))) == []


def test_receiver_timeout_keeps_nothing_unfinished() -> None:
    receiver = Receiver()
    receiver.feed(ENQ + b"\x021half")
    assert receiver.timeout() == [Ended(b"", discarded=6)]
    assert receiver.timeout() == []


@given(st.binary(max_size=300))
def test_any_bytes_leave_the_receiver_usable(raw: bytes) -> None:
    receiver = Receiver()
    receiver.feed(ENQ + raw)
    receiver.feed(EOT)
    assert text_of(transfer(bytes(Frame(1, b"ok", last=True)), receiver=receiver)) == b"ok"


@given(st.binary(max_size=200), st.lists(st.integers(min_value=0, max_value=200)))
def test_chunking_changes_nothing(raw: bytes, cuts: list[int]) -> None:
    stream = ENQ + raw + bytes(Frame(1, b"x", last=True)) + EOT
    edges = [0, *sorted({min(cut, len(stream)) for cut in cuts}), len(stream)]
    receiver = Receiver()
    pieces = [event for a, b in itertools.pairwise(edges) for event in receiver.feed(stream[a:b])]
    assert pieces == Receiver().feed(stream)


@given(st.lists(TEXT, max_size=12), st.integers(min_value=1, max_value=240), st.data())
def test_sender_and_receiver_survive_a_noisy_line(texts: list[bytes], size: int, data: st.DataObject) -> None:
    """Any frame may come damaged first, and any may come twice because its answer was lost: the text arrives once."""
    sender, receiver = Sender(texts, frame_text=size), Receiver()
    outgoing = [sender.start()]
    happened: list[lis01.Received] = []
    outcomes: list[Outcome] = []
    while outgoing:
        packet = outgoing.pop(0)
        is_frame = len(packet) > 1
        if is_frame and data.draw(st.booleans(), "damaged first"):
            at = data.draw(st.integers(min_value=1, max_value=len(packet) - 3), "where")
            refusal = receiver.feed(packet[:at] + b"~" + packet[at + 1 :])
            assert (replies(refusal) == [NAK]) == (packet[at : at + 1] != b"~")
            assert packet[at : at + 1] == b"~" or sender.feed(NAK) == [packet]
        if is_frame and data.draw(st.booleans(), "answer lost"):
            assert replies(receiver.feed(packet)) == [ACK]
        answers = receiver.feed(packet)
        happened += answers
        for action in sender.feed(b"".join(replies(answers))):
            (outcomes if isinstance(action, Outcome) else outgoing).append(action)  # type: ignore[arg-type]
    assert outcomes == [Outcome.DONE]
    assert happened[-1] == Ended(b"".join(texts))


def test_sender_gives_up_after_six_refusals() -> None:
    sender = Sender([b"x"])
    sender.start()
    frame = sender.feed(ACK)
    answers = [sender.feed(NAK) for _ in range(6)]
    assert answers[:5] == [frame] * 5
    assert answers[5] == [EOT, Outcome.REFUSED]


def test_sender_meets_a_busy_receiver_contention_and_silence() -> None:
    sender = Sender([b"x"])
    sender.start()
    assert sender.feed(NAK) == [Outcome.BUSY]
    sender.start()
    assert sender.feed(ENQ) == [Outcome.CONTENTION]
    sender.start()
    assert sender.timeout() == [EOT, Outcome.SILENT]
    assert sender.timeout() == []


class Keeper:
    """Takes a text that ends with `!`, unless it is told to refuse."""

    def __init__(self) -> None:
        self.refusals = 0
        self.kept: list[bytes] = []

    def __call__(self, text: bytes) -> Verdict:
        if not text.endswith(b"!"):
            return Verdict.MORE
        if self.refusals > 0:
            self.refusals -= 1
            return Verdict.REFUSED
        self.kept.append(text)
        return Verdict.KEPT


def frames(*texts: bytes) -> list[bytes]:
    return [bytes(Frame((n + 1) % 8, text, last=True)) for n, text in enumerate(texts)]


def test_a_message_is_kept_before_its_last_frame_is_acknowledged() -> None:
    keeper = Keeper()
    receiver = Receiver(keeper)
    first, second = frames(b"H", b"L!")
    assert replies(receiver.feed(ENQ + first)) == [ACK, ACK]
    assert keeper.kept == []
    assert receiver.feed(second) == [Reply(ACK)]
    assert keeper.kept == [b"HL!"]
    assert receiver.feed(EOT) == [Ended(b"")]


def test_what_could_not_be_kept_is_refused_and_comes_again() -> None:
    keeper = Keeper()
    keeper.refusals = 2
    receiver = Receiver(keeper)
    first, second = frames(b"H", b"L!")
    receiver.feed(ENQ + first)
    assert [receiver.feed(second) for _ in range(3)] == [
        [Reply(NAK, "not_kept")],
        [Reply(NAK, "not_kept")],
        [Reply(ACK)],
    ]
    assert keeper.kept == [b"HL!"]


def test_a_kept_frame_that_comes_again_is_not_kept_twice() -> None:
    keeper = Keeper()
    receiver = Receiver(keeper)
    (only,) = frames(b"L!")
    assert replies(receiver.feed(ENQ + only + only)) == [ACK, ACK, ACK]
    assert keeper.kept == [b"L!"]


def test_two_messages_in_one_transfer_are_kept_one_by_one() -> None:
    keeper = Keeper()
    happened = Receiver(keeper).feed(ENQ + b"".join(frames(b"a", b"1!", b"b", b"2!", b"rest")) + EOT)
    assert keeper.kept == [b"a1!", b"b2!"]
    assert happened[-1] == Ended(b"rest")


def test_a_split_message_is_asked_about_once_whole() -> None:
    keeper = Keeper()
    Receiver(keeper).feed(ENQ + bytes(Frame(1, b"a!", last=False)) + bytes(Frame(2, b"b!", last=True)) + EOT)
    assert keeper.kept == [b"a!b!"]


def test_a_busy_receiver_says_so_and_takes_nothing() -> None:
    receiver = Receiver()
    receiver.busy = True
    assert receiver.feed(ENQ + frames(b"x")[0]) == [Reply(NAK, "busy")]
    receiver.busy = False
    assert text_of(transfer(frames(b"x")[0], receiver=receiver)) == b"x"


def test_a_receiver_that_wants_the_line_answers_one_frame_by_eot() -> None:
    receiver, sender = Receiver(), Sender([b"one", b"two"])
    receiver.interrupt()
    assert replies(receiver.feed(sender.start())) == [ACK], "outside a transfer there is nothing to interrupt"
    (first,) = sender.feed(ACK)
    receiver.interrupt()
    assert replies(receiver.feed(first)) == [EOT]
    (second,) = sender.feed(EOT)
    assert replies(receiver.feed(second)) == [ACK]
    assert sender.feed(ACK) == [EOT, Outcome.DONE]
    assert text_of(receiver.feed(EOT)) == b"onetwo"


def test_a_frame_of_the_longest_text_and_one_byte_more() -> None:
    whole = b"x" * lis01.MAX_FRAME
    assert text_of(transfer(bytes(Frame(1, whole, last=True)))) == whole
    happened = transfer(bytes(Frame(1, whole + b"xxxxxxxx", last=True)))
    assert replies(happened) == [ACK, NAK]


def test_a_transfer_without_end_is_refused() -> None:
    receiver = Receiver()
    receiver.feed(ENQ)
    full = lis01.MAX_TRANSFER // 50_000
    for n in range(full):
        assert replies(receiver.feed(bytes(Frame((n + 1) % 8, b"x" * 50_000, last=True)))) == [ACK]
    answer = receiver.feed(bytes(Frame((full + 1) % 8, b"x", last=True)))
    assert answer == [Reply(NAK, "transfer_too_long")]


@given(st.lists(TEXT, min_size=1, max_size=6), st.sampled_from([1, 7, 240, lis01.MAX_FRAME]))
def test_both_frame_sizes_carry_the_same_text(texts: list[bytes], size: int) -> None:
    sender, receiver = Sender(texts, frame_text=size), Receiver()
    answers = receiver.feed(sender.start())
    while not isinstance(answers[-1], Ended):
        (packet, *_outcome) = sender.feed(b"".join(replies(answers)))
        answers = receiver.feed(packet)
    assert answers[-1] == Ended(b"".join(texts))
