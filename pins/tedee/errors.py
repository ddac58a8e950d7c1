"""What can go wrong between us and the Tedee cloud, ordered by what we may conclude from it.

    TedeeError
    ├── RefusedError             certain: the request was not applied
    │   ├── BadRequest           400, and any 4xx of Tedee's that is not listed here
    │   ├── Unauthorized         401
    │   ├── TokenEnded           401 to an access token that is renewed; or it is being renewed, and nothing was sent
    │   ├── Forbidden            403, whatever its body
    │   ├── PinNotFound          404, only inside Tedee's own JSON envelope
    │   ├── PinExists            406
    │   ├── DeviceBusy           409
    │   ├── NoRoom               412, and 422 in older versions of the API
    │   ├── DeviceOffline        428
    │   ├── RateLimited          429
    │   └── Unreachable          no connection was made, so nothing was sent
    └── AmbiguousError           it may have been applied: look before acting
        ├── DeviceTimeout        408
        ├── ServerFault          5xx, redirects, HTML, bad JSON, a body of the wrong shape, a 404 without envelope
        └── NetworkFault         the connection broke or hung after the request went out

All texts are ours. Nothing that a server said is repeated, because it may echo a PIN.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pins.tedee.refusals import About, what_is_named


class Cause(StrEnum):
    """Why a request failed, in the words that retry rules, attempts and incidents use."""

    TIMEOUT = "timeout"
    BUSY = "busy"
    OFFLINE = "offline"
    SERVER = "server"
    NETWORK = "network"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    RENEWAL = "renewal"
    FORBIDDEN = "forbidden"
    BAD_REQUEST = "bad_request"
    NOT_FOUND = "not_found"
    PIN_EXISTS = "pin_exists"
    NO_ROOM = "no_room"


class TedeeError(Exception):
    """A request that failed, or whose outcome is unknown.

    `status` is the HTTP status, None when no answer came. `retry_after` is in seconds, as the server asked.
    `detail` is a short text of ours.
    """

    cause: ClassVar[Cause]
    summary: ClassVar[str]

    def __init__(
        self,
        status: int | None = None,
        correlation_id: str = "",
        retry_after: float | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(status, correlation_id, retry_after, detail)
        self.status = status
        self.correlation_id = correlation_id
        self.retry_after = retry_after
        self.detail = detail

    def __str__(self) -> str:
        facts = [] if self.status is None else [f"status {self.status}"]
        if self.correlation_id:
            facts.append(f"correlation {self.correlation_id}")
        text = self.detail or self.summary
        return f"{text} ({', '.join(facts)})" if facts else text


class RefusedError(TedeeError):
    """Certain: the request was not applied."""


class AmbiguousError(TedeeError):
    """The request may have been applied. Look at the lock before sending anything again."""


class BadRequest(RefusedError):
    """400: the request breaks a rule of the API. The same request will fail again.

    `about` is what the refusal named: the `alias`, the `value`, the `period`; empty when it named none of them or
    several. It is all that is kept of the server's words.
    """

    cause = Cause.BAD_REQUEST
    summary = "Tedee refused the request as invalid"

    def __init__(
        self,
        status: int | None = None,
        correlation_id: str = "",
        retry_after: float | None = None,
        detail: str = "",
        *,
        about: About = "",
    ) -> None:
        super().__init__(status, correlation_id, retry_after, detail)
        self.about: About = about


class Unauthorized(RefusedError):
    """401: the account's key is wrong, expired or revoked."""

    cause = Cause.UNAUTHORIZED
    summary = "Tedee does not accept the account's key"


class TokenEnded(RefusedError):
    """The account's access token has ended. Another one is had without a person; then the request may be sent again."""

    cause = Cause.RENEWAL
    summary = "The account's access to Tedee is being renewed"


class Forbidden(RefusedError):
    """403: the account may not manage this lock, or its key may only read.

    A gateway's 403 counts, too: it may come without the envelope, and whoever refused, nothing was applied.
    """

    cause = Cause.FORBIDDEN
    summary = "The account has no permission for this lock"


class PinNotFound(RefusedError):
    """404 inside the envelope: the lock has no such PIN."""

    cause = Cause.NOT_FOUND
    summary = "The lock has no such PIN"


class PinExists(RefusedError):
    """406: a PIN like this is on the lock already. It may be ours, from an attempt whose answer was lost."""

    cause = Cause.PIN_EXISTS
    summary = "The lock has such a PIN already"


class DeviceBusy(RefusedError):
    """409: another request for this device is running."""

    cause = Cause.BUSY
    summary = "The lock is busy with another request"


class NoRoom(RefusedError):
    """412 (422 in older versions): the keypad can hold no more PINs."""

    cause = Cause.NO_ROOM
    summary = "The lock has no room for another PIN"


class DeviceOffline(RefusedError):
    """428: the lock is disconnected from the cloud or not set up correctly."""

    cause = Cause.OFFLINE
    summary = "The lock is not connected"


class RateLimited(RefusedError):
    """429: the account has spent its requests of this window."""

    cause = Cause.RATE_LIMITED
    summary = "The account has reached its request limit"


class Unreachable(RefusedError):
    """No connection could be made, so nothing was sent."""

    cause = Cause.NETWORK
    summary = "The Tedee cloud cannot be reached"


class DeviceTimeout(AmbiguousError):
    """408: the cloud lost the device while the request was under way."""

    cause = Cause.TIMEOUT
    summary = "The lock did not answer the Tedee cloud in time"


class ServerFault(AmbiguousError):
    """5xx, a redirect, HTML from a proxy, bad JSON, or an answer of an unknown shape."""

    cause = Cause.SERVER
    summary = "The Tedee cloud gave an unusable answer"


class NetworkFault(AmbiguousError):
    """The connection broke after the request had begun to go out.

    `hung` is True when our own read or total deadline ended it: the server may still be working on the request.
    """

    cause = Cause.NETWORK
    summary = "The connection to the Tedee cloud was lost"

    def __init__(
        self,
        status: int | None = None,
        correlation_id: str = "",
        retry_after: float | None = None,
        detail: str = "",
        *,
        hung: bool = False,
    ) -> None:
        super().__init__(status, correlation_id, retry_after, detail)
        self.hung = hung


_BY_STATUS: dict[int, type[TedeeError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: PinNotFound,
    406: PinExists,
    408: DeviceTimeout,
    409: DeviceBusy,
    412: NoRoom,
    422: NoRoom,
    428: DeviceOffline,
    429: RateLimited,
}
# These mean the same from Tedee and from a gateway in front of it; and 408 is in doubt either way.
_ANY_BODY = frozenset({401, 403, 408, 409, 412, 422, 428, 429})


def error_for(
    status: int,
    body: object,
    *,
    not_modified_asked: bool = False,
    correlation_id: str = "",
    retry_after: float | None = None,
) -> TedeeError | None:
    """Translate one answer: None when it is a success, else the error to raise (Tedee API, response codes).

    `body` is the decoded JSON, or None when there was none or it could not be read. `not_modified_asked` says that
    the request carried a `listVersion`, so that 304 is an answer to it.
    """

    def fault(kind: type[TedeeError], detail: str = "") -> TedeeError:
        return kind(status, correlation_id, retry_after, detail)

    enveloped = is_envelope(body, status)
    if status == 204 or (status == 304 and not_modified_asked):
        return None
    if status in (200, 201):
        if enveloped and isinstance(body, dict) and body["success"]:
            return None
        return fault(ServerFault, "The answer is not in Tedee's JSON envelope, or says that it failed")
    if status in _ANY_BODY:
        return fault(_BY_STATUS[status])
    # A gateway answers 404 for a retired version or a wrong address. Believing that would "confirm" every deletion.
    trusted = isinstance(body, dict) if status in (400, 406) else enveloped
    if not (400 <= status < 500 and trusted):
        return fault(ServerFault)
    if status == 400:
        return BadRequest(status, correlation_id, retry_after, about=what_is_named(body))
    return fault(_BY_STATUS.get(status, BadRequest))


def is_envelope(body: object, status: int) -> bool:
    """Whether a body is Tedee's `{"result", "success", "errorMessages", "statusCode"}`, and not some gateway's JSON.

    `statusCode` may be missing; in an error it must agree with the HTTP status.
    """
    if not isinstance(body, dict) or not isinstance(body.get("success"), bool):
        return False
    if "errorMessages" not in body and "result" not in body:
        return False
    return status < 400 or (body["success"] is False and body.get("statusCode", status) == status)
