"""Pictures that hosts upload. Pure: what a file is, by its first bytes and not by its name."""

from __future__ import annotations

from typing import Final

_SIGNS: Final = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))


def content_type(data: bytes) -> str:
    """The type of a picture that browsers show; empty for anything else, such as SVG, which may hold scripts."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for sign, kind in _SIGNS if data.startswith(sign)), "")
