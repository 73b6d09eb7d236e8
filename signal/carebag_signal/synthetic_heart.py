"""Heart sound of a made-up body: S1 and S2 from short tones, murmurs from noise, S3 and S4 where asked for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import check_rate
from carebag_signal.body import Body, Breathing, beat_times, systole_s
from carebag_signal.synthetic_shapes import Noise, add, as_int16, gabor

Floats = NDArray[np.float64]

_S1_LENGTH_S, _S2_LENGTH_S = 0.11, 0.09
_S3_AFTER_S2_S, _S4_BEFORE_S1_S, _FILLING_LENGTH_S = 0.15, 0.11, 0.08
_LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class HeartSound:
    """Samples with the onsets (sample numbers) of all first and second sounds in them, and of the third and fourth
    where the body has them.
    """

    rate_hz: int
    samples: NDArray[np.int16]
    s1: NDArray[np.int64]
    s2: NDArray[np.int64]
    s3: NDArray[np.int64]
    s4: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Beat:
    """One beat: where its sounds begin (samples), how loud it is (1 is usual), how far apart S2's halves are."""

    s1: int
    s2: int
    after: int
    loud: float
    split_s: float


def _first_sound(t: Floats, squeeze: float) -> Floats:
    """Mitral and tricuspid valve, 25 ms apart."""
    mitral = gabor(t, 0.040 * squeeze, 0.013 * squeeze, 48)
    return np.asarray(mitral + 0.6 * gabor(t, 0.065 * squeeze, 0.012 * squeeze, 62))


def _second_sound(t: Floats, squeeze: float, split_s: float) -> Floats:
    """Aortic, then pulmonary valve: further apart while the chest is full."""
    aortic = 0.75 * gabor(t, 0.026 * squeeze, 0.009 * squeeze, 72)
    return np.asarray(aortic + 0.45 * gabor(t, 0.026 * squeeze + split_s, 0.009 * squeeze, 60))


def _filling_sound(t: Floats) -> Floats:
    """S3 or S4: one dull thud."""
    return gabor(t, 0.032, 0.012, 34)


def _swell(body: Body, n: int) -> Floats:
    """(n,): the loudness of a murmur from its beginning to its end."""
    shape = body.murmur_shape
    if shape == "usual":
        shape = "diamond" if body.murmur == "systolic" else "decrescendo"
    if shape == "diamond":
        return np.hanning(n)
    if shape == "plateau":
        return np.asarray(np.clip(5 * np.hanning(n), 0.0, 1.0))
    return np.linspace(1.0, 0.0, n) if shape == "decrescendo" else np.linspace(0.0, 1.0, n)


class HeartStream:
    """Sound at the apex, piece by piece, without end; the same however it is cut. Memory does not grow."""

    def __init__(self, body: Body, rate_hz: int = 4000, level: float = 0.3) -> None:
        """`level` (0-1) is the first sound's amplitude as a part of the scale.

        Raises: ValueError if `rate_hz` is out of range.
        """
        check_rate(rate_hz)
        self._body, self._rate_hz, self._level = body, rate_hz, level
        self._squeeze = min(1.0, systole_s(body) / 0.27)
        self._ground = Noise([body.seed, 2], rate_hz, (20.0, 400.0))
        self._breathy = Noise([body.seed, 3], rate_hz, body.murmur_hz)
        self._rng = np.random.default_rng([body.seed, 4])
        self._times, self._breathing = beat_times(body), Breathing(body)
        self._next = next(self._times)
        self._beats: list[_Beat] = []
        self._at = 0

    def take(self, n: int) -> HeartSound:
        """The next `n` samples; onsets are counted from the stream's first sample."""
        start = self._at
        sound = self.wave(n)
        return self._onsets(start, self._at, as_int16(self._level * sound))

    def wave(self, n: int) -> Floats:
        """The next `n` samples as numbers: a usual first sound has an amplitude of about 1."""
        start, end = self._at, self._at + n
        # what can no longer be heard is forgotten only now: the onsets of the last piece may still be asked for
        self._beats = [beat for beat in self._beats if beat.after + self._rate_hz > start]
        self._breathing.forget(start / self._rate_hz)
        while not self._beats or self._beats[-1].s1 - round(_S4_BEFORE_S1_S * self._rate_hz) < end:
            self._beats.append(self._beat())
        sound, breathy = self._body.noise_level * self._ground.take(n), self._breathy.take(n)
        for beat in self._beats:
            self._sounds(sound, breathy, beat, start)
        self._at = end
        return sound

    def _beat(self) -> _Beat:
        onset, self._next = self._next, next(self._times)
        # a beat that comes early cuts its own systole short
        systole = min(systole_s(self._body), 0.6 * (self._next - onset))
        full = float(0.5 - 0.5 * np.cos(self._breathing.angle(onset)))
        s1, s2, after = (round(t * self._rate_hz) for t in (onset, onset + systole, self._next))
        loud = (1 - 0.15 * full) * (1 + 0.05 * float(self._rng.normal()))
        return _Beat(s1, s2, after, loud, self._squeeze * (0.012 + 0.02 * full))

    def _sounds(self, sound: Floats, breathy: Floats, beat: _Beat, start: int) -> None:
        body, rate = self._body, self._rate_hz
        first = _first_sound(np.arange(round(_S1_LENGTH_S * rate)) / rate, self._squeeze)
        second = _second_sound(np.arange(round(_S2_LENGTH_S * rate)) / rate, self._squeeze, beat.split_s)
        add(sound, beat.loud * first, beat.s1 - start)
        add(sound, beat.loud * second, beat.s2 - start)
        filling = _filling_sound(np.arange(round(_FILLING_LENGTH_S * rate)) / rate)
        for level, at in ((body.s3_level, self._s3(beat)), (body.s4_level, self._s4(beat))):
            if level:
                add(sound, beat.loud * level * filling, at - start)
        if body.murmur != "none":
            self._murmur(sound, breathy, beat, start)

    def _murmur(self, sound: Floats, breathy: Floats, beat: _Beat, start: int) -> None:
        """Noise between S1 and S2, or after S2."""
        if self._body.murmur == "systolic":
            first, last = beat.s1 + round(0.09 * self._rate_hz), beat.s2
        else:
            first, last = beat.s2 + round(0.08 * self._rate_hz), beat.s2 + round(0.6 * (beat.after - beat.s2))
        shape = np.zeros(sound.size)
        add(shape, _swell(self._body, max(last - first, 0)), first - start)
        sound += self._body.murmur_level * breathy * shape

    def _s3(self, beat: _Beat) -> int:
        return beat.s2 + round(_S3_AFTER_S2_S * self._rate_hz)

    def _s4(self, beat: _Beat) -> int:
        return beat.s1 - round(_S4_BEFORE_S1_S * self._rate_hz)

    def _onsets(self, start: int, end: int, samples: NDArray[np.int16]) -> HeartSound:
        def inside(found: list[int]) -> NDArray[np.int64]:
            return np.array([at for at in found if start <= at < end], dtype=np.int64)

        beats, body = self._beats, self._body
        return HeartSound(
            self._rate_hz,
            samples,
            inside([b.s1 for b in beats]),
            inside([b.s2 for b in beats]),
            inside([self._s3(b) for b in beats] if body.s3_level else []),
            inside([self._s4(b) for b in beats] if body.s4_level else []),
        )


def heart_sound(body: Body, seconds: float, rate_hz: int = 4000, level: float = 0.3) -> HeartSound:
    """Sound at the apex; `level` (0-1) is the first sound's amplitude as a part of the scale.

    Raises: ValueError if `rate_hz` or `seconds` is out of range.
    """
    if not 0 <= seconds <= _LONGEST_S:
        raise ValueError(f"seconds must be within 0 and {_LONGEST_S:.0f}")
    return HeartStream(body, rate_hz, level).take(round(seconds * rate_hz))
