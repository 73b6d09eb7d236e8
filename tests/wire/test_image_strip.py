import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_wire.image_strip import PNG_SIGNATURE, NotAnImage, strip

SECRET = b"62.4876N 17.3273E CameraSerial"


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def exif(orientation: int = 6, order: str = ">") -> bytes:
    head = {">": b"MM\0*", "<": b"II*\0"}[order]
    tiff = head + struct.pack(f"{order}IH", 8, 2)
    tiff += struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(f"{order}HHII", 0x8825, 4, 1, 99)
    return b"Exif\0\0" + tiff + struct.pack(f"{order}I", 0) + SECRET


SOF = segment(0xC0, b"\x08" + struct.pack(">HH", 48, 64) + b"\x01\x01\x11\0")
SCAN = segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\x12\xff\x00\x34\xff\xd0\x56"


def jpeg(*extra: bytes, tail: bytes = b"") -> bytes:
    return b"\xff\xd8" + b"".join(extra) + segment(0xDB, b"\0" * 65) + SOF + SCAN + b"\xff\xd9" + tail


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*extra: bytes, width: int = 64, height: int = 48) -> bytes:
    head = chunk(b"IHDR", struct.pack(">II", width, height) + b"\x08\x00\0\0\0")
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * (65 * 48)))
    return PNG_SIGNATURE + head + b"".join(extra) + pixels + chunk(b"IEND", b"")


def test_jpeg_keeps_the_picture_and_nothing_else() -> None:
    jfif = segment(0xE0, b"JFIF\0\x01\x02\0\0\x48\0\x48\x01\x01" + b"thumb")
    hidden = [segment(0xE1, exif(1)), segment(0xE2, SECRET), segment(0xED, SECRET), segment(0xFE, SECRET)]
    image = strip(jpeg(jfif, *hidden, tail=SECRET))
    assert (image.media_type, image.width, image.height) == ("image/jpeg", 64, 48)
    assert SECRET not in image.content
    assert b"thumb" not in image.content
    assert image.content == jpeg(segment(0xE0, b"JFIF\0\x01\x02\0\0\x48\0\x48\0\0"))
    assert strip(image.content) == image


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_way_up_is_kept(order: str) -> None:
    image = strip(jpeg(segment(0xE1, exif(6, order))))
    assert SECRET not in image.content
    assert image.content.count(b"Exif") == 1
    assert struct.pack(">HHIH", 0x0112, 3, 1, 6) in image.content
    assert strip(image.content).content == image.content


def test_adobe_colours_stay() -> None:
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01")
    assert adobe in strip(jpeg(adobe)).content


def test_png_keeps_the_picture_and_nothing_else() -> None:
    hidden = [chunk(kind, SECRET) for kind in (b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"tIME", b"prVt")]
    image = strip(png(*hidden) + SECRET)
    assert (image.media_type, image.width, image.height) == ("image/png", 64, 48)
    assert image.content == png()


DAMAGED = [
    jpeg()[:-1],
    jpeg()[:40],
    jpeg(segment(0xE1, b"x")[:-1] + b""),
    b"\xff\xd8\xff\xd9",
    b"\xff\xd8\xff",
    png()[:-4],
    png().replace(b"IDAT", b"IDAX"),
    PNG_SIGNATURE + chunk(b"IEND", b""),
    PNG_SIGNATURE,
]


@pytest.mark.parametrize("data", DAMAGED)
def test_damage_is_refused(data: bytes) -> None:
    with pytest.raises(NotAnImage) as refused:
        strip(data)
    assert refused.value.code == "image_damaged"


@pytest.mark.parametrize("data", [png(width=30_000), png(width=15_000, height=15_000)])
def test_a_bomb_is_refused(data: bytes) -> None:
    with pytest.raises(NotAnImage) as refused:
        strip(data)
    assert refused.value.code == "too_large"


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7"])
def test_other_kinds_are_refused(data: bytes) -> None:
    with pytest.raises(NotAnImage) as refused:
        strip(data)
    assert refused.value.code == "not_an_image"


@given(data=st.binary(max_size=400), start=st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xe1", PNG_SIGNATURE]))
def test_any_bytes_are_stripped_or_refused(data: bytes, start: bytes) -> None:
    try:
        image = strip(start + data)
    except NotAnImage:
        return
    assert strip(image.content) == image


@given(st.data())
def test_any_change_of_a_real_one_is_stripped_or_refused(data) -> None:
    whole = bytearray(data.draw(st.sampled_from([jpeg(segment(0xE1, exif())), png(chunk(b"tEXt", b"a"))])))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = strip(bytes(whole))
    except NotAnImage:
        return
    assert strip(image.content) == image


@given(body=st.binary(min_size=30, max_size=200), marker=st.integers(0xE1, 0xEF))
def test_no_metadata_segment_comes_through(body: bytes, marker: int) -> None:
    assert strip(jpeg(segment(marker, b"\x80" + body))).content == jpeg()
