"""Passkeys: a device proves that it holds a key and that its owner unlocked it (WebAuthn level 2, by fido2).

A passkey is of this site's name alone, so a forged page gets nothing from it; and the database holds public keys, with
which nobody logs in.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestationConveyancePreference,
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from config.people.models import Passkey

#: Of one person.
MOST: Final = 20
#: The device must know the person by itself, and ask them for a finger, a face or a PIN.
_WITH_PERSON: Final = UserVerificationRequirement.REQUIRED


class RefusedPasskey(Exception):
    """It proves nothing here. The text is for the log."""


@dataclass(frozen=True, slots=True)
class Site:
    """Whose passkeys count, and from which pages."""

    name: str  # the host, without a port
    origin: str  # such as https://codes.example.com

    def server(self) -> Fido2Server:
        relying = PublicKeyCredentialRpEntity(id=self.name, name="Turnkey")
        return Fido2Server(
            relying, attestation=AttestationConveyancePreference.NONE, verify_origin=lambda one: one == self.origin
        )


def begin_making(site: Site, user: User) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the browser is asked for, and what to keep until it answers."""
    whom = PublicKeyCredentialUserEntity(
        id=_handle(user), name=user.get_username(), display_name=user.get_full_name() or user.get_username()
    )
    asked, state = site.server().register_begin(
        whom,
        [_credential(one) for one in Passkey.objects.filter(user=user)],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=_WITH_PERSON,
    )
    return dict(asked), dict(state)


def make(
    site: Site, state: Mapping[str, Any], answer: Mapping[str, Any], user: User, name: str, now: datetime
) -> Passkey:
    """Raises RefusedPasskey."""
    try:
        data = site.server().register_complete(state, answer)
    except Exception as error:  # noqa: BLE001 - a browser may send anything, and the library raises what it meets
        raise RefusedPasskey(f"A new passkey is not proven ({type(error).__name__}).") from None
    found = data.credential_data
    if found is None:
        raise RefusedPasskey("A new passkey comes without a key.")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if Passkey.objects.filter(user=user).count() >= MOST:
            raise RefusedPasskey("Too many passkeys.")
        try:
            with transaction.atomic():
                return Passkey.objects.create(
                    user=user,
                    name=name,
                    digest=_digest(found.credential_id),
                    credential=base64.b64encode(found).decode("ascii"),
                    uses=data.counter,
                    added_at=now,
                )
        except IntegrityError:
            raise RefusedPasskey("This passkey is somebody's already.") from None


def begin_entering(site: Site) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same for logging in. No name is asked for: the device knows whose passkey it has."""
    asked, state = site.server().authenticate_begin(user_verification=_WITH_PERSON)
    return dict(asked), dict(state)


def owner(site: Site, state: Mapping[str, Any], answer: Mapping[str, Any], now: datetime) -> User:
    """Whose passkey answered. Raises RefusedPasskey."""
    try:
        given = AuthenticationResponse.from_dict(answer)
        one = Passkey.objects.select_related("user").filter(digest=_digest(given.raw_id)).first()
        if one is None:
            raise RefusedPasskey("Nobody has this passkey.")
        site.server().authenticate_complete(state, [_credential(one)], given)
    except RefusedPasskey:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise RefusedPasskey(f"A passkey is not proven ({type(error).__name__}).") from None
    if given.response.user_handle not in (None, _handle(one.user)):
        raise RefusedPasskey("The passkey was made for another person.")
    _count(one, given.response.authenticator_data.counter, now)
    if not one.user.is_active or not one.user.is_staff:
        raise RefusedPasskey("The person is switched off.")
    return one.user


def _count(one: Passkey, uses: int, now: datetime) -> None:
    """A device that counts its uses never goes back: a copy of it would. Many count nothing and always say 0."""
    fresh = Q(uses__lt=uses) if uses or one.uses else Q()
    if not Passkey.objects.filter(fresh, pk=one.pk).update(uses=uses, used_at=now):
        raise RefusedPasskey("The passkey was used elsewhere since: it may have been copied.")


def _credential(one: Passkey) -> AttestedCredentialData:
    return AttestedCredentialData(base64.b64decode(one.credential))


def _digest(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _handle(user: User) -> bytes:
    return f"turnkey:{user.pk}".encode()
