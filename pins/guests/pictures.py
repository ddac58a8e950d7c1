"""Pictures that hosts upload, written anew: without the place, the time and the camera that telephones put into them,
and small enough for a telephone."""

from __future__ import annotations

import io
from typing import Final

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

#: What a host may upload. Whatever it is, it is stored as JPEG.
FORMATS: Final = ("JPEG", "PNG", "WEBP")
CONTENT_TYPE: Final = "image/jpeg"
#: Bytes of an upload; the web server takes eight megabytes in all.
LARGEST: Final = 6_000_000
#: A picture is decoded in memory, four bytes for each point. Telephones make up to 50 million.
MOST_POINTS: Final = 50_000_000
#: Points of the longer side, as it is stored.
LONGEST_SIDE: Final = 1600
_QUALITY: Final = 85


class BadPictureError(ValueError):
    """The picture is refused. The text says what to do."""


def written_anew(data: bytes) -> bytes:
    """The picture as JPEG, upright, with nothing in it but its points. Raises BadPictureError."""
    if len(data) > LARGEST:
        raise BadPictureError(_("The picture has more than 6 MB. Make it smaller; 1600 points are enough."))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MOST_POINTS:
                raise _too_many_points()
            return _jpeg(picture)
    except BadPictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_points() from None
    except Exception as error:
        # Whatever a decoder meets in a file that somebody made up, it is no picture.
        raise BadPictureError(_("This is no JPEG, PNG or WebP picture, or it is damaged.")) from error


def _too_many_points() -> BadPictureError:
    return BadPictureError(_("The picture has more than 50 million points. Make it smaller; 1600 by 1200 are enough."))


def _jpeg(picture: Image.Image) -> bytes:
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))  # of a JPEG, only as much is decoded as that needs
    upright = ImageOps.exif_transpose(picture)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright)
    # A new image takes the points alone; a converted one would take comments and profiles with it.
    plain = Image.new("RGB", upright.size)
    plain.paste(upright.convert("RGB"))
    target = io.BytesIO()
    plain.save(target, "JPEG", quality=_QUALITY, optimize=True)
    return target.getvalue()
