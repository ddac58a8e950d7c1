"""A mail server on loopback that takes what it is sent, or refuses it."""

from __future__ import annotations

import socketserver

from pins.stack.background_server import BackgroundServer


class MailServer(BackgroundServer):
    """`letters` keeps each message as (recipients, text)."""

    def __init__(self, *, refuses: str = "") -> None:
        self.letters: list[tuple[list[str], str]] = []
        self.refuses = refuses  # a command that is answered with 550
        outer = self

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer._converse(self)

        super().__init__(Conversation)

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
