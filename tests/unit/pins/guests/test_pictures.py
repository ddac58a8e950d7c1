"""Uploaded pictures: nothing of the camera stays, and what is hostile is refused."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image

from pins.guests import pictures
from pins.guests.pictures import BadPictureError, written_anew
from tests.support.pictures import bomb, picture


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("kind", pictures.FORMATS)
def test_nothing_but_its_points_stays(kind: str) -> None:
    given = picture(kind)
    assert b"h1dden" in given
    stored = written_anew(given)
    assert b"h1dden" not in stored
    image = opened(stored)
    assert image.format == "JPEG"
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_it_stands_upright_without_the_mark_that_says_so() -> None:
    assert opened(written_anew(picture(size=(40, 30)))).size == (30, 40)


def test_it_becomes_as_small_as_a_telephone_needs() -> None:
    assert opened(written_anew(picture("PNG", size=(3200, 200)))).size == (pictures.LONGEST_SIDE, 100)
    assert opened(written_anew(picture("PNG", size=(20, 10)))).size == (20, 10)


@pytest.mark.parametrize(
    ("mode", "colour"), [("RGBA", "#ff000000"), ("LA", "#00000000"), ("P", "white"), ("1", "white")]
)
def test_what_is_transparent_becomes_white(mode: str, colour: str) -> None:
    image = opened(written_anew(picture("PNG", colour=colour, mode=mode)))
    assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    "size",
    [(7_100, 7_100), (10_000, 10_000), (60_000, 60_000)],  # ours; where Pillow warns; where it refuses
)
def test_a_bomb_is_refused_by_what_it_says_of_itself(size: tuple[int, int]) -> None:
    with pytest.raises(BadPictureError, match="50 million"):
        written_anew(bomb(*size))


def damaged() -> list[bytes]:
    whole, die = picture("PNG", size=(200, 200)), random.Random(5)
    cut = [picture(kind, size=(200, 200))[:-300] for kind in pictures.FORMATS]
    bits = []
    for _ in range(30):
        one = bytearray(whole)
        one[die.randrange(8, len(one))] ^= 1 << die.randrange(8)
        bits.append(bytes(one))
    return [*cut, *bits, bomb(10, 10)]


def test_what_is_damaged_is_refused_or_read_and_never_a_fault() -> None:
    refused = 0
    for data in damaged():
        try:
            assert opened(written_anew(data)).size
        except BadPictureError:
            refused += 1
    assert refused >= 10


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg onload='x'>", b"GIF89a", b"%PDF-1.7", b"%!PS-Adobe-3.0 EPSF-3.0", b"\xff\xd8\xff", b"RIFF0000WEBP"],
)
def test_nothing_else_is_even_looked_at(data: bytes) -> None:
    with pytest.raises(BadPictureError, match="no JPEG, PNG or WebP"):
        written_anew(data)


def test_other_formats_that_the_library_knows_are_refused() -> None:
    with pytest.raises(BadPictureError, match="no JPEG, PNG or WebP"):
        written_anew(picture("TIFF"))


def test_too_many_bytes() -> None:
    with pytest.raises(BadPictureError, match="6 MB"):
        written_anew(b"0" * (pictures.LARGEST + 1))
