"""A mail server on loopback that takes what it is sent, or refuses it."""

from __future__ import annotations

import socketserver
import threading
from types import TracebackType
from typing import Self


class MailServer:
    """Usable as a context manager. `letters` keeps each message as (recipients, text)."""

    def __init__(self, *, refuses: str = "") -> None:
        self.letters: list[tuple[list[str], str]] = []
        self.refuses = refuses  # a command that is answered with 550
        outer = self

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer._converse(self)

        socketserver.ThreadingTCPServer.daemon_threads = True
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _converse(self, one: socketserver.StreamRequestHandler) -> None:
        def say(text: str) -> None:
            one.wfile.write(f"{text}\r\n".encode())

        recipients: list[str] = []
        say("220 loopback")
        while line := one.rfile.readline().decode().strip():
            command = line.split()[0].upper()
            if command == self.refuses:
                say("550 not here")
            elif command == "RCPT":
                recipients.append(line.partition("<")[2].partition(">")[0])
                say("250 ok")
            elif command == "DATA":
                say("354 go on")
                lines: list[str] = []
                while (text := one.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(text)
                self.letters.append((recipients, "\n".join(lines)))
                recipients = []
                say("250 taken")
            elif command == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")
