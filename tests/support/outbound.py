"""The guarded client with made-up names, against servers on loopback."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from rentals import outbound
from rentals.outbound import Limits, Network, Response
from rentals.outbound.addresses import Address, is_public
from tests.support.scripted_server import Server

SERVER = ipaddress.ip_address("127.0.0.1")
DEADLINE = 0.5
SLACK = 1.5  # a loaded machine
QUICK = Limits(seconds=DEADLINE)


def only_the_server(address: Address) -> bool:
    return address == SERVER or is_public(address)


def lan(*answers: Sequence[str] | OSError) -> Network:
    """Names lead to the given addresses, one answer for each look-up, and the last one from then on."""
    waiting = list(answers) or [["127.0.0.1"]]

    def resolve(host: str, port: int) -> Sequence[str]:
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(found, OSError):
            raise found
        return found

    return Network(may_reach=only_the_server, plain_http=True, resolve=resolve)


def get(server: Server, path: str = "/feed.ics", *, host: str = "feeds.example", **options: object) -> Response:
    return outbound.get(f"http://{host}:{server.port}{path}", **{"network": lan(), **options})  # type: ignore[arg-type]
