"""What is known of a recording that runs: whose it is, what was heard so far, and how good it is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from carebag_devices.sound_card.level import Clipping, Meter, Word
from carebag_edge.binding import Whom
from carebag_edge.recording_file import FinishedSound, RecordingFile
from carebag_signal.auscultation import Finding
from carebag_signal.extra_sounds import Pointing
from carebag_wire.values import Circumstances, DeviceIdentity, Quality, Times

QualityWord = Literal["assessing", "good", "no_contact", "noisy", "movement", "speaking", "clipped"]


class SoundMonitor(Protocol):
    """What is computed from the samples: `carebag_signal.auscultation.HeartSoundMonitor`."""

    def feed(self, samples: NDArray[np.int16]) -> Sequence[Finding]: ...

    def gap(self, n_samples: int) -> None: ...

    def finish(self) -> Sequence[Finding]: ...


class SoundMonitorKind(Protocol):
    """Makes a monitor; with `extra_sounds` it also looks for where to listen again between S1 and S2."""

    def __call__(self, rate_hz: int, *, extra_sounds: bool) -> SoundMonitor: ...


class Hearing(BaseModel):
    """What must outlive a crash of a recording that runs: whose it is, and once it is whole, its digest."""

    model_config = ConfigDict(frozen=True)

    stream: int
    rate_hz: int
    device: DeviceIdentity
    times: Times
    visit_id: UUID | None
    patient_id: UUID | None
    nurse_id: UUID | None
    request_id: UUID | None
    circumstances: Circumstances
    sha256: str | None = None
    samples: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    heart_rate_per_min: int | None = None
    quality: Quality = Quality(word="questionable", reasons=["interrupted"])
    sound_marks: tuple[tuple[int, Literal["S1", "S2"]], ...] = ()

    @property
    def whom(self) -> Whom:
        return Whom(self.visit_id, self.patient_id, self.nurse_id, self.request_id, self.circumstances)


@dataclass
class Running:
    hearing: Hearing
    file: RecordingFile
    monitor: SoundMonitor
    meter: Meter
    word: QualityWord = "assessing"
    rate: int | None = None
    rate_problem: str | None = "assessing"
    last_rate: int | None = None
    marks: list[tuple[int, Literal["S1", "S2"]]] = field(default_factory=list)
    """Since the last message."""
    all_marks: list[tuple[int, Literal["S1", "S2"]]] = field(default_factory=list)
    pointing: Pointing = field(default_factory=Pointing)
    heard: Counter[str] = field(default_factory=Counter)
    overrun: bool = False
    clipping: Clipping = field(default_factory=Clipping)
    level: tuple[Word, float] | None = None
    """Word and peak in dB of full scale, of the last quarter of a second."""
    tells_level: bool = False
    """The driver says itself how loud it is."""
    told_at: int = 0
    forced_at: int = 0


def quality_of(running: Running, sound: FinishedSound, state: Literal["ended", "lost"]) -> Quality:
    """Good if most of it sounded good and all of it is there; else why not."""
    reasons: list[str] = []
    most, _ = running.heard.most_common(1)[0] if running.heard else ("assessing", 0)
    if most != "good":
        reasons.append("too_short" if most == "assessing" else most)
    if sound.gaps:
        reasons.append("gaps")
    if running.overrun:
        reasons.append("device_overrun")
    if state == "lost":
        reasons.append("interrupted")
    if not reasons:
        return Quality(word="good")
    return Quality(word="invalid" if most == "no_contact" else "questionable", reasons=reasons)
