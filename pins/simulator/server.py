"""The simulated cloud on real sockets: HTTP/1.1 with keep-alive, dropped connections and answers that never come."""

from __future__ import annotations

import contextlib
import select
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from pins.simulator import control
from pins.simulator.answering import answer
from pins.simulator.cloud import Cloud
from pins.simulator.messages import Reply, Request
from pins.stack.background_server import LOOPBACK, BackgroundServer

LARGEST_BODY = 64 * 1024  # bytes
LONGEST_HANG = 600.0  # seconds; then even a client that never gives up is disconnected
IDLE_SECONDS = 120.0  # a silent keep-alive connection is closed then


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SimulatedTedee"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: SimulatorServer

    def log_message(self, *_: object) -> None:
        """Quiet: the journal records every request."""

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
            reply = answer(self.server.cloud, request)
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
        if reply.body or reply.status not in (204, 304):  # some clouds send a body even then
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
        """A byte a second, until the client closes the connection."""
        for byte in self._bytes(reply):
            try:
                self.connection.sendall(bytes([byte]))
            except OSError:
                return
            if self.server.stopping.wait(1.0):
                return

    def _hang(self) -> None:
        """Stay silent until the client hangs up, the server stops, or LONGEST_HANG is over."""
        for _ in range(int(LONGEST_HANG / 0.2)):
            readable, _, _ = select.select([self.connection], [], [], 0)
            try:
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    return
            except OSError:
                return
            if self.server.stopping.wait(0.2):
                return


class SimulatorServer(BackgroundServer):
    """Serves a Cloud and its control page."""

    def __init__(self, cloud: Cloud, host: str = LOOPBACK, port: int = 0) -> None:
        self.cloud = cloud
        self.any_host = not control.is_loopback(host)
        super().__init__(_Handler, host, port)

    @property
    def api_url(self) -> str:
        """What TEDEE_API_URL must be to use this cloud."""
        return self.url + self.cloud.settings.api_base
