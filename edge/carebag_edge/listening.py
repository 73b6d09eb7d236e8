"""From the stethoscope's frames to a recording: exact samples to the disk and to live media, words and numbers beside.

Whom the sound belongs to is decided when it begins, and kept in the journal, so that even a sound cut off by a crash
ends up with its patient.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from carebag_devices.events import SoundFrame, SoundLevel, SoundStarted, SoundStopped
from carebag_devices.sound_card.level import Meter
from carebag_edge.binding import NOBODY, Binder, Whom
from carebag_edge.capture import device_identity
from carebag_edge.clock import Clock
from carebag_edge.data_key import Seal
from carebag_edge.hearing import Hearing, QualityWord, Running, SoundMonitorKind, quality_of
from carebag_edge.journal import Journal
from carebag_edge.journal_rows import PCM16, Entry
from carebag_edge.journal_tables import HEARING, STREAMS
from carebag_edge.live_port import LiveMedia
from carebag_edge.media_files import MediaFiles
from carebag_edge.recording_file import FinishedSound, RecordingFile, content, discard, salvage
from carebag_edge.sample_ledger import Implausible
from carebag_signal.auscultation import Finding, HeartRate, SoundMark
from carebag_signal.extra_sounds import ExtraSound
from carebag_wire.base import uuid7
from carebag_wire.records import MAX_SOUND_MARKS, Gap, SoundRecorded
from carebag_wire.values import Circumstances, Point
from carebag_wire.visit import ListeningState, SoundEnd

STATE_EVERY_S = 0.25
FORCE_EVERY_S = 2
MAX_LENGTH_S = 30 * 60
HEART_POINTS: frozenset[Point | None] = frozenset(("aortic", "pulmonic", "erb", "tricuspid", "mitral"))


@dataclass(frozen=True)
class _Wanted:
    """What the stethoscope was asked for last: by whose request, in which visit, where."""

    stream: int
    visit_id: UUID | None
    request_id: UUID | None
    circumstances: Circumstances


class Listening:
    """The stethoscope's side of the kit. All methods are synchronous: they run in the Bluetooth callback."""

    def __init__(
        self,
        *,
        folder: Path,
        journal: Journal,
        media: MediaFiles,
        binder: Binder,
        live: LiveMedia,
        clock: Clock,
        monitor: SoundMonitorKind,
        publish: Callable[[ListeningState], None],
        seal: Seal | None = None,
    ) -> None:
        self._folder = folder
        self._journal = journal
        self._media = media
        self._binder = binder
        self._live = live
        self._clock = clock
        self._monitor = monitor
        self._publish = publish
        self._seal = seal
        self._running: Running | None = None
        self._wanted: _Wanted | None = None
        self._visit_id: UUID | None = None
        """Whose visit `message` is about."""
        self.message: ListeningState | None = None

    @property
    def stream(self) -> int | None:
        """Number of the stream that is being recorded."""
        return self._running.hearing.stream if self._running else None

    @property
    def shown(self) -> ListeningState | None:
        """What was told last, while the visit is open that it is about: another patient's page shows none of it."""
        return self.message if self._is_here else None

    @property
    def active(self) -> bool:
        """The stethoscope was asked to send, or sends."""
        return self._running is not None or (self.message is not None and self.message.state == "starting")

    def serves(self, request_id: UUID) -> bool:
        """What was begun for this request goes on."""
        return self.active and self.message is not None and self.message.request_id == request_id

    def listens_unasked(self, circumstances: Circumstances) -> bool:
        """What the nurse began there by herself goes on."""
        heard = self.message if self.active else None
        return heard is not None and heard.request_id is None and heard.circumstances == circumstances

    def next_stream(self) -> int:
        """A stream number this kit never used."""
        number = int(self._journal.state(STREAMS) or 0) + 1
        self._journal.put_state(STREAMS, str(number))
        return number

    def starting(self, stream: int, rate_hz: int, request_id: UUID | None, circumstances: Circumstances) -> None:
        """The stethoscope was asked to send; nothing was heard yet.

        Args:
            request_id: what it answers; None where the nurse listens of her own accord.
            circumstances: where.
        """
        self._visit_id = self._open_visit
        self._wanted = _Wanted(stream, self._visit_id, request_id, circumstances)
        self._tell(
            ListeningState(
                stream=stream,
                state="starting",
                request_id=request_id,
                rate_hz=rate_hz,
                circumstances=circumstances,
                samples=0,
                gaps=0,
                quality="assessing",
            )
        )

    def not_started(self, stream: int) -> None:
        """It did not answer."""
        if self.message is not None and self.message.stream == stream and self.message.state == "starting":
            self._tell(self.message.model_copy(update={"state": "lost"}))

    def put_away(self) -> bool:
        """The nurse has seen that it was lost. False while one goes on."""
        if self.active:
            return False
        self.message = None
        return True

    def begin(self, event: SoundStarted) -> None:
        """A stream begins: bind it, open its file."""
        if self._running is not None:
            self._finish("lost", 0)
        whom = self._whom(event.stream)
        self._visit_id = whom.visit_id
        hearing = Hearing(
            stream=event.stream,
            rate_hz=event.rate_hz,
            device=device_identity(event.identity),
            times=self._clock.times(),
            visit_id=whom.visit_id,
            patient_id=whom.patient_id,
            nurse_id=whom.nurse_id,
            request_id=whom.request_id,
            circumstances=whom.circumstances,
        )
        self._journal.put_state(HEARING, hearing.model_dump_json())
        file = RecordingFile(self._folder, event.stream, event.rate_hz, self._seal)
        monitor = self._monitor(event.rate_hz, extra_sounds=whom.circumstances.point in HEART_POINTS)
        self._running = Running(hearing, file, monitor, Meter(event.rate_hz))
        self._live.sound_begin(event.stream, event.rate_hz)
        self._tell(self._state("live"))

    def _whom(self, stream: int) -> Whom:
        """Whose the stream is that begins now. What was asked for in a visit that is over by now is nobody's."""
        wanted = self._wanted
        if wanted is None or wanted.stream != stream:
            return self._binder.whom("listen")
        if wanted.visit_id != self._open_visit:
            return NOBODY
        if wanted.request_id is not None:
            return self._binder.whom("listen")
        return replace(self._binder.now(), circumstances=wanted.circumstances)

    @property
    def _open_visit(self) -> UUID | None:
        return self._binder.visit.visit_id if self._binder.visit else None

    @property
    def _is_here(self) -> bool:
        """What runs, or ran last, is of the visit that is open now."""
        return self._visit_id == self._open_visit

    def frame(self, event: SoundFrame) -> None:
        """Numbered samples: to live media first, they are in a hurry; then to the disk and the monitor."""
        running = self._running
        if running is None or running.hearing.stream != event.stream:
            return
        try:
            placement = running.file.add(event.first_sample, event.samples)
        except Implausible:
            return
        if self._is_here:
            self._live.sound(event.stream, event.first_sample, event.samples)
        if placement.hole:
            running.monitor.gap(placement.hole[1])
        running.overrun |= event.overrun
        if placement.appended:
            self._assess(running, event, placement.appended)
        rate_hz, end = running.hearing.rate_hz, running.file.ledger.end
        if end - running.told_at >= STATE_EVERY_S * rate_hz:
            running.told_at = end
            self._tell(self._state("live"))
            running.marks = []

    def level(self, event: SoundLevel) -> None:
        """The driver itself says how loud it is; shown with the next state."""
        running = self._running
        if running is not None and running.hearing.stream == event.stream:
            running.tells_level, running.level = True, (event.word, event.peak_dbfs)

    def stopped(self, event: SoundStopped) -> Entry | None:
        """The stream is over: make the record; None if nothing was heard."""
        if self._running is None or self._running.hearing.stream != event.stream:
            return None
        return self._finish("lost" if event.reason == "lost" else "ended", event.samples)

    def force_due(self) -> Callable[[], None] | None:
        """Something to run in a thread now and then, so that a power cut costs seconds and not the sound."""
        running = self._running
        if running is None or running.file.ledger.end - running.forced_at < FORCE_EVERY_S * running.hearing.rate_hz:
            return None
        running.forced_at = running.file.ledger.end
        return running.file.forcing()

    def is_over(self) -> bool:
        """What runs has to be stopped: it is too long, or goes on after its visit."""
        running = self._running
        if running is None:
            return False
        return not self._is_here or running.file.ledger.end > MAX_LENGTH_S * running.hearing.rate_hz

    def recover(self) -> Entry | None:
        """After a start: take over what a crash cut off. Gives the record that was made of it."""
        text = self._journal.state(HEARING)
        if text is None:
            return None
        hearing = Hearing.model_validate_json(text)
        if hearing.sha256 is None:
            sound = salvage(self._folder, hearing.stream, self._seal)
            if sound is None:
                self._forget(hearing.stream)
                return None
            hearing = self._complete(hearing, sound)
        return self._keep(hearing)

    def close(self) -> None:
        """The kit stops while it listens: the recording ends here."""
        if self._running is not None:
            self._finish("lost", 0)

    def _assess(self, running: Running, event: SoundFrame, appended: int) -> None:
        new = event.samples[event.samples.size - appended :]
        self._measure(running, new)
        self._take(running, running.monitor.feed(new))
        device_word: QualityWord | None = "no_contact" if event.no_contact else "clipped" if event.clipped else None
        running.heard[device_word or running.word] += appended

    @staticmethod
    def _measure(running: Running, new: NDArray[np.int16]) -> None:
        if running.tells_level:
            return
        level = running.meter.feed(new, clipped=running.clipping.feed(new))
        if level is not None:
            running.level = level.word, level.peak_dbfs

    @staticmethod
    def _take(running: Running, findings: Sequence[Finding]) -> None:
        for finding in findings:
            if isinstance(finding, SoundMark):
                running.marks.append((finding.sample, finding.sound))
                if len(running.all_marks) < MAX_SOUND_MARKS:
                    running.all_marks.append((finding.sample, finding.sound))
            elif isinstance(finding, HeartRate):
                running.rate, running.rate_problem = finding.per_min, finding.why_not
                running.last_rate = finding.per_min or running.last_rate
            elif isinstance(finding, ExtraSound):
                running.pointing.take(finding)
            else:
                running.word = finding.word

    def _finish(self, state: Literal["ended", "lost"], total: int) -> Entry | None:
        running = self._running
        assert running is not None
        self._take(running, running.monitor.finish())
        sound = running.file.finish(total)
        self._tell(self._state(state))
        self._running = None
        self._live.sound_end(
            SoundEnd(stream=running.hearing.stream, samples=sound.samples, gaps=list(sound.gaps), sha256=sound.sha256)
        )
        if sound.samples == 0:
            self._forget(running.hearing.stream)
            return None
        hearing = running.hearing.model_copy(
            update={
                "heart_rate_per_min": running.last_rate,
                "quality": quality_of(running, sound, state),
                "sound_marks": tuple(running.all_marks),
            }
        )
        return self._keep(self._complete(hearing, sound))

    def _complete(self, hearing: Hearing, sound: FinishedSound) -> Hearing:
        """Write down that the file is whole before it moves: from here on a crash only repeats the rest."""
        done = hearing.model_copy(update={"sha256": sound.sha256, "samples": sound.samples, "gaps": sound.gaps})
        self._journal.put_state(HEARING, done.model_dump_json())
        return done

    def _keep(self, hearing: Hearing) -> Entry:
        sha256 = hearing.sha256
        assert sha256 is not None
        samples = content(self._folder, hearing.stream, self._seal, hearing.gaps)
        if samples is not None:
            self._media.keep(samples)
        with self._journal.transaction():
            entry = self._journal.append(lambda kit_seq: self._record(hearing, sha256, kit_seq), media_type=PCM16)
            self._journal.put_state(HEARING, None)
        discard(self._folder, hearing.stream)
        return entry

    def _record(self, hearing: Hearing, sha256: str, kit_seq: int) -> SoundRecorded:
        return SoundRecorded(
            id=uuid7(self._clock.unix_ms()),
            binding=hearing.whom.binding(self._journal.key.kit_id, kit_seq),
            times=hearing.times,
            device=hearing.device,
            stream=hearing.stream,
            circumstances=hearing.circumstances,
            rate_hz=hearing.rate_hz,
            samples=hearing.samples,
            gaps=[Gap(first_sample=start, samples=count) for start, count in hearing.gaps],
            media_sha256=sha256,
            heart_rate_per_min=hearing.heart_rate_per_min,
            quality=hearing.quality,
            sound_marks=list(hearing.sound_marks),
        )

    def _forget(self, stream: int) -> None:
        self._journal.put_state(HEARING, None)
        discard(self._folder, stream)

    def _state(self, state: Literal["live", "ended", "lost"]) -> ListeningState:
        running = self._running
        assert running is not None
        hearing = running.hearing
        return ListeningState(
            stream=hearing.stream,
            state=state,
            request_id=hearing.request_id,
            rate_hz=hearing.rate_hz,
            circumstances=hearing.circumstances,
            samples=running.file.ledger.end,
            gaps=len(running.file.ledger.holes),
            quality="noisy" if running.word == "speaking" else running.word,
            speaking=running.word == "speaking",
            heart_rate_per_min=running.rate,
            heart_rate_problem=running.rate_problem if running.rate is None else None,
            level=running.level[0] if running.level else None,
            peak_dbfs=round(running.level[1], 1) if running.level else None,
            sound_marks=running.marks,
            listen_here=list(running.pointing.listen),
        )

    def _tell(self, message: ListeningState) -> None:
        self.message = message
        if self._is_here:
            self._live.state(message)
            self._publish(message)
