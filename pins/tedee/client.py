"""Requests to the Tedee cloud, one method for each. Sends once, waits a bounded time, reports exactly how it ended."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from types import TracebackType
from typing import Self

import httpx

from pins.tedee.answers import Answer, Received, receive, understand
from pins.tedee.auth import Auth
from pins.tedee.errors import (
    BadRequest,
    NetworkFault,
    PinNotFound,
    ServerFault,
    TedeeError,
    TokenEnded,
    Unauthorized,
    Unreachable,
    error_for,
)
from pins.tedee.fields import UnreadableError, elements_of
from pins.tedee.messages import (
    ActivityItem,
    LockConnection,
    PersonalKey,
    PinBody,
    PinListing,
    RemoteLock,
    RemotePin,
    created_id,
)
from pins.tedee.transport import DeadlineTransport
from rentals.outbound.deadline import deadline

__all__ = ["Answer", "TedeeClient"]

Query = tuple[tuple[str, str], ...]

#: Of the bodies that are sent. The samples of the PIN endpoints show the second one.
CONTENT_TYPES = ("application/json", "application/json-patch+json")
MOST_ACTIVITY = 200  # Tedee API, device activity
MOST_PAGES = 50


class TedeeClient:
    """Speaks for one account. Safe to share between threads that work on different locks.

    `base_url` names the version too (`https://api.tedee.com/api/v37`). Deadlines are in seconds: `total_deadline`
    ends a request wherever it is, `connect_timeout` holds for each address of the host, `read_timeout` for each
    silence. `content_type` is one of `CONTENT_TYPES`. Every method raises `TedeeError`: a `RefusedError` when the
    request was certainly not applied, an `AmbiguousError` when it may have been. `transport` replaces the network in
    tests.
    """

    def __init__(
        self,
        base_url: str,
        auth: Auth,
        *,
        total_deadline: float = 40.0,
        connect_timeout: float = 5.0,
        read_timeout: float = 35.0,
        content_type: str = CONTENT_TYPES[0],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if content_type not in CONTENT_TYPES:
            raise ValueError(f"The content type is one of {', '.join(CONTENT_TYPES)}.")
        self._base_url = _checked_base_url(base_url)
        self._content_type = content_type
        self._auth = auth
        self._total_deadline = total_deadline
        self._timeouts = httpx.Timeout(read_timeout, connect=connect_timeout).as_dict()
        # The transport is used directly: no cookies, redirects, proxies or netrc, and no request log.
        self._transport = transport or DeadlineTransport()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections."""
        self._transport.close()

    def create_pin(self, device_id: int, body: PinBody) -> Answer[int]:
        """Add a PIN; the value is its id on this lock (Tedee API, create PIN).

        After an `AmbiguousError` look at the list before repeating it: the PIN may be there already.
        """
        return understand(self._send("POST", f"/my/lock/{device_id:d}/pin", body=body.to_json()), created_id)

    def list_pins(self, device_id: int, version: int | None = None) -> Answer[PinListing | None]:
        """All PINs of a lock (Tedee API, list PINs). With `version`, None means: nothing changed since that version."""
        query: Query = () if version is None else (("listVersion", str(version)),)
        received = self._send("GET", f"/my/lock/{device_id:d}/pin", query=query, not_modified=version is not None)
        if received.status == 304:
            return Answer(None, received.status, received.correlation_id)
        return understand(received, _listing)

    def get_pin(self, device_id: int, pin_id: int) -> Answer[RemotePin]:
        """One PIN with its value and period (Tedee API, get PIN)."""
        return understand(self._send("GET", f"/my/lock/{device_id:d}/pin/{pin_id:d}"), RemotePin.from_json)

    def update_pin(self, device_id: int, pin_id: int, body: PinBody) -> Answer[None]:
        """Replace the whole PIN; what `body` leaves empty is cleared (Tedee API, update PIN)."""
        path = f"/my/lock/{device_id:d}/pin/{pin_id:d}"
        return understand(self._send("PUT", path, body=body.to_put_json()), _nothing)

    def delete_pin(self, device_id: int, pin_id: int) -> Answer[None]:
        """Remove a PIN (Tedee API, delete PIN). `PinNotFound` is a success too, once a list has confirmed it."""
        return understand(self._send("DELETE", f"/my/lock/{device_id:d}/pin/{pin_id:d}"), _nothing)

    def list_locks(self, expected: Collection[int] = ()) -> Answer[tuple[RemoteLock, ...]]:
        """Every lock of the account, with accessories. Ten such requests in ten minutes are allowed (Tedee API).

        `expected`: device ids. A first answer with all of them is enough for who asks only about these locks: no other
        page is asked for. Without any, all pages are.

        The API calls the listing paged (`Page`, `ItemsPerPage`). It tells neither the size of a page nor whether the
        first one is 0 or 1, and its sample is a plain array. No guess may lose a lock, so the answers decide:

        1. Without a page: all locks, or the first page of some size.
        2. Page 2. Locks that we know and no others: this server has no pages, and we are done.
        3. Otherwise, page 1. If pages begin at 0, the answer to 2 was the third page, and this one lay between. It is
           asked for also when 2 was empty or refused, as a page beyond the end may be.
        4. If page 2 brought new locks: page 3, 4 and so on, until one brings none.

        One case is not seen: a server that counts from 0, has two pages, and shows the first for one beyond the end.
        Raises `ServerFault` also when the pages do not end.
        """
        first = understand(self._send("GET", "/my/lock", query=_lock_query()), _locks)
        found = {lock.id: lock for lock in first.value}
        requests = 1
        if expected and found.keys() >= set(expected):
            return Answer(tuple(found.values()), first.status, first.correlation_id, requests)

        def add(page: int) -> tuple[int, bool]:
            """How many locks are on that page, and whether one of them is new."""
            nonlocal requests
            requests += 1
            try:
                locks = understand(self._send("GET", "/my/lock", query=_lock_query(page)), _locks).value
            except (BadRequest, PinNotFound):
                return 0, False
            known = len(found)
            found.update({lock.id: lock for lock in locks if lock.id not in found})
            return len(locks), len(found) > known

        if found:
            count, more = add(2)
            if more or not count:
                add(1)
            page = 3
            while more:
                if page > MOST_PAGES:
                    raise ServerFault(first.status, first.correlation_id, detail="The list of locks does not end")
                _, more = add(page)
                page += 1
        return Answer(tuple(found.values()), first.status, first.correlation_id, requests)

    def sync_locks(self, device_ids: Iterable[int]) -> Answer[tuple[LockConnection, ...]]:
        """Whether each of many locks is connected, in one request (Tedee API, sync locks).

        The API allows it for the same lock at most every 20 seconds.
        """
        query: Query = tuple(("id", f"{device_id:d}") for device_id in device_ids)
        if not query:
            raise ValueError("Name at least one lock.")
        return understand(self._send("GET", "/my/lock/sync", query=query), _connections)

    def activity(self, device_id: int, elements: int = MOST_ACTIVITY) -> Answer[tuple[ActivityItem, ...]]:
        """The latest events of a lock, newest first, at most 200 (Tedee API, device activity)."""
        query: Query = (("deviceId", f"{device_id:d}"), ("elements", f"{min(elements, MOST_ACTIVITY):d}"))
        return understand(self._send("GET", "/my/deviceactivity", query=query), _activities)

    def personal_keys(self) -> Answer[tuple[PersonalKey, ...]]:
        """The personal access keys of the user, to learn when they end (Tedee API, personal access keys).

        The shape of the answer is a guess, and so is who may ask: a 401, 403 or 404 here says nothing about the key
        that other requests use.
        """
        return understand(self._send("GET", "/my/personalaccesskey"), _personal_keys)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Mapping[str, object] | None = None,
        not_modified: bool = False,
    ) -> Received:
        """One request, one answer: the only place where foreign errors become ours.

        The fault is raised after the `except` block, so that the foreign error, which may hold the request with key
        and PIN, is not even its context.
        """
        headers = {
            "Authorization": self._auth.header(),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "Turnkey",
        }
        request = httpx.Request(
            method,
            self._base_url + path + (f"?{httpx.QueryParams(query)}" if query else ""),
            headers=headers if body is None else headers | {"Content-Type": self._content_type},
            content=None if body is None else json.dumps(body).encode("utf-8"),
            extensions={"timeout": self._timeouts},
        )
        fault: TedeeError | None
        try:
            received = self._exchange(request)
        except httpx.HTTPError as error:
            fault = fault_for(error)
        else:
            fault = error_for(
                received.status,
                received.body,
                not_modified_asked=not_modified,
                correlation_id=received.correlation_id,
                retry_after=received.retry_after,
            )
            if fault is None:
                return received
            if isinstance(fault, Unauthorized) and self._auth.refused():
                fault = TokenEnded(received.status, received.correlation_id)
        raise fault

    def _exchange(self, request: httpx.Request) -> Received:
        with deadline(self._total_deadline) as ends_at:
            response = self._transport.handle_request(request)
            try:
                return receive(response, ends_at)
            finally:
                response.close()


def _checked_base_url(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise ValueError("The address of the Tedee API is an http or https URL without user, query or fragment.")
    return str(url).rstrip("/")


def fault_for(error: httpx.HTTPError) -> TedeeError:
    """Our error for a foreign one of the transport."""
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)):
        return Unreachable()
    if isinstance(error, httpx.DecodingError):
        return ServerFault(detail="The answer is not encoded as it claims")
    if isinstance(error, httpx.TimeoutException):
        return NetworkFault(detail="The Tedee cloud did not answer in time", hung=True)
    return NetworkFault()


def _lock_query(page: int | None = None) -> Query:
    every: Query = (("IncludeAccessories", "true"),)
    return every if page is None else (*every, ("Page", str(page)))


def _nothing(_: object) -> None:
    return None


def _listing(result: object) -> PinListing | None:
    return PinListing.from_json(result)


def _locks(result: object) -> tuple[RemoteLock, ...]:
    return tuple(RemoteLock.from_json(item) for item in elements_of(result))


def _personal_keys(result: object) -> tuple[PersonalKey, ...]:
    every = [result] if isinstance(result, dict) else elements_of(result)
    return tuple(PersonalKey.from_json(item) for item in every)


def _connections(result: object) -> tuple[LockConnection, ...]:
    return tuple(LockConnection.from_json(item) for item in elements_of(result))


def _activities(result: object) -> tuple[ActivityItem, ...]:
    """The lines that can be read: one that cannot costs only itself. None of many is another matter."""
    lines = elements_of(result)
    found = [item for item in map(_activity_or_none, lines) if item is not None]
    if lines and not found:
        raise UnreadableError("No line of the activity can be read.")
    return tuple(found)


def _activity_or_none(line: object) -> ActivityItem | None:
    try:
        return ActivityItem.from_json(line)
    except UnreadableError:
        return None
