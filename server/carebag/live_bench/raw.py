"""What one run noted, before anything is computed: times are unix seconds of the one clock that all parts share."""

from dataclasses import dataclass, field
from typing import Any

from carebag.link_emulator.profiles import Profile


@dataclass(frozen=True)
class Rendered:
    """One block of the audio thread; `sample` -1: it held none."""

    stream: int
    sample: int
    at: float
    level_ms: float
    target_ms: float
    counts: dict[str, int]


@dataclass(frozen=True)
class Frame:
    """One picture: presented at, drawn at (None: its strip could not be read), its width in pixels."""

    at: float
    drawn: float | None
    width: int


@dataclass(frozen=True)
class Heard:
    """A stretch of listening.

    Args:
        frames: (first sample, when it left the stethoscope).
        packets: (arrived in the page, way it came, bytes).
        missing: samples of the page's copy that never came; None: the page did not say.
    """

    frames: list[tuple[int, float]]
    packets: list[tuple[float, str, bytes]]
    rendered: list[Rendered]
    verdict: str
    missing: int | None = None
    repaired: int | None = None


@dataclass(frozen=True)
class Played:
    """The audio thread's output (float samples, `rate_hz`) in stretches without a break, and what it was made of."""

    rate_hz: int
    stretches: list[list[float]]
    waited: int = 0
    """Samples of silence in it because sound was late."""


@dataclass
class Raw:
    """All of one run."""

    profile: Profile
    seed: int
    began: float
    ended: float
    bare: list[tuple[float, float | None]] = field(default_factory=list)
    heard: Heard | None = None
    pictures: list[Frame] = field(default_factory=list)
    vitals: list[tuple[float, str, int, float]] = field(default_factory=list)
    """(arrived, way, number, measured at)."""
    talk: list[tuple[float, int, int, int, int, int]] = field(default_factory=list)
    """(at, ssrc, samples, of them made up, packets, packets lost), as the nurse's page counts."""
    setups_s: list[float] = field(default_factory=list)
    load: list[tuple[float, float, float]] = field(default_factory=list)
    """(at, percent of a core, MiB) of the kit."""
    all_percent: float | None = None
    """Of a core, all of the bench's processes, both browsers included: near what there is, the machine is measured."""
    back: list[float] = field(default_factory=list)
    """When the link was whole again, or the new address there."""
    out: list[tuple[float, float]] = field(default_factory=list)
    """From when to when nothing could pass."""
    photo: tuple[float, float | None, int] | None = None
    """(sent, seen by the doctor, bytes)."""
    played: Played | None = None
    link: dict[str, Any] = field(default_factory=dict)
    load_average: str = ""
    problems: list[str] = field(default_factory=list)
    """What could not be measured, and why."""
