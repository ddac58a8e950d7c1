"""One process of the web server.

Gunicorn starts, watches and ends it, and waitress serves. In gunicorn's own workers a thread waits for the bytes of a
connection: eight clients that send a byte a second stop such a process (docs/adr/0027-whole-requests.md).
"""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments

from config.web import receiving
from config.web.effort import Rests

_MOST_CONNECTIONS: Final = 1000
_TICK: Final = 1.0  # seconds


class BufferingWorker(Worker):
    def run(self) -> None:
        from config.web.lanes import Lanes  # gunicorn imports this module before Django is set up

        lanes = Lanes(self.cfg.threads)
        sockets: dict[int, Any] = {}  # what the loop looks at
        servers = [self._listen(one.sock, sockets, lanes) for one in self.sockets]
        while self.alive and self.ppid == os.getppid():
            self._turn(sockets, wait_of([server.rests for server in servers], time.monotonic()))
            lanes.look()
        for server in servers:
            server.del_channel()  # no longer listens
        ends = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < ends and any(_is_busy(servers)):
            self._turn(sockets, _TICK / 10)
        lanes.shutdown()

    def _turn(self, sockets: dict[int, Any], seconds: float) -> None:
        self.notify()
        wasyncore.loop(timeout=seconds, use_poll=True, map=sockets, count=1)

    def _listen(self, sock: socket.socket, sockets: dict[int, Any], lanes: Any) -> Any:
        settings = Adjustments(
            ident=None,
            server_name="localhost",  # of a request that names no host
            connection_limit=_most_connections(),
            cleanup_interval=_TICK,
            max_request_header_size=receiving.MOST_HEADER,
            max_request_body_size=receiving.MOST_THROWN_AWAY,
            clear_untrusted_proxy_headers=False,  # TRUSTED_PROXIES and HTTPS_ONLY say which are believed
        )
        kind = receiving.UnixServer if sock.family == socket.AF_UNIX else receiving.TcpServer
        return kind(
            self.wsgi,
            map=sockets,
            _sock=sock,
            dispatcher=lanes,
            adj=settings,
            sockinfo=(sock.family, sock.type, sock.proto, sock.getsockname()),
            bind_socket=False,
        )


def wait_of(all_rests: Iterable[Rests], now: float) -> float:
    """Seconds for which the loop may wait for something to happen."""
    return min([_TICK, *(rests.left(now) for rests in all_rests)])


def _is_busy(servers: list[Any]) -> Iterator[bool]:
    for server in servers:
        for one in server.active_channels.values():
            yield bool(one.requests or one.total_outbufs_len)


def _most_connections() -> int:
    """A quarter of the files that the process may open: the others are for the database, logs, large bodies, and the
    files that are being sent."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if files == resource.RLIM_INFINITY else min(_MOST_CONNECTIONS, files // 4)
