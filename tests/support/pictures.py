"""Pictures as telephones make them, and as somebody with bad intentions does."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image
from PIL.PngImagePlugin import PngInfo

#: What a camera writes into a picture, in the words of the test.
MAKER, COMMENT, PLACE = "h1dden-camera", "h1dden-comment", "h1dden-place"
_MAKE, _ORIENTATION, _GPS = 0x010F, 0x0112, 0x8825
_TURNED_RIGHT = 6


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 30), colour: str = "red", mode: str = "RGB") -> bytes:
    """One of one colour. A JPEG lies on its side, as telephones store it, and says so."""
    image = Image.new(mode, size, colour)
    exif = Image.Exif()
    exif[_MAKE] = MAKER
    if kind == "JPEG":
        exif[_ORIENTATION] = _TURNED_RIGHT
    exif.get_ifd(_GPS)[29] = PLACE  # GPSDateStamp, which is text
    target = io.BytesIO()
    if kind == "PNG":
        notes = PngInfo()
        notes.add_text("Comment", COMMENT)
        image.save(target, kind, exif=exif, pnginfo=notes)
    elif kind == "JPEG":
        image.save(target, kind, exif=exif, comment=COMMENT.encode(), icc_profile=b"h1dden-profile" * 20)
    else:
        image.save(target, kind, exif=exif)
    return target.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of some bytes that says it is so large."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
