from __future__ import annotations

import traceback

import pytest

from pins.tedee.auth import BearerToken, PersonalKey, for_kind
from pins.tedee.errors import Unauthorized

CANARY = "k3y-canary-7781"


def test_headers() -> None:
    assert for_kind("personal_key", "abc.DEF-1").header() == "PersonalKey abc.DEF-1"
    assert for_kind("oauth", "eyJ.a.b").header() == "Bearer eyJ.a.b"


def test_white_space_around_a_pasted_key_is_forgiven() -> None:
    assert PersonalKey(f"  {CANARY}\r\n").header() == f"PersonalKey {CANARY}"


@pytest.mark.parametrize("auth", [PersonalKey(CANARY), BearerToken(CANARY)])
def test_secrets_are_not_in_the_repr(auth: PersonalKey | BearerToken) -> None:
    assert CANARY not in f"{auth!r} {auth!s}"


@pytest.mark.parametrize(
    "secret",
    ["", "   ", f"{CANARY}\nX-Evil: 1", f"{CANARY}\x00", f"{CANARY} two", f"{CANARY}ł", f"{CANARY}é", f"{CANARY}\x7f"],
)
def test_an_unsendable_key_is_an_unauthorized_account_and_stays_secret(secret: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        PersonalKey(secret).header()

    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert "enter it again" in str(caught.value)


def test_an_unknown_kind_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="personal_key or oauth"):
        for_kind("basic", CANARY)
