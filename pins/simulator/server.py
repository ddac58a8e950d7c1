"""The simulated cloud on real sockets: HTTP/1.1 with keep-alive, dropped lines and answers that never come."""

from __future__ import annotations

import contextlib
import ipaddress
import select
import socket
import socketserver
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import TracebackType

from pins.simulator import control
from pins.simulator.cloud import Cloud
from pins.simulator.messages import Reply, Request

LARGEST_BODY = 64 * 1024  # bytes
LONGEST_HANG = 600.0  # seconds; a client that never gives up is let go then
IDLE_SECONDS = 120.0  # a silent keep-alive connection is closed then


class _Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, cloud: Cloud, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.cloud = cloud
        self.any_host = not is_loopback(host)
        self.stopping = threading.Event()
        self.open_lines: set[socket.socket] = set()
        self.lines_mutex = threading.Lock()
        super().__init__((host, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A line that breaks is daily business here; anything else is a bug and is shown as one."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # as declared by socketserver


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SimulatedTedee"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: _Listener

    def setup(self) -> None:
        super().setup()
        with self.server.lines_mutex:
            self.server.open_lines.add(self.connection)

    def finish(self) -> None:
        with self.server.lines_mutex:
            self.server.open_lines.discard(self.connection)
        super().finish()

    def log_message(self, *_: object) -> None:
        """The journal is the log; the console stays quiet."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        path, _, query = self.path.partition("?")
        request = Request(self.command, path, query, dict(self.headers.items()), body)
        if control.concerns(request):
            reply = control.respond(self.server.cloud, request, any_host=self.server.any_host)
        else:
            reply = self.server.cloud.handle(request)
        self._deliver(reply)

    def _read_body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isascii() or not length.isdigit():
            self.close_connection = True
            self._send(Reply(411))
            return None
        if len(length) > 9 or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._send(Reply(413))
            return None
        return self.rfile.read(int(length))

    def _deliver(self, reply: Reply) -> None:
        if reply.delivery == "answer":
            self._send(reply)
            return
        self.close_connection = True
        if reply.delivery == "slow":
            self._trickle(reply)
        elif reply.delivery == "hang":
            self._hang()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _bytes(self, reply: Reply) -> bytes:
        headers = list(reply.headers)
        if reply.status not in (204, 304):
            headers.append(("Content-Length", str(len(reply.body))))
        if self.close_connection:
            headers.append(("Connection", "close"))
        lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", *(f"{k}: {v}" for k, v in headers)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + reply.body

    def _send(self, reply: Reply) -> None:
        try:
            self.connection.sendall(self._bytes(reply))
        except OSError:
            self.close_connection = True  # the client went away; the journal has the answer

    def _trickle(self, reply: Reply) -> None:
        """A byte a second, until the client cuts the line."""
        for byte in self._bytes(reply):
            try:
                self.connection.sendall(bytes([byte]))
            except OSError:
                return
            if self.server.stopping.wait(1.0):
                return

    def _hang(self) -> None:
        """Stay silent until the client hangs up, the server stops, or nobody can be waiting any more."""
        for _ in range(int(LONGEST_HANG / 0.2)):
            readable, _, _ = select.select([self.connection], [], [], 0)
            try:
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    return
            except OSError:
                return
            if self.server.stopping.wait(0.2):
                return


class SimulatorServer:
    """Serves a Cloud and its control page; the address is taken at once (OSError if it cannot be had).

    Usable as a context manager. `stop` cuts open lines, so that it never waits for a hanging client.
    """

    def __init__(self, cloud: Cloud, host: str = "127.0.0.1", port: int = 0) -> None:
        self.cloud = cloud
        self.host = host
        self._listener = _Listener(cloud, host, port)
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self._listener.server_address[1])

    @property
    def url(self) -> str:
        """Where the control page is, without a slash at the end."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def api_url(self) -> str:
        """What TEDEE_API_URL must be to use this cloud."""
        return self.url + self.cloud.settings.api_base

    def start(self) -> SimulatorServer:
        """Serve in a thread of its own until `stop`."""
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.05,), name="simulator", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and cut every open line; harmless when already stopped."""
        self._listener.stopping.set()
        if self._thread is not None:
            self._listener.shutdown()
            self._thread.join()
            self._thread = None
        self._listener.server_close()
        with self._listener.lines_mutex:
            lines = list(self._listener.open_lines)
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> SimulatorServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def is_loopback(host: str) -> bool:
    """Whether a host to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
