"""A mail server on loopback (aiosmtpd) that takes what it is sent, refuses it, or takes it and does not say so."""

from __future__ import annotations

import asyncio
import logging
import threading
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP

logging.getLogger("mail.log").disabled = True  # it names recipients, and tests look for them in logs

TAKEN = "250 taken"
REFUSED = "550 not here"


class MailServer:
    """`letters` keeps each message as (recipients, text). `refuses`: a command that is answered with 550. While
    `silent`, a letter is kept and not answered."""

    def __init__(self, *, refuses: str = "", silent: bool = False) -> None:
        self.letters: list[tuple[list[str], str]] = []
        self.refuses, self.silent = refuses, silent
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail server", daemon=True)

    # -- what aiosmtpd asks

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        envelope.mail_from = address
        return REFUSED if self.refuses == "MAIL" else "250 ok"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - the same
        envelope.rcpt_tos.append(address)
        return REFUSED if self.refuses == "RCPT" else "250 ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the same
        if self.refuses == "DATA":
            return REFUSED
        self.letters.append((list(envelope.rcpt_tos), envelope.content.decode().replace("\r\n", "\n")))
        while self.silent:
            await asyncio.sleep(0.02)
        return TAKEN

    # -- for the length of a `with` block

    def __enter__(self) -> Self:
        self._thread.start()
        made = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        self._server = made.result(timeout=10)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: SMTP(self, loop=self._loop), "127.0.0.1", 0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.silent = False
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
