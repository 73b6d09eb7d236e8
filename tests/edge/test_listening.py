import asyncio
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Literal
from uuid import UUID

import numpy as np
import pytest

from carebag_devices.events import Identity, SoundFrame, SoundLevel, SoundStarted, SoundStopped
from carebag_edge.binding import Armed, Binder, Moment, OpenVisit
from carebag_edge.journal import Journal
from carebag_edge.listening import Listening
from carebag_edge.live_port import NoLiveMedia
from carebag_edge.media_files import MediaFiles
from carebag_signal.auscultation import HeartSoundMonitor, QualityWord
from carebag_signal.synthetic import Body, heart_sound
from carebag_wire.records import SoundRecorded
from carebag_wire.values import Circumstances
from carebag_wire.visit import ListeningState, SoundEnd

STETHOSCOPE = Identity("C0:03", "stethoscope", simulated=True)
RATE = 4000


class LiveEar(NoLiveMedia):
    """What live media was given."""

    def __init__(self) -> None:
        self.samples: list[np.ndarray] = []
        self.ends: list[SoundEnd] = []
        self.states: list[ListeningState] = []

    def sound(self, stream, first_sample, samples) -> None:
        self.samples.append(samples)

    def sound_end(self, end) -> None:
        self.ends.append(end)

    def state(self, message) -> None:
        self.states.append(message)


class Ward:
    """A listening kit with a visit open and a request armed."""

    def __init__(self, folder: Path, journal: Journal, hands) -> None:
        self.binder = Binder(
            OpenVisit(visit_id=UUID(int=1), patient_id=UUID(int=2), nurse_id=UUID(int=3), opened_at=hands.utc)
        )
        mitral = Circumstances(point="mitral")
        self.request_id = UUID(int=4)
        self.binder.arm(Armed(request_id=self.request_id, visit_id=UUID(int=1), kind="listen", circumstances=mitral))
        self.live = LiveEar()
        self.media = MediaFiles(folder / "media")
        self.told: list[ListeningState] = []
        self.listening = Listening(
            folder=folder / "recordings",
            journal=journal,
            media=self.media,
            binder=self.binder,
            live=self.live,
            clock=hands.clock,
            monitor=HeartSoundMonitor,
            publish=self.told.append,
        )

    def begin(self) -> int:
        stream = self.listening.next_stream()
        self.listening.begin(SoundStarted(STETHOSCOPE, stream, RATE))
        return stream

    def frame(self, stream: int, first: int, samples: np.ndarray, **flags: bool) -> None:
        self.listening.frame(SoundFrame(STETHOSCOPE, stream, first, samples, **flags))


@pytest.fixture
def ward(tmp_path: Path, journal: Journal, hands) -> Ward:
    return Ward(tmp_path, journal, hands)


def noise(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2000, count).astype(np.int16)


def test_exactly_what_came_is_kept_and_passed_on(ward: Ward) -> None:
    stream, sound = ward.begin(), noise(RATE)
    for start in range(0, RATE, 100):
        ward.frame(stream, start, sound[start : start + 100])
    entry = ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", RATE))
    assert entry is not None
    record = entry.record
    assert isinstance(record, SoundRecorded)
    content = sound.astype("<i2").tobytes()
    assert ward.media.read(record.media_sha256) == content
    assert (record.samples, record.gaps, record.stream, record.rate_hz) == (RATE, [], stream, RATE)
    assert (record.binding.request_id, record.circumstances.point) == (ward.request_id, "mitral")
    assert (np.concatenate(ward.live.samples) == sound).all()
    assert ward.live.ends == [
        SoundEnd(stream=stream, samples=RATE, gaps=[], sha256=hashlib.sha256(content).hexdigest())
    ]
    assert [s.state for s in (ward.told[0], ward.told[-1])] == ["live", "ended"]


def test_a_gap_is_a_gap_in_file_record_and_words(ward: Ward) -> None:
    stream, sound = ward.begin(), noise(RATE)
    ward.frame(stream, 0, sound[:1000])
    ward.frame(stream, 1500, sound[1500:2500])
    ward.frame(stream, 1400, sound[1400:1500], retransmitted=True)
    entry = ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "lost", 3000))
    assert entry is not None
    record = entry.record
    assert isinstance(record, SoundRecorded)
    assert [(gap.first_sample, gap.samples) for gap in record.gaps] == [(1000, 400), (2500, 500)]
    expected = np.zeros(3000, np.int16)
    expected[:1000], expected[1400:2500] = sound[:1000], sound[1400:2500]
    assert ward.media.read(record.media_sha256) == expected.astype("<i2").tobytes()
    assert record.quality.word != "good"
    assert {"gaps", "interrupted"} <= set(record.quality.reasons)
    assert max(state.gaps for state in ward.told) >= 1


def test_frames_of_another_stream_and_impossible_ones_are_left_out(ward: Ward) -> None:
    stream = ward.begin()
    ward.frame(stream + 1, 0, noise(100))
    ward.frame(stream, 2**31, noise(100))
    ward.frame(stream, 0, noise(100))
    entry = ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", 100))
    assert entry is not None
    assert entry.record.samples == 100  # type: ignore[union-attr]


def test_nothing_heard_is_no_record(ward: Ward, journal: Journal) -> None:
    stream = ward.begin()
    assert ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", 0)) is None
    assert journal.numbers() == []
    assert ward.listening.recover() is None


def test_the_sound_belongs_to_the_visit_in_which_it_began(ward: Ward, hands) -> None:
    stream = ward.begin()
    ward.frame(stream, 0, noise(400))
    ward.binder.close(hands.clock.moment())
    ward.binder.open(
        OpenVisit(visit_id=UUID(int=9), patient_id=UUID(int=10), nurse_id=UUID(int=3), opened_at=hands.utc)
    )
    entry = ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", 400))
    assert entry is not None
    assert entry.record.binding.patient_id == UUID(int=2)


def test_state_comes_four_times_a_second_and_carries_the_marks_once(ward: Ward) -> None:
    stream = ward.begin()
    seconds = 4
    for start in range(0, seconds * RATE, 40):
        ward.frame(stream, start, noise(40, seed=start))
    assert 4 * seconds - 1 <= len(ward.told) - 1 <= 4 * seconds + 1
    assert ward.told[-1].quality != "assessing"
    marks = [mark for state in ward.told for mark in state.sound_marks]
    assert len(marks) == len(set(marks))


def test_speech_is_said_beside_a_word_that_every_page_knows(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeartSoundMonitor, "feed", lambda self, samples: [QualityWord(0, "speaking")])
    stream = ward.begin()
    ward.frame(stream, 0, noise(RATE))
    assert (ward.told[-1].quality, ward.told[-1].speaking) == ("noisy", True)
    monkeypatch.setattr(HeartSoundMonitor, "feed", lambda self, samples: [QualityWord(0, "noisy")])
    ward.frame(stream, RATE, noise(RATE))
    assert (ward.told[-1].quality, ward.told[-1].speaking) == ("noisy", False)
    entry = ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", 2 * RATE))
    assert entry is not None
    assert isinstance(entry.record, SoundRecorded)
    assert entry.record.quality.reasons == ["speaking"]


def test_the_record_keeps_where_s1_and_s2_were_heard(ward: Ward) -> None:
    """So that a recording can be drawn with them beside a later one."""
    stream, sound = ward.begin(), heart_sound(Body(), 10, RATE).samples
    for start in range(0, len(sound), 500):
        ward.frame(stream, start, sound[start : start + 500])
    entry = ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", len(sound)))
    assert entry is not None
    assert isinstance(entry.record, SoundRecorded)
    told = [mark for state in ward.told for mark in state.sound_marks]
    assert entry.record.sound_marks == told
    assert len(told) > 10


BREATHY = heart_sound(Body(seed=31, murmur="systolic", murmur_level=0.2), 10.0, RATE).samples


@pytest.mark.parametrize(("point", "points"), [("mitral", True), ("lung_left", False), (None, False)])
def test_where_to_listen_again_is_said_at_the_heart_and_kept_nowhere(
    ward: Ward, journal: Journal, point: Literal["mitral", "lung_left"] | None, points: bool
) -> None:
    asked = Circumstances(point=point)
    ward.binder.arm(Armed(request_id=UUID(int=5), visit_id=UUID(int=1), kind="listen", circumstances=asked))
    stream = ward.begin()
    for start in range(0, len(BREATHY), 500):
        ward.frame(stream, start, BREATHY[start : start + 500])
    told = [state for state in ward.told if state.listen_here]
    assert bool(told) == points
    for state in told:
        assert all(0 <= first < end <= state.samples for first, end in state.listen_here)
    entry = ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", len(BREATHY)))
    assert entry is not None
    assert isinstance(entry.record, SoundRecorded)
    assert "listen_here" not in entry.record.model_dump_json()
    assert bool(ward.told[-1].listen_here) == points


def test_a_hole_takes_back_where_to_listen(ward: Ward) -> None:
    stream = ward.begin()
    for start in range(0, len(BREATHY), 500):
        ward.frame(stream, start, BREATHY[start : start + 500])
    assert ward.told[-1].listen_here
    for start in range(len(BREATHY) + 100, len(BREATHY) + 4100, 500):
        ward.frame(stream, start, noise(500))
    assert not ward.told[-1].listen_here


def test_the_level_of_each_quarter_of_a_second_is_said(ward: Ward) -> None:
    stream = ward.begin()
    for first, amplitude in ((0, 33), (1000, 3277), (2000, 32767)):
        ward.frame(stream, first, np.full(1000, amplitude, np.int16))
    levels = [(one.level, one.peak_dbfs) for one in ward.told if one.samples]
    assert levels == [("quiet", -59.9), ("good", -20.0), ("clipped", 0.0)]
    assert (ward.told[0].level, ward.told[0].peak_dbfs) == (None, None)


def test_what_the_driver_says_of_its_level_goes_before(ward: Ward) -> None:
    stream = ward.begin()
    for other in (stream + 1, stream):
        ward.listening.level(SoundLevel(STETHOSCOPE, other, -1.04, -9.0, "hot" if other == stream else "quiet"))
    ward.frame(stream, 0, np.zeros(1000, np.int16))
    assert (ward.told[-1].level, ward.told[-1].peak_dbfs) == ("hot", -1.0)


def test_stream_numbers_are_never_used_twice(ward: Ward, journal: Journal, tmp_path: Path, hands, reopen) -> None:
    first = ward.listening.next_stream()
    journal.close()
    again = reopen()
    assert Ward(tmp_path, again, hands).listening.next_stream() == first + 1
    again.close()


def test_a_sound_cut_off_by_a_crash_is_recovered_with_its_patient(
    ward: Ward, journal: Journal, tmp_path: Path, hands
) -> None:
    stream, sound = ward.begin(), noise(2000)
    ward.frame(stream, 0, sound[:1000])
    ward.frame(stream, 1200, sound[1200:2000])
    restarted = Ward(tmp_path, journal, hands)
    restarted.binder.close(hands.clock.moment())
    entry = restarted.listening.recover()
    assert entry is not None
    record = entry.record
    assert isinstance(record, SoundRecorded)
    assert (record.binding.patient_id, record.samples, record.quality.reasons) == (UUID(int=2), 2000, ["interrupted"])
    assert [(gap.first_sample, gap.samples) for gap in record.gaps] == [(1000, 200)]
    assert restarted.listening.recover() is None


@pytest.mark.parametrize("moved", [False, True])
def test_a_crash_between_file_and_record_costs_nothing(
    ward: Ward, journal: Journal, tmp_path: Path, hands, monkeypatch, moved: bool
) -> None:
    stream, sound = ward.begin(), noise(1000)
    ward.frame(stream, 0, sound)

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(journal if moved else ward.media, "append" if moved else "keep", crash)
    with pytest.raises(KeyboardInterrupt):
        ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", 1000))
    monkeypatch.undo()
    entry = Ward(tmp_path, journal, hands).listening.recover()
    assert entry is not None
    assert ward.media.read(entry.record.media_sha256) == sound.astype("<i2").tobytes()  # type: ignore[union-attr]
    assert list((tmp_path / "recordings").iterdir()) == []


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
import numpy as np
from conftest import Hands
from carebag_edge.journal import Journal
from carebag_edge.keys import load_or_create
from test_listening import Ward, noise
folder = Path(sys.argv[1])
ward = Ward(folder, Journal(folder / "journal.sqlite", load_or_create(folder, None, 0)), Hands())
stream = ward.begin()
sound = noise(400_000)
for start in range(0, 400_000, 100):
    ward.frame(stream, start, sound[start : start + 100])
    sys.stdout.write(f"{start + 100}\\n")
    sys.stdout.flush()
"""


def test_kill_9_while_listening_loses_no_sample_that_was_taken(tmp_path: Path, hands) -> None:
    here = str(Path(__file__).parent)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, tmp_path, here], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    taken = [int(process.stdout.readline()) for _ in range(50)][-1]
    process.kill()
    process.communicate()
    from carebag_edge.keys import load_or_create

    journal = Journal(tmp_path / "journal.sqlite", load_or_create(tmp_path, None, 0))
    restarted = Ward(tmp_path, journal, hands)
    entry = restarted.listening.recover()
    assert entry is not None
    content = restarted.media.read(entry.record.media_sha256)  # type: ignore[union-attr]
    assert len(content) // 2 >= taken
    assert content == noise(400_000)[: len(content) // 2].astype("<i2").tobytes()
    assert journal.numbers() == [1]
    journal.close()


async def test_forcing_to_disk_outlives_the_recording(ward: Ward) -> None:
    stream = ward.begin()
    assert ward.listening.force_due() is None
    ward.frame(stream, 0, noise(3 * RATE))
    force = ward.listening.force_due()
    assert force is not None
    assert ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", 3 * RATE)) is not None
    await asyncio.to_thread(force)
    assert ward.listening.force_due() is None


def asked_for(ward: Ward, request_id: UUID | None, point: Literal["aortic", "mitral"] = "aortic") -> int:
    stream = ward.listening.next_stream()
    ward.listening.starting(stream, RATE, request_id, Circumstances(point=point))
    return stream


def next_visit(ward: Ward, hands) -> None:
    at = Moment(utc=hands.utc, ns=hands.clock.monotonic_ns())
    ward.binder.close(at)
    ward.binder.open(
        OpenVisit(visit_id=UUID(int=11), patient_id=UUID(int=12), nurse_id=UUID(int=3), opened_at=hands.utc)
    )


def test_what_the_nurse_begins_herself_answers_no_request_and_is_where_she_said(ward: Ward) -> None:
    stream = asked_for(ward, None)
    assert ward.listening.listens_unasked(Circumstances(point="aortic"))
    assert not ward.listening.listens_unasked(Circumstances(point="mitral"))
    ward.listening.begin(SoundStarted(STETHOSCOPE, stream, RATE))
    ward.frame(stream, 0, noise(RATE))
    entry = ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", RATE))
    assert entry is not None
    record = entry.record
    assert isinstance(record, SoundRecorded)
    assert (record.binding.visit_id, record.binding.request_id) == (UUID(int=1), None)
    assert record.circumstances == Circumstances(point="aortic")
    assert not ward.listening.listens_unasked(Circumstances(point="aortic"))
    again = asked_for(ward, ward.request_id, "mitral")
    ward.listening.begin(SoundStarted(STETHOSCOPE, again, RATE))
    assert (ward.told[-1].request_id, ward.told[-1].circumstances.point) == (ward.request_id, "mitral")


@pytest.mark.parametrize("asked", [None, UUID(int=4)])
def test_a_stream_that_begins_after_its_visit_is_nobodys_and_is_to_be_stopped(
    ward: Ward, hands, asked: UUID | None
) -> None:
    stream = asked_for(ward, asked)
    next_visit(ward, hands)
    ward.listening.begin(SoundStarted(STETHOSCOPE, stream, RATE))
    assert ward.listening.is_over()
    ward.frame(stream, 0, noise(100))
    assert (ward.live.samples, ward.listening.shown) == ([], None)
    entry = ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "asked", 100))
    assert entry is not None
    assert (entry.record.binding.visit_id, entry.record.binding.patient_id) == (None, None)


def test_what_goes_on_after_its_visit_is_kept_for_it_and_neither_heard_nor_shown_in_the_next(ward: Ward, hands) -> None:
    stream = asked_for(ward, ward.request_id)
    ward.listening.begin(SoundStarted(STETHOSCOPE, stream, RATE))
    ward.frame(stream, 0, noise(2000))
    assert not ward.listening.is_over()
    next_visit(ward, hands)
    heard, told = len(ward.live.samples), len(ward.told)
    assert ward.listening.is_over()
    ward.frame(stream, 2000, noise(2000))
    entry = ward.listening.stopped(SoundStopped(STETHOSCOPE, stream, "lost", 4000))
    assert entry is not None
    assert isinstance(entry.record, SoundRecorded)
    assert (entry.record.binding.visit_id, entry.record.samples) == (UUID(int=1), 4000)
    assert (len(ward.live.samples), len(ward.told), ward.listening.shown) == (heard, told, None)


def test_what_was_lost_is_put_away_once_it_is_seen_and_what_runs_is_not(ward: Ward) -> None:
    stream = asked_for(ward, ward.request_id)
    assert not ward.listening.put_away()
    ward.listening.not_started(stream)
    assert ward.listening.shown is not None
    assert ward.listening.put_away()
    assert ward.listening.shown is None
