"""Calendars for tests: the samples, moved to another day, and a channel's web server that misbehaves when told to."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from types import TracebackType
from typing import Self

from pins.stack.feeds.rebase import rebase
from pins.stack.feeds.server import CALENDAR_TYPE, CalendarServer, FeedReply, FeedRequest, conditional, not_found
from tests.support.paths import SAMPLES

__all__ = ["SAMPLES_DAY", "FeedServer", "rebase", "sample"]

#: The day on which the sample calendars were taken.
SAMPLES_DAY = date(2027, 3, 1)


def sample(number: int, day: date = SAMPLES_DAY) -> bytes:
    """The sample whose file name begins with this number, as if it had been taken on `day`."""
    (path,) = SAMPLES.glob(f"{number:02d}-*.ics")
    return rebase(path.read_bytes(), (day - SAMPLES_DAY).days)


class FeedServer:
    """Answers on loopback; what it answers at a path can be swapped at any time. Usable as a context manager.

    `requests` counts by path, `asked` keeps each request in the order of arrival.
    """

    def __init__(self) -> None:
        self._answers: dict[str, FeedReply] = {}
        self._with_etag: set[str] = set()
        self._frozen: set[str] = set()
        self._known: dict[str, str] = {}
        self._mutex = threading.Lock()
        self._stopping = threading.Event()
        self._server = CalendarServer(self._respond)
        self.requests: Counter[str] = Counter()
        self.asked: list[FeedRequest] = []

    def url(self, path: str) -> str:
        return self._server.url + path

    def put(
        self,
        path: str,
        body: bytes,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        etag: bool = False,
    ) -> str:
        """Answer with this from now on; with `etag`, a client that has it gets a 304. Returns the URL."""
        answer = FeedReply(body, status, {"Content-Type": CALENDAR_TYPE, **(headers or {})})
        return self._set(path, answer, etag=etag)

    def frozen(
        self, path: str, body: bytes, *, headers: Mapping[str, str] | None = None, even_unasked: bool = False
    ) -> str:
        """The calendar as it is now for whoever asks for it whole, and 304 for everybody who names a version, whatever
        became of it; `even_unasked`: 304 for all. Returns the URL."""
        given = {"Content-Type": CALENDAR_TYPE, "ETag": '"for ever"', **(headers or {})}
        url = self._set(path, FeedReply(b"" if even_unasked else body, 304 if even_unasked else 200, given))
        self._frozen.add(path)
        return url

    def refuse_unknown(self, path: str, body: bytes, *, known: str) -> str:
        """403 for whoever does not introduce himself with this text. Returns the URL."""
        url = self.put(path, body)
        self._known[path] = known
        return url

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        """Send on to another address, whatever it is. Returns the URL."""
        return self._set(path, FeedReply(status=status, headers={"Location": to}))

    def drip(self, path: str, body: bytes, seconds: float = 1.0) -> str:
        """One byte every so many seconds. Returns the URL."""

        def pieces() -> Iterator[bytes]:
            for one in body:
                yield bytes([one])
                if self._stopping.wait(seconds):
                    return

        return self._set(path, FeedReply(headers={"Content-Type": CALENDAR_TYPE}, pieces=pieces))

    def hang(self, path: str) -> str:
        """The head of an answer, then silence. Returns the URL."""

        def pieces() -> Iterator[bytes]:
            self._stopping.wait()
            yield b""

        return self._set(path, FeedReply(headers={"Content-Type": CALENDAR_TYPE}, pieces=pieces))

    def flood(self, path: str, size: int, piece: bytes = b"x" * 65_536) -> str:
        """A body of `size` bytes at least, made while it is sent, without a length. Returns the URL."""

        def pieces() -> Iterator[bytes]:
            for _ in range(-(-size // len(piece))):
                yield piece

        return self._set(path, FeedReply(headers={"Content-Type": CALENDAR_TYPE}, pieces=pieces))

    def _set(self, path: str, answer: FeedReply, *, etag: bool = False) -> str:
        with self._mutex:
            self._answers[path] = answer
            self._frozen.discard(path)
            self._known.pop(path, None)
            (self._with_etag.add if etag else self._with_etag.discard)(path)
        return self.url(path)

    def _respond(self, asked: FeedRequest) -> FeedReply:
        with self._mutex:
            self.requests[asked.path] += 1
            self.asked.append(asked)
            answer = self._answers.get(asked.path)
            with_etag = asked.path in self._with_etag
            frozen = asked.path in self._frozen
            known = self._known.get(asked.path, "")
        if answer is None:
            return not_found()
        if frozen and {"if-none-match", "if-modified-since"} & set(asked.headers):
            return FeedReply(status=304)
        if known not in asked.headers.get("user-agent", ""):
            return FeedReply(b"<html>Forbidden</html>", 403, {"Content-Type": "text/html"})
        return conditional(asked, answer.body) if with_etag else answer

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.stop()
