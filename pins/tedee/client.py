"""Requests to the Tedee cloud, one method for each. Sends once, waits a bounded time, reports exactly how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import httpx

from pins.tedee.answers import Answer, Received, receive, understand
from pins.tedee.auth import Auth
from pins.tedee.errors import BadRequest, NetworkFault, ServerFault, TedeeError, Unreachable, error_for
from pins.tedee.messages import (
    ActivityItem,
    LockConnection,
    PinBody,
    PinListing,
    RemoteLock,
    RemotePin,
    created_id,
    elements_of,
)
from pins.tedee.transport import DeadlineTransport
from rentals.outbound.deadline import deadline

__all__ = ["Answer", "TedeeClient"]

Query = tuple[tuple[str, str], ...]

MOST_ACTIVITY = 200  # Tedee API, device activity
MOST_PAGES = 50


class TedeeClient:
    """Speaks for one account. Safe to share between threads that work on different locks.

    `base_url` names the version too (`https://api.tedee.com/api/v37`). Deadlines are in seconds: `total_deadline`
    ends a request wherever it is, `connect_timeout` holds for each address of the host, `read_timeout` for each
    silence. Every method raises `TedeeError`: a `RefusedError` when the request was certainly not applied, an
    `AmbiguousError` when it may have been. `transport` replaces the network in tests.
    """

    def __init__(
        self,
        base_url: str,
        auth: Auth,
        *,
        total_deadline: float = 40.0,
        connect_timeout: float = 5.0,
        read_timeout: float = 35.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._base_url = _checked_base_url(base_url)
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
        return understand(self._send("POST", f"/my/lock/{device_id:d}/pin", body=body), created_id)

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
        """Replace the whole PIN; what `body` leaves out is cleared (Tedee API, update PIN)."""
        return understand(self._send("PUT", f"/my/lock/{device_id:d}/pin/{pin_id:d}", body=body), _nothing)

    def delete_pin(self, device_id: int, pin_id: int) -> Answer[None]:
        """Remove a PIN (Tedee API, delete PIN). `PinNotFound` is a success too, once a list has confirmed it."""
        return understand(self._send("DELETE", f"/my/lock/{device_id:d}/pin/{pin_id:d}"), _nothing)

    def list_locks(self) -> Answer[tuple[RemoteLock, ...]]:
        """Every lock of the account, with accessories. Ten such requests in ten minutes are allowed (Tedee API).

        The API says that the listing is paged but not how, so further pages are requested until one brings no new
        lock. A server without pages answers the same again, or refuses the parameter.
        """
        received = self._send("GET", "/my/lock", query=(("IncludeAccessories", "true"),))
        answer = understand(received, _locks)
        found = {lock.id: lock for lock in answer.value}
        requests = 1
        for page in range(2, MOST_PAGES + 1):
            if not found:
                break
            requests += 1
            try:
                received = self._send("GET", "/my/lock", query=(("IncludeAccessories", "true"), ("page", str(page))))
            except BadRequest:
                break
            fresh = {lock.id: lock for lock in understand(received, _locks).value if lock.id not in found}
            if not fresh:
                break
            found.update(fresh)
        return Answer(tuple(found.values()), answer.status, answer.correlation_id, requests)

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

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: PinBody | None = None,
        not_modified: bool = False,
    ) -> Received:
        """One request, one answer: the only place where foreign errors become ours.

        The fault is raised after the `except` block, so that the foreign error, which may hold the request with key
        and PIN, is not even its context.
        """
        request = httpx.Request(
            method,
            self._base_url + path + (f"?{httpx.QueryParams(query)}" if query else ""),
            headers={
                "Authorization": self._auth.header(),
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "User-Agent": "Turnkey",
            },
            content=None if body is None else json.dumps(body.to_json()).encode("utf-8"),
            extensions={"timeout": self._timeouts},
        )
        fault: TedeeError | None
        try:
            received = self._exchange(request)
        except httpx.HTTPError as error:
            fault = _fault_for(error)
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


def _fault_for(error: httpx.HTTPError) -> TedeeError:
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)):
        return Unreachable()
    if isinstance(error, httpx.DecodingError):
        return ServerFault(detail="The answer is not encoded as it claims")
    if isinstance(error, httpx.TimeoutException):
        return NetworkFault(detail="The Tedee cloud did not answer in time", hung=True)
    return NetworkFault()


def _nothing(_: object) -> None:
    return None


def _listing(result: object) -> PinListing | None:
    return PinListing.from_json(result)


def _locks(result: object) -> tuple[RemoteLock, ...]:
    return tuple(RemoteLock.from_json(item) for item in elements_of(result))


def _connections(result: object) -> tuple[LockConnection, ...]:
    return tuple(LockConnection.from_json(item) for item in elements_of(result))


def _activities(result: object) -> tuple[ActivityItem, ...]:
    return tuple(ActivityItem.from_json(item) for item in elements_of(result))
