"""Which thread works on a request that is complete.

Pages share the threads. Requests to log in have one thread for strangers and one for browsers that are known
(`config.people.devices`), and wait for it without holding any: one look at a password takes a processor for a good part
of a second, on purpose, and a storm of them must not slow the pages. Health checks, and answers that no page is asked
for, have a thread that nobody else can keep busy.
"""

from __future__ import annotations

import re
import time
from bisect import insort
from enum import Enum
from operator import attrgetter
from typing import Final

from django.conf import settings
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import RequestEntityTooLarge

from config.people import devices
from config.web.receiving import Connection, Incoming
from config.web.refusals import TooManyLogins
from rentals.inbound.addresses import client_address
from rentals.inbound.rate_limits import client_key

_LOGIN_PATHS: Final = frozenset({"/admin/login/", "/admin/login/code/"})
#: Requests of a lane that wait, and for how many seconds.
MOST_WAITING: Final = 60
LONGEST_WAIT: Final = 30.0
#: So many tries of a client within so many seconds are usual.
_FEW: Final = 5
_FORGET: Final = 900.0


#: The cookie of a browser that is known.
_DEVICE: Final = re.compile(rf"(?:^|;\s*){re.escape(devices.COOKIE)}=([\w:.-]{{1,200}})(?:;|\Z)", re.ASCII)
#: A log-in has two short fields. More could fill what all bodies together may hold, while it waits for its turn.
_LARGEST_LOGIN: Final = 65_536


class Lane(Enum):
    PAGES = "pages"
    STRANGERS = "strangers"
    KNOWN = "known"
    QUICK = "quick"


def lane_of(request: Incoming) -> Lane:
    path = "/" + request.path.lstrip("/")  # as the page will see it
    if request.error or (path == "/healthz" and request.command in ("GET", "HEAD") and not request.body_rcv):
        return Lane.QUICK
    if request.command != "POST" or path not in _LOGIN_PATHS:
        return Lane.PAGES
    cookie = _DEVICE.search(request.headers.get("COOKIE", ""))  # parsing all of them can cost seconds
    return Lane.KNOWN if cookie is not None and devices.is_ours(cookie[1]) else Lane.STRANGERS


class Queue(ThreadedTaskDispatcher):
    """Threads and the requests that wait for them."""

    def __init__(self, name: Lane, threads: int) -> None:
        super().__init__()
        self._name = name.value
        self.set_thread_count(threads)

    def add_task(self, task: Connection) -> None:
        with self.lock:
            self.queue.append(task)
            self.queue_cv.notify()


class LoginQueue(Queue):
    """One thread. The newest goes first, and clients who try often go after all others.

    In a storm the queue is never empty. If the oldest went first, a person would wait for as many looks at passwords as
    the storm has connections; so a person waits for one or two, and the storm's own requests wait for each other.
    """

    def __init__(self, name: Lane) -> None:
        super().__init__(name, threads=1)
        self._tries: dict[str, int] = {}  # by client
        self._counts_since = time.monotonic()

    def wait(self, task: Connection, client: str, now: float) -> None:
        with self.lock:
            if now - self._counts_since > _FORGET or len(self._tries) > 100_000:
                self._tries, self._counts_since = {}, now
            tries = self._tries[client] = self._tries.get(client, 0) + 1
            task.turn = (tries > _FEW, -now)
            insort(self.queue, task, key=attrgetter("turn"))
            self.queue_cv.notify()

    def give_up(self, now: float) -> list[Connection]:
        """Take out those that waited too long, and the last ones if there are too many."""
        with self.lock:
            refused = [task for task in self.queue if now + task.turn[1] > LONGEST_WAIT]
            for task in refused:
                self.queue.remove(task)
            while len(self.queue) > MOST_WAITING:
                refused.append(self.queue.pop())
        return refused


class Lanes:
    """Hands complete requests on. Waitress calls it a task dispatcher."""

    def __init__(self, threads: int) -> None:
        """`threads`: for pages."""
        self._pages = Queue(Lane.PAGES, threads)
        self._quick = Queue(Lane.QUICK, threads=1)
        self._logins = {lane: LoginQueue(lane) for lane in (Lane.STRANGERS, Lane.KNOWN)}

    def add_task(self, task: Connection) -> None:
        request = task.requests[0]
        lane = lane_of(request)
        if lane is Lane.PAGES:
            self._pages.add_task(task)
        elif lane is Lane.QUICK:
            self._quick.add_task(task)
        elif request.body_rcv is not None and len(request.body_rcv) > _LARGEST_LOGIN:
            request.refuse(RequestEntityTooLarge("log-in"))
            self._quick.add_task(task)
        else:
            forwarded = request.headers.get("X_FORWARDED_FOR", "")
            client = client_key(client_address(task.addr[0], forwarded, settings.TRUSTED_PROXIES))
            self._logins[lane].wait(task, client, time.monotonic())
            self.look()

    def look(self) -> None:
        """Refuse log-ins that wait in vain. Ask every second or so."""
        for queue in self._logins.values():
            for task in queue.give_up(time.monotonic()):
                task.requests[0].refuse(TooManyLogins("log-ins"))
                self._quick.add_task(task)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 1) -> None:
        """End the threads that have nothing to do; the process ends with the others."""
        for queue in (self._pages, self._quick, *self._logins.values()):
            queue.shutdown(cancel_pending, timeout)
