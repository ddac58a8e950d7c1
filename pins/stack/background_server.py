"""A TCP server in a thread: the base of the simulated cloud, the demo's calendar server and servers of tests."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

LOOPBACK = "127.0.0.1"


class BackgroundServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves each connection in a thread, for the length of a `with` block or from `start` to `stop`.

    The address is taken at once: OSError if it cannot be had. Port 0 takes a free one.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self,
        handler: Callable[[Any, Any, Self], socketserver.BaseRequestHandler],
        host: str = LOOPBACK,
        port: int = 0,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host = host
        self.stopping = threading.Event()  # for handlers that wait
        self.open_connections: set[socket.socket] = set()
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None
        super().__init__((host, port), handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def start(self) -> Self:
        """Serve until `stop`."""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name=type(self).__name__, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and cut every open connection, so that nobody waits for a client or for a slow answer.

        Harmless when already stopped.
        """
        self.stopping.set()
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
            self._thread = None
        self.server_close()
        with self._mutex:
            connections = list(self.open_connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def process_request(self, request: Any, client_address: Any) -> None:
        # Noted before its thread starts: `stop` must find a connection that was accepted at the same instant.
        with self._mutex:
            self.open_connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._mutex:
            self.open_connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is usual; anything else is a bug, and its traceback is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)
