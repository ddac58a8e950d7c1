"""A device with passkeys, in software: real keys and signatures, and every lie that a test tells it to tell."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

FLAG = AuthenticatorData.FLAG
_ALL = FLAG.UP | FLAG.UV


@dataclass
class Device:
    """One passkey. `origin`: of the page that asks, as the browser tells it."""

    origin: str = "http://testserver"
    unlocked: bool = True  # the owner's finger, face or PIN
    counts: bool = True
    uses: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: str = ""

    def make(self, asked: dict[str, Any]) -> str:
        """What the script of the page puts into the form."""
        options = asked["publicKey"]
        assert options["authenticatorSelection"]["userVerification"] == "required"
        self.handle = options["user"]["id"]
        public = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        data = AttestedCredentialData.create(b"\0" * 16, self.id, public)
        proof = AuthenticatorData.create(self._site(options["rp"]["id"]), self._flags() | FLAG.AT, self._count(), data)
        made = AttestationObject.create("none", proof, {})
        return self._answer(options, "webauthn.create", attestationObject=websafe_encode(made))

    def enter(self, asked: dict[str, Any], **changes: str) -> str:
        options = asked["publicKey"]
        proof = AuthenticatorData.create(self._site(options["rpId"]), self._flags(), self._count())
        told = self._told(options, "webauthn.get")
        signature = self.key.sign(proof + hashlib.sha256(told).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {
            "authenticatorData": websafe_encode(proof),
            "signature": websafe_encode(signature),
            "userHandle": self.handle,
        }
        return self._answer(options, "webauthn.get", **{**parts, **changes})

    def _answer(self, options: dict[str, Any], kind: str, **parts: str) -> str:
        response = {"clientDataJSON": websafe_encode(self._told(options, kind)), **parts}
        name = websafe_encode(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})

    def _told(self, options: dict[str, Any], kind: str) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _flags(self) -> AuthenticatorData.FLAG:
        return _ALL if self.unlocked else FLAG.UP

    def _site(self, name: str) -> bytes:
        return hashlib.sha256(name.encode()).digest()

    def _count(self) -> int:
        self.uses += self.counts
        return self.uses
