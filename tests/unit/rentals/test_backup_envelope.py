"""The envelope of a backup: what opens it, and what is noticed."""

from __future__ import annotations

import io

import pytest
from cryptography.fernet import Fernet

from rentals.backup.envelope import BackupError, DamagedError, Opened, Sealed, WrongKeyError

KEY, OTHER = Fernet.generate_key().decode(), Fernet.generate_key().decode()
PASSPHRASE = "a long enough sentence"
LONG = bytes(range(256)) * 10_000  # three frames


def sealed(content: bytes, **key: str) -> bytes:
    file = io.BytesIO()
    writer = Sealed(file, **(key or {"field_key": KEY}))
    writer.write(content)
    writer.finish()
    return file.getvalue()


def opened(content: bytes, keys: tuple[str, ...] = (KEY,), passphrase: str = "") -> bytes:
    reader = Opened(io.BytesIO(content), field_keys=keys, passphrase=passphrase)
    return io.BufferedReader(reader).read()


@pytest.mark.parametrize("content", [b"", b"x", LONG], ids=["nothing", "little", "much"])
def test_what_was_written_comes_back(content: bytes) -> None:
    made = sealed(content)
    assert opened(made) == content
    assert content == b"" or content[:200] not in made or len(content) == 1


def test_any_of_the_keys_opens_it() -> None:
    assert opened(sealed(b"rows"), (OTHER, KEY)) == b"rows"


def test_a_passphrase_opens_it_and_nothing_else_does() -> None:
    made = sealed(b"rows", passphrase=PASSPHRASE)
    assert opened(made, (), PASSPHRASE) == b"rows"
    for passphrase in ("", "another long sentence"):
        with pytest.raises(WrongKeyError):
            opened(made, (KEY,), passphrase)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(WrongKeyError, match="none of the keys"):
        opened(sealed(b"rows"), (OTHER,))


def test_each_byte_counts() -> None:
    made = sealed(b"some rows")
    for place in range(made.index(b"\n") + 1, len(made)):
        changed = bytearray(made)
        changed[place] ^= 1
        with pytest.raises(BackupError):
            opened(bytes(changed))


def test_each_cut_is_noticed_and_so_is_more() -> None:
    made = sealed(LONG)
    for length in (*range(0, 300, 7), 1 << 20, len(made) - 1):
        with pytest.raises(BackupError):
            opened(made[:length])
    with pytest.raises(DamagedError):
        opened(made + b"x")


def test_a_file_without_its_end_is_not_complete() -> None:
    file = io.BytesIO()
    Sealed(file, field_key=KEY).write(LONG)
    with pytest.raises(DamagedError):
        opened(file.getvalue())


def test_frames_of_two_files_do_not_mix() -> None:
    one, two = sealed(LONG), sealed(LONG)
    half = len(one) // 2
    with pytest.raises(DamagedError):
        opened(one[:half] + two[half:])


def test_a_newer_form_is_named() -> None:
    with pytest.raises(BackupError, match="newer version"):
        opened(sealed(b"rows").replace(b"BACKUP 1", b"BACKUP 2", 1))


def test_something_else_is_no_backup() -> None:
    with pytest.raises(BackupError, match="not a backup of Turnkey"):
        opened(b"SQLite format 3\0")
