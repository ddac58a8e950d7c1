"""The reference in a PIN's alias: how we recognise our own PINs on a lock.

Six characters of Crockford's base 32 (no I, L, O, U): four random ones and two of a keyed checksum. The checksum lets
us tell a stray of ours from a foreign PIN even when the database was restored from before the stray was made. Only
the reference identifies; the name and the dates beside it are for people.
"""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_LENGTH = 4
CHECK_LENGTH = 2
LENGTH = RANDOM_LENGTH + CHECK_LENGTH
ALIAS_LENGTH = 30  # the API's own limit is not documented
SHORT_LENGTH = 16  # after a refusal for the alias's length
LEAST_ALIKE = 8
LONGEST_FOREIGN = 60
NAMELESS = "Guest"
NAMELESS_STAFF = "Staff"
SPARE = "Spare code"
STRAY = "Made by Turnkey, but no longer known here"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TRAILING = re.compile(rf"#([0-9A-Za-z]{{{LENGTH}}})\s*\Z", re.ASCII)
_LEADING = re.compile(rf"\A\s*#([0-9A-Za-z]{{{LENGTH}}})(?![0-9A-Za-z])", re.ASCII)
_CODE_LIKE = re.compile(r"(?<!\d)\d{5,8}(?!\d)")  # people write the code of a PIN into its name
_LOOKALIKES = str.maketrans("ILO", "110")  # as Crockford decodes what people mistype


def new_reference(key: bytes, *, randbelow: Callable[[int], int] = secrets.randbelow) -> str:
    """A fresh reference; `key` is the installation's. Two may be equal, so a unique constraint must decide."""
    drawn = "".join(ALPHABET[randbelow(len(ALPHABET))] for _ in range(RANDOM_LENGTH))
    return drawn + _checksum(drawn, key)


def is_ours(reference: str, key: bytes) -> bool:
    """Whether we made this reference with this key. By chance, one foreign text in 1,024 of the right form passes."""
    canonical = _canonical(reference)
    if canonical is None:
        return False
    return hmac.compare_digest(canonical[RANDOM_LENGTH:], _checksum(canonical[:RANDOM_LENGTH], key))


@dataclass(frozen=True)
class AliasForm:
    """How an account's cloud wants aliases, so that they come back as they were sent. Stored as text."""

    length: int = ALIAS_LENGTH  # at most so many characters
    reference_first: bool = False  # what is cut off is cut from the end

    @classmethod
    def parse(cls, text: str) -> AliasForm:
        """From `20` or `20,first`; anything else means the usual form."""
        number, _, order = text.partition(",")
        if not (number.isascii() and number.isdigit()):
            return cls()
        return cls(max(int(number), LENGTH + 1), order == "first")

    def __str__(self) -> str:
        return f"{self.length},first" if self.reference_first else str(self.length)

    def shorter(self) -> AliasForm:
        """For a cloud that refused an alias for its length."""
        return AliasForm(min(self.length, SHORT_LENGTH), reference_first=True)


USUAL_FORM: Final = AliasForm()


def form_learned(sent: str, shown: str) -> AliasForm | None:
    """What an alias that was read back teaches; `None`: it came back as it was sent.

    One that was cut tells the length. One that was changed in another way (`#` or spaces gone, capitals) keeps its
    reference safest at the beginning.
    """
    if shown == sent:
        return None
    cut = len(shown) if shown and sent.startswith(shown) else ALIAS_LENGTH
    return AliasForm(max(cut, LENGTH + 1), reference_first=True)


def may_be(listed: str, sent: str, reference: str) -> bool:
    """May a listed alias be the one that we sent, changed by the cloud: cut, in capitals, or without `#` or spaces?

    Only a reason to read that PIN: its value and period decide. Eight characters or more must agree.
    """
    seen, ours = _bare(listed), _bare(sent)
    if reference and reference in seen:
        return True
    return len(seen) >= LEAST_ALIKE and ours.startswith(seen)


def full_length(alias: str) -> str:
    """The same alias with filling between name and dates, so that it is as long as any can be: the first one of an
    account shows whether the cloud keeps that many characters."""
    name, space, rest = alias.partition(" ")
    units = len(alias.encode("utf-16-le")) // 2
    return name + "." * max(0, ALIAS_LENGTH - units) + space + rest


def alias_text(name: str, starts: date, ends: date, reference: str, form: AliasForm = USUAL_FORM) -> str:
    """What the owner sees in the Tedee app: `Guest 03-08 Mar #7F3K2Q`, at most 30 characters.

    Only the first word of the name is used. Control, direction-changing and other invisible characters and `#` are
    dropped, so that a name can neither hide nor forge a reference. The limit holds in code points and in UTF-16 units,
    because nobody documents which of them the server counts. A form that puts the reference first, `#7F3K2Q Guest
    03-08 Mar`, is cut at its end, so that the reference stays.
    """
    return _laid_out(_first_name(name), f" {_span(starts, ends)}", reference, form)


def staff_alias(name: str, reference: str, form: AliasForm = USUAL_FORM) -> str:
    """The same for somebody who works there: the whole name and no dates, `Maria Kowalska #7F3K2Q`."""
    return _laid_out(" ".join(_seen(name).replace("#", "").split()) or NAMELESS_STAFF, "", reference, form)


def spare_alias(reference: str, form: AliasForm = USUAL_FORM) -> str:
    """The same for a spare code, also when a guest has it: `Spare code #7F3K2Q`."""
    return _laid_out(SPARE, "", reference, form)


def _laid_out(name: str, said: str, reference: str, form: AliasForm) -> str:
    if form.reference_first:
        return _shortened(f"#{reference} {name}{said}", form.length).rstrip()
    tail = f"{said} #{reference}"
    return _shortened(name, form.length - len(tail)).rstrip() + tail


def reference_in(alias: str) -> str | None:
    """The reference at the end or the beginning of an alias, in canonical form, None when there is none.

    Tolerates lower case, look-alike letters and trailing white space, in case the alias was retyped in the app.
    """
    found = _TRAILING.search(alias) or _LEADING.search(alias)
    return _canonical(found.group(1)) if found else None


def same_but_reference(one: str, other: str) -> bool:
    """Do two aliases of ours say the same name and dates?"""
    said = [_bare(_LEADING.sub("", _TRAILING.sub("", alias))) for alias in (one, other)]
    return bool(said[0]) and said[0] == said[1]


def foreign_name(alias: str, key: bytes = b"") -> str:
    """The name of a PIN that belongs to no grant of ours, as one line for people.

    A foreign alias loses its invisible characters and anything that may be a code (5 to 8 digits). A PIN of ours that
    a restored backup does not know shows only its reference, because its name is a guest's; without a `key`, none is
    taken for such a one.
    """
    reference = reference_in(alias)
    if key and reference is not None and is_ours(reference, key):
        return f"{STRAY} (#{reference})"
    return _CODE_LIKE.sub("\N{BULLET}" * 4, " ".join(_seen(alias).split()))[:LONGEST_FOREIGN].rstrip()


def _bare(alias: str) -> str:
    """Only letters and digits, in capitals: what survives every change of form."""
    return "".join(mark for mark in alias.upper() if mark.isalnum())


def _canonical(reference: str) -> str | None:
    if len(reference) != LENGTH or not reference.isascii():
        return None
    text = reference.upper().translate(_LOOKALIKES)
    return text if set(text) <= set(ALPHABET) else None


def _checksum(drawn: str, key: bytes) -> str:
    digest = hmac.digest(key, b"alias reference " + drawn.encode("ascii"), "sha256")
    number = int.from_bytes(digest[:4], "big")
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(CHECK_LENGTH))


def _span(starts: date, ends: date) -> str:
    """`03-08 Mar`, or `28 Feb-03 Mar`. English on every server: an alias must not change with the locale."""
    if (starts.year, starts.month) == (ends.year, ends.month):
        return f"{starts.day:02d}-{ends.day:02d} {_MONTHS[ends.month - 1]}"
    return f"{starts.day:02d} {_MONTHS[starts.month - 1]}-{ends.day:02d} {_MONTHS[ends.month - 1]}"


def _first_name(name: str) -> str:
    """The first word with a letter or digit in it, without invisible characters."""
    for word in _seen(name).replace("#", "").split():
        trimmed = word.strip(",;:.!?()[]\"'")
        if any(mark.isalnum() for mark in trimmed):
            return trimmed
    return NAMELESS


def _seen(text: str) -> str:
    """Without control, direction-changing and other invisible characters; any white space is a space."""
    spaced = "".join(" " if mark.isspace() else mark for mark in unicodedata.normalize("NFC", text))
    return "".join(mark for mark in spaced if mark.isprintable())


def _shortened(text: str, units: int) -> str:
    """The longest beginning that fits into so many UTF-16 units; characters are never cut in half."""
    kept: list[str] = []
    for mark in text:
        units -= 2 if ord(mark) > 0xFFFF else 1
        if units < 0:
            break
        kept.append(mark)
    return "".join(kept)
