"""Open Auscultation Stream: what its four characteristics say. Apart from the others because it needs numpy."""

from carebag_devices.codecs.auscultation import RATES_HZ, AudioFrame, Digest, Format, Info
from carebag_devices.codecs.auscultation_control import parse_command, parse_indication
from carebag_devices.decoding.model import Decoded, Part, count, decoded, none, number, word


def audio(raw: bytes) -> Decoded:
    said = AudioFrame.parse(raw)
    samples = said.samples
    flags = {
        "overrun": said.overrun,
        "clipped": said.clipped,
        "no_contact": said.no_contact,
        "retransmitted": said.retransmitted,
    }
    parts = (
        count("sequence", said.seq),
        count("first_sample", said.first_sample),
        word("format", said.fmt.name.lower()),
        count("samples", said.count),
        count("lowest", int(samples.min())),
        count("highest", int(samples.max())),
    )
    return decoded("sound_frame", parts, None, (code for code, is_set in flags.items() if is_set))


def digest(raw: bytes) -> Decoded:
    said = Digest.parse(raw)
    first = count("first_sample", said.first_sample)
    return decoded("sound_digest", (first, count("samples", said.samples), word("crc32c", f"{said.crc:08x}")))


def info(raw: bytes) -> Decoded:
    said = Info.parse(raw)
    parts = [
        count("version", said.version),
        *(count("rate", rate, "Hz") for bit, rate in enumerate(RATES_HZ) if said.rates >> bit & 1),
        *(word("format", fmt.name.lower()) for fmt in Format if said.formats >> fmt & 1),
        count("sample_bits", said.bits, "bit"),
        count("ring_frames", said.ring_frames),
        number("full_scale", said.full_scale, "Pa")
        if said.full_scale
        else none("full_scale", "Pa", "full_scale: the stethoscope does not know it"),
    ]
    return decoded("stethoscope_info", parts)


def control(raw: bytes) -> Decoded:
    """What the kit writes, or what the stethoscope indicates (first byte 0x80 and above)."""
    if raw and raw[0] >= 0x80:
        said: object = parse_indication(raw)
        return decoded("stethoscope_indication", _fields(said))
    return decoded("stethoscope_command", _fields(parse_command(raw)))


def _fields(said: object) -> list[Part]:
    """Name and fields, as the dataclass has them."""
    parts = [word("operation", type(said).__name__.lower())]
    for name, value in vars(said).items():
        if isinstance(value, bytes):
            parts.append(word(name, value.hex()))
        elif isinstance(value, int):
            parts.append(count(name, value))
        else:
            parts += _fields(value)
    return parts
