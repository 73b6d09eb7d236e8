"""Recordings from files: WAV, FLAC, CSV and NPZ to one channel of 16-bit samples, or a reason why not."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from carebag.wav_length import samples_missing, whole_frames

LONGEST_SAMPLES = 500_000_000

Code = Literal[
    "not_found",
    "unknown_format",
    "damaged",
    "not_one_channel",
    "no_rate",
    "not_finite",
    "empty",
    "too_long",
    "wrong_scale",
]


CutCode = Literal["ends_early", "damaged_within", "last_line_open"]


@dataclass(frozen=True, slots=True)
class CutShort:
    """A file that holds less than it should; what it has is read as far as it goes."""

    code: CutCode
    missing: int | None
    """Samples that its header promises beyond those read; None where nothing says how many."""


class Recorded(NamedTuple):
    """Samples at a rate (Hz), and whether the file is whole as far as it can tell."""

    rate_hz: int
    samples: NDArray[np.int16]
    cut_short: CutShort | None


class Numbers(NamedTuple):
    """As `Recorded`, in the file's own unit."""

    rate_hz: int
    values: NDArray[np.float64]
    cut_short: CutShort | None


class _Content(NamedTuple):
    rate_hz: int | None
    values: NDArray[np.generic]
    cut_short: CutShort | None


class UnreadableRecording(Exception):
    """A file that gives no samples; `code` says why."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code: Code = code


_LOUDEST_FLOAT = 4.0
"""Floats are of full scale 1; a little beyond is a recording that was made louder, much beyond is another unit."""


def read_recording(file: Path, rate_hz: int | None = None) -> Recorded:
    """Sampling rate and samples of a file; `rate_hz` is for files that do not say theirs.

    Raises: UnreadableRecording with a code.
    """
    rate, values, cut_short = _read(file, rate_hz, "samples")
    return Recorded(rate, _as_int16(values), cut_short)


def read_numbers(file: Path, rate_hz: int | None = None, name: str = "samples") -> Numbers:
    """Sampling rate and plain numbers of a file, in the file's own unit; `name` is the array's name in an NPZ.

    Raises: UnreadableRecording with a code.
    """
    rate, values, cut_short = _read(file, rate_hz, name)
    numbers = _one_channel(values).astype(np.float64)
    if not np.isfinite(numbers).all():
        raise UnreadableRecording("not_finite", "has samples that are no numbers")
    return Numbers(rate, numbers, cut_short)


def _read(file: Path, rate_hz: int | None, name: str) -> tuple[int, NDArray[np.generic], CutShort | None]:
    readers: dict[str, Callable[[Path], _Content]] = {
        ".wav": _wav,
        ".flac": _flac,
        ".csv": _csv,
        ".npz": partial(_npz, name=name),
    }
    if file.suffix.lower() not in readers:
        raise UnreadableRecording("unknown_format", "must be .wav, .flac, .csv or .npz")
    try:
        rate, values, cut_short = readers[file.suffix.lower()](file)
    except FileNotFoundError:
        raise UnreadableRecording("not_found", "no such file") from None
    except UnreadableRecording:
        raise
    except Exception as error:
        # the libraries' readers let out many kinds of errors, struct.error and ZeroDivisionError among them
        raise UnreadableRecording("damaged", str(error)) from error
    rate = rate or rate_hz
    if not rate:
        raise UnreadableRecording("no_rate", "the file does not say its sampling rate: use --rate")
    return rate, values, cut_short


def _one_channel(values: NDArray[np.generic]) -> NDArray[np.generic]:
    if values.ndim == 2 and 1 in values.shape:
        values = values.reshape(-1)
    if values.ndim != 1:
        raise UnreadableRecording("not_one_channel", "must have one channel")
    if not values.size:
        raise UnreadableRecording("empty", "has no samples")
    if values.size > LONGEST_SAMPLES:
        raise UnreadableRecording("too_long", f"has more than {LONGEST_SAMPLES} samples: cut it into parts")
    return values


def _as_int16(values: NDArray[np.generic]) -> NDArray[np.int16]:
    """16-bit as it is; other integers by their top bits, floats from -1...1."""
    values = _one_channel(values)
    if values.dtype == np.int16:
        return np.asarray(values, dtype=np.int16)
    if values.dtype == np.uint8:
        return np.asarray((values.astype(np.int16) - 128) * 256, dtype=np.int16)
    if values.dtype.kind in "iu":
        return _from_integers(values)
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise UnreadableRecording("not_finite", "has samples that are no numbers")
    if np.abs(numbers).max() > _LOUDEST_FLOAT:
        raise UnreadableRecording("wrong_scale", "has samples with fractions far beyond -1...1: divide by full scale")
    return np.asarray(np.clip(np.round(numbers * 32767), -32768, 32767), dtype=np.int16)


def _from_integers(values: NDArray[np.generic]) -> NDArray[np.int16]:
    if values.dtype == np.int8:
        return np.asarray(values.astype(np.int16) * 256, dtype=np.int16)
    if values.dtype == np.int32:
        return np.asarray(values.astype(np.int64) >> 16, dtype=np.int16)
    wide = values.astype(np.int64)
    if wide.size and (wide.min() < -32768 or wide.max() > 32767):
        raise UnreadableRecording("damaged", "integers beyond 16 bits")
    return np.asarray(wide, dtype=np.int16)


def _wav(file: Path) -> _Content:
    import warnings

    from scipy.io import wavfile

    missing = samples_missing(file)
    with warnings.catch_warnings():
        # chunks that are no sound are no matter
        warnings.simplefilter("ignore", wavfile.WavFileWarning)
        rate, values = wavfile.read(whole_frames(file) if missing else file)
    return _Content(int(rate), np.asarray(values), CutShort("ends_early", missing) if missing else None)


def _flac(file: Path) -> _Content:
    """As far as the frames follow each other: behind a damaged one nothing says surely where a sample belongs."""
    import av

    with av.open(str(file)) as container:
        stream = container.streams.audio[0]
        if stream.channels != 1:
            raise UnreadableRecording("not_one_channel", "must have one channel")
        pieces: list[NDArray[np.generic]] = []
        read = sure = first = 0
        broken = False
        try:
            for frame in container.decode(stream):
                if frame.pts is not None:
                    first = first if pieces else frame.pts
                    if frame.pts != first + read:
                        broken = True
                        break
                    sure = len(pieces) + 1
                pieces.append(frame.to_ndarray()[0])
                read += frame.samples
        except av.FFmpegError:
            if not pieces:
                raise
        promised = stream.duration
        rate = int(stream.rate)
    values = np.concatenate(pieces[:sure] if broken else pieces)
    missing = max(0, promised - values.size) if promised else None
    if broken:
        return _Content(rate, values, CutShort("damaged_within", missing))
    return _Content(rate, values, CutShort("ends_early", missing) if missing else None)


def _csv(file: Path) -> _Content:
    """One number a line; a line `# rate_hz=4000` gives the rate; a first line of words is a heading. The last line may
    have no end: then the file may be cut within it, and what is no number there is left out.
    """
    rate: int | None = None
    numbers: list[float] = []
    text = file.read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    is_open = bool(lines) and text[-1] not in "\r\n" and not lines[-1].lstrip().startswith("#")
    for count, raw in enumerate(lines):
        line = raw.strip().rstrip(",;")
        if line.startswith("#"):
            if "rate_hz=" in line:
                rate = int(line.split("rate_hz=")[1])
        elif line:
            try:
                numbers.append(float(line))
            except ValueError:
                if count and numbers and not (is_open and count == len(lines) - 1):
                    raise ValueError(f"line {count + 1} is no number") from None
    values = np.array(numbers)
    whole = values.size > 0 and bool(np.all(np.isfinite(values)) and np.all(values == np.round(values)))
    open_end = CutShort("last_line_open", None) if is_open else None
    return _Content(rate, values.astype(np.int64) if whole else values, open_end)


def _npz(file: Path, name: str) -> _Content:
    """The array of that name (or the only one that is not a single number) and the number `rate_hz` or `fs`.

    32-bit integers that fit into 16 bits are such, not the top bits of a sound that nobody could hear.
    """
    with np.load(file, allow_pickle=False) as stored:
        rate = next((_whole_rate(stored[name]) for name in ("rate_hz", "fs") if name in stored.files), None)
        lists = [name for name in stored.files if stored[name].ndim]
        if name not in lists and len(lists) != 1:
            raise ValueError(f"must hold an array called {name}")
        values = np.asarray(stored[name if name in lists else lists[0]])
    if values.dtype.kind not in "iufb":
        raise ValueError(f"must hold plain numbers, not {values.dtype}")
    if values.dtype == np.int32 and values.size and values.min() >= -32768 and values.max() <= 32767:
        values = values.astype(np.int16)
    return _Content(rate, values, None)


def _whole_rate(stored: NDArray[np.generic]) -> int:
    """Cut to a whole number, every time and rate that follows from it would be wrong."""
    rate = float(stored.item())
    if rate != round(rate):
        raise ValueError(f"a sampling rate of {rate} Hz is not whole: resample it")
    return round(rate)
