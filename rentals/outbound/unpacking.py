"""Unpacks what a server sends, chunk by chunk, and never more than the caller wants. Pure."""

from __future__ import annotations

import zlib


class Unpacker:
    """Undoes one Content-Encoding that we offered (RFC 9110, 8.4.1): gzip, in one or more members, or deflate, with or
    without the zlib header that some servers leave out."""

    MOST_MEMBERS = 100

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        self._wbits = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(encoding, 0)
        self._plain = encoding in ("", "identity")
        self._inner = zlib.decompressobj(self._wbits or 31)
        self._members = 0
        self._begun = False
        #: Nothing more will come of it: an encoding that we did not offer, or damage.
        self.broken = not self._plain and not self._wbits

    @property
    def at_end(self) -> bool:
        return self._plain or self._inner.eof

    def feed(self, chunk: bytes, most: int) -> bytes:
        """What the next bytes unpack to, at most `most` bytes (1 or more) of it; the rest is lost."""
        if self._plain or self.broken:
            return chunk if self._plain else b""
        try:
            return self._unpack(chunk, most)
        except zlib.error:
            self.broken = True
            return b""

    def _unpack(self, chunk: bytes, most: int) -> bytes:
        out = b""
        while chunk and len(out) < most:
            if self._inner.eof:
                if self._wbits != 31 or chunk[:1] != b"\x1f" or self._members >= self.MOST_MEMBERS:
                    break  # padding after the end
                self._inner = zlib.decompressobj(self._wbits)
                self._members += 1
            try:
                out += self._inner.decompress(chunk, most - len(out))
            except zlib.error:
                if self._begun or self._wbits != 15:
                    raise
                self._wbits = -15
                self._inner = zlib.decompressobj(self._wbits)
                continue
            finally:
                self._begun = True
            chunk = self._inner.unused_data
        return out
