"""How much smaller recordings become as Rice frames, and what a frame costs this machine, as JSON.

    python devices/bench/rice_compression.py FOLDER_OF_WAV [--seconds 10] [--samples 118]

Every frame is decoded again and compared with what went in. `bit_rate_percent` includes the frames' headers.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from carebag_devices.codecs import rice

HEADER = 8


def measure(sounds: list[NDArray[np.int16]], size: int) -> dict[str, Any]:
    frames = [sound[at : at + size] for sound in sounds for at in range(0, len(sound) - size + 1, size)]
    begun = time.process_time()
    coded = [rice.encode(frame) for frame in frames]
    encoded = time.process_time()
    back = [rice.decode(one, size) for one in coded if one is not None]
    decoded = time.process_time()
    packed = [(frame, one) for frame, one in zip(frames, coded, strict=True) if one is not None]
    assert all((frame == again).all() for (frame, _), again in zip(packed, back, strict=True))
    octets = [HEADER + (2 * size if one is None else len(one)) for one in coded]
    plain = HEADER + 2 * size
    return {
        "samples_per_frame": size,
        "frames": len(frames),
        "payload_ratio": round((plain - HEADER) * len(frames) / (sum(octets) - HEADER * len(frames)), 2),
        "bit_rate_percent": round(100 * sum(octets) / (plain * len(frames)), 1),
        "longest_frame": max(octets),
        "sent_as_pcm16": len(frames) - len(packed),
        "encode_us": round(1e6 * (encoded - begun) / len(frames)),
        "decode_us": round(1e6 * (decoded - encoded) / max(1, len(packed))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Rice compression of recordings")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each recording")
    parser.add_argument("--samples", type=int, default=118, help="in a frame, 1 to 255")
    args = parser.parse_args()
    sounds, rates = [], set()
    for path in sorted(args.folder.rglob("*.wav")):
        rate_hz, samples = wavfile.read(path)
        rates.add(int(rate_hz))
        sounds.append(samples[: int(args.seconds * rate_hz)].astype(np.int16))
    if not sounds:
        raise SystemExit("no WAV file there")
    figures = {"recordings": len(sounds), "rates_hz": sorted(rates), **measure(sounds, args.samples)}
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
