"""An address as it is written: what is wrong with it, before anything is looked up."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final

import httpx

from rentals.outbound.addresses import is_local_name, is_plain_host, is_public, literal
from rentals.outbound.errors import Refused
from rentals.outbound.network import Network
from rentals.phrases import phrase

_WEBCAL: Final = re.compile(r"webcal(s?):(?://)?", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """A URL whose scheme and spelling of the host were judged. What the host resolves to is judged later."""

    url: httpx.URL = field(repr=False)

    @classmethod
    def parse(cls, text: str, network: Network) -> Target:
        """Raises Refused, whose text says what is wrong but never quotes the URL."""
        try:
            url: httpx.URL | None = httpx.URL(without_webcal(text.strip(), network))
        except (httpx.InvalidURL, UnicodeError, ValueError):
            url = None
        return cls._judged(url, network)

    def follow(self, location: bytes, network: Network) -> Target:
        """Where a redirect leads (RFC 9110, 10.2.2). Raises Refused.

        Servers also write UTF-8 there, in host and path. Bytes that are no UTF-8 are kept as they are, as browsers do.
        """
        try:
            url: httpx.URL | None = self.url.join(_readable(location))
        except (httpx.InvalidURL, UnicodeError, ValueError):
            url = None
        if url is not None and self.url.scheme == "https" and url.scheme != "https":
            raise Refused(phrase("{host} redirects to an address that is not https.", host=self.host))
        return self._judged(url, network)

    @classmethod
    def _judged(cls, url: httpx.URL | None, network: Network) -> Target:
        if url is None:
            raise Refused(phrase("The address cannot be read as a URL."))
        if url.scheme != "https" and not (url.scheme == "http" and network.plain_http):
            raise Refused(phrase("Only addresses that begin with https:// are contacted."))
        host = url.raw_host.decode("ascii")
        if not is_plain_host(host):
            raise Refused(phrase("The host in the address is neither an ordinary name nor a plain IP address."))
        if is_local_name(host) and not network.plain_http:
            raise Refused(phrase("The address names this machine, which is not contacted."))
        if url.port is not None and not 1 <= url.port <= 65535:
            raise Refused(phrase("The port in the address is not valid."))
        return cls(url)

    @property
    def host(self) -> str:
        return self.url.host

    @property
    def path(self) -> str:
        """The path as it is sent, without the query."""
        return self.url.raw_path.decode("ascii").partition("?")[0]

    @property
    def port(self) -> int:
        return self.url.port or (443 if self.url.scheme == "https" else 80)

    @property
    def origin(self) -> tuple[str, bytes, int]:
        return self.url.scheme, self.url.raw_host.lower(), self.port

    @property
    def basic(self) -> str:
        """The value of an Authorization header, "" without credentials."""
        if not self.url.userinfo:
            return ""
        return "Basic " + base64.b64encode(f"{self.url.username}:{self.url.password}".encode()).decode("ascii")


def without_webcal(text: str, network: Network) -> str:
    """An address with `webcal:` or `webcals:` replaced by what it means: https.

    Where plain http is allowed, for tests and demonstrations, `webcal:` means http on this machine and its network.
    """
    found = _WEBCAL.match(text)
    if found is None:
        return text
    rest = text[found.end() :]
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    address = literal(name)
    inside = not is_public(address) if address else is_local_name(name)
    plain = network.plain_http and inside and not found[1]
    return f"{'http' if plain else 'https'}://{rest}"


def _readable(location: bytes) -> str:
    try:
        return location.decode()
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in location)
