"""Where a connection may go. A name is resolved here, once, and the connection goes to the address that was judged."""

from __future__ import annotations

import queue
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import httpcore

from rentals.outbound.addresses import Address, is_public, is_public_or_private, literal
from rentals.outbound.deadline import seconds_left, system_addresses
from rentals.outbound.errors import Refused, Unreachable
from rentals.phrases import phrase


@dataclass(frozen=True)
class Network:
    """What may be reached, and how names and certificates are judged."""

    may_reach: Callable[[Address], bool] = is_public
    plain_http: bool = False  # also http, and names such as localhost
    resolve: Callable[[str, int], Sequence[str]] = system_addresses
    trust: ssl.SSLContext | None = None  # None: the usual certificate authorities

    def addresses(self, host: str, port: int) -> list[str]:
        """All addresses of a host, as judged. One that is out of bounds condemns the name: an honest name has none.

        Raises Refused, Unreachable, or httpcore.ConnectTimeout at the deadline.
        """
        texts = [host] if literal(host) else _resolved(self.resolve, host, port)
        found = [address for address in map(literal, texts) if address is not None]
        if not texts or len(found) < len(texts):
            raise Unreachable(phrase("There is no host named {host}.", host=host))
        if not all(self.may_reach(address) for address in found):
            raise Refused(phrase("{host} leads to an address that is not public.", host=host))
        return [str(address) for address in found]


INTERNET: Final = Network()
#: For tests and demonstrations: the machine itself and its network too.
NEIGHBOURHOOD: Final = Network(may_reach=is_public_or_private, plain_http=True)


def _resolved(resolve: Callable[[str, int], Sequence[str]], host: str, port: int) -> Sequence[str]:
    """Look the host up in a thread of its own, since a look-up cannot be interrupted; [] when it does not exist. What
    hangs is left behind: the C library gives up by itself, and the thread keeps no process alive."""
    answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve(host, port))
        except (OSError, UnicodeError):
            answers.put([])

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        return answers.get(timeout=seconds_left(None, httpcore.ConnectTimeout))
    except queue.Empty:
        raise httpcore.ConnectTimeout from None
