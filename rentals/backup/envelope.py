"""Bytes that only a key or a passphrase opens.

The file begins with two lines in clear: what it is, and how its key is made. Then frames of at most 1 MiB follow, each
encrypted and authenticated by AES-256-GCM under a key of this file alone, with its number as nonce. The last frame says
that it is the last. So a file that was cut, changed or put together from two is noticed.
"""

from __future__ import annotations

import base64
import io
import json
import secrets
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

_MAGIC: Final = b"TURNKEY BACKUP "
_FORMAT: Final = 1
_FRAME: Final = 1 << 20
_TAG: Final = 16
_SIZE: Final = struct.Struct(">I")
#: RFC 7914, about 128 MB of memory for one guess.
_SCRYPT: Final = {"n": 1 << 17, "r": 8, "p": 1}
#: A passphrase with fewer characters is refused for a new backup.
LEAST_PASSPHRASE: Final = 12


class BackupError(Exception):
    """A backup cannot be made or used; the message says why and what to do, without secrets."""


class WrongKeyError(BackupError):
    """The file opens with none of the keys that were tried."""


class DamagedError(BackupError):
    """The file is not what was written."""

    def __init__(self) -> None:
        super().__init__("The file is damaged or not complete. Nothing was changed. Take another copy of it.")


class Sealed(io.RawIOBase):
    """Writes frames to `file`. Only `close` writes the last one: without it nobody takes the file for complete."""

    def __init__(self, file: BinaryIO, *, field_key: str = "", passphrase: str = "") -> None:
        super().__init__()
        salt = secrets.token_bytes(16)
        kind = {"key": "passphrase", **_SCRYPT} if passphrase else {"key": "field"}
        header = json.dumps({**kind, "salt": base64.b64encode(salt).decode()}).encode()
        key = _from_passphrase(passphrase, salt, _SCRYPT) if passphrase else _from_field_key(field_key, salt)
        self._file, self._header, self._cipher = file, header, AESGCM(key)
        self._waiting, self._number = bytearray(), 0
        file.write(_MAGIC + str(_FORMAT).encode() + b"\n" + header + b"\n")
        self._frame(b"")  # tells a wrong key from a damaged file

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(memoryview(data))  # type: ignore[arg-type]  # whatever has a buffer
        self._waiting += piece
        while len(self._waiting) > _FRAME:
            self._frame(bytes(self._waiting[:_FRAME]))
            del self._waiting[:_FRAME]
        return len(piece)

    def finish(self) -> None:
        """Everything was written."""
        self._frame(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _frame(self, content: bytes, *, is_last: bool = False) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number, is_last=is_last), content, self._header)
        self._file.write(_SIZE.pack(len(sealed)) + sealed)
        self._number += 1


class Opened(io.RawIOBase):
    """Reads what `Sealed` wrote. Raises `WrongKeyError` at once, and `DamagedError` when it comes to such a place."""

    def __init__(self, file: BinaryIO, *, field_keys: Iterable[str] = (), passphrase: str = "") -> None:
        super().__init__()
        self._header, about = _read_header(file)
        self._file, self._number, self._ended, self._rest = file, 1, False, b""
        self._cipher = self._find_key(_read_frame(file), about, field_keys, passphrase)

    def _find_key(self, probe: bytes, about: dict[str, object], field_keys: Iterable[str], passphrase: str) -> AESGCM:
        for key in _candidates(about, field_keys, passphrase):
            cipher = AESGCM(key)
            try:
                cipher.decrypt(_nonce(0, is_last=False), probe, self._header)
            except InvalidTag:
                continue
            return cipher
        if about["key"] == "passphrase":
            raise WrongKeyError("This is not the passphrase of the backup. Nothing was changed.")
        raise WrongKeyError(
            "The backup opens with none of the keys of FIELD_ENCRYPTION_KEYS. Nothing was changed. Add the first key "
            "of the installation that made it; the codes in it cannot be read without that key either."
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # whatever has a buffer
        while not self._rest and not self._ended:
            self._rest = self._next()
        piece, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(piece)] = piece
        return len(piece)

    def _next(self) -> bytes:
        sealed = _read_frame(self._file)
        for is_last in (False, True):
            try:
                content = self._cipher.decrypt(_nonce(self._number, is_last=is_last), sealed, self._header)
            except InvalidTag:
                continue
            self._number += 1
            self._ended = is_last
            if is_last and self._file.read(1):
                raise DamagedError
            return content
        raise DamagedError


def needs_passphrase(file: BinaryIO) -> bool:
    """Whether a file was made with a passphrase. Reads its beginning. Raises `BackupError` when it is no backup."""
    return _read_header(file)[1]["key"] == "passphrase"


def _read_header(file: BinaryIO) -> tuple[bytes, dict[str, object]]:
    first = file.readline(200)
    number = first.removeprefix(_MAGIC).strip()
    if not first.startswith(_MAGIC) or not number.isdigit():
        raise BackupError("This is not a backup of Turnkey.")
    if int(number) > _FORMAT:
        raise BackupError("A newer version of Turnkey made this backup. Install that version, then restore it.")
    header = file.readline(1000).rstrip(b"\n")
    try:
        about = json.loads(header)
        base64.b64decode(about["salt"], validate=True)
        if about["key"] not in ("field", "passphrase"):
            raise DamagedError
        if about["key"] == "passphrase" and any(about[name] != value for name, value in _SCRYPT.items()):
            raise DamagedError  # a forged file must not choose how much memory we take
    except (ValueError, KeyError, TypeError):
        raise DamagedError from None
    return header, about


def _read_frame(file: BinaryIO) -> bytes:
    size = file.read(_SIZE.size)
    if len(size) != _SIZE.size:
        raise DamagedError
    (length,) = _SIZE.unpack(size)
    sealed = file.read(length) if _TAG <= length <= _FRAME + _TAG else b""
    if len(sealed) != length:
        raise DamagedError
    return sealed


def _candidates(about: dict[str, object], field_keys: Iterable[str], passphrase: str) -> Iterator[bytes]:
    salt = base64.b64decode(str(about["salt"]))
    if about["key"] == "passphrase":
        if not passphrase:
            raise WrongKeyError("The backup was made with a passphrase. Name its file: --passphrase-file FILE")
        yield _from_passphrase(passphrase, salt, _SCRYPT)
        return
    for key in field_keys:
        yield _from_field_key(key, salt)


def _from_field_key(key: str, salt: bytes) -> bytes:
    raw = base64.urlsafe_b64decode(key)
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"turnkey backup").derive(raw)


def _from_passphrase(passphrase: str, salt: bytes, costs: dict[str, int]) -> bytes:
    return Scrypt(salt=salt, length=32, **costs).derive(passphrase.encode("utf-8"))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if is_last else b"\0")
