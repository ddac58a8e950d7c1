"""Requests to and replies from the simulated cloud, and the JSON envelope around every result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Literal

Delivery = Literal["answer", "drop", "hang", "slow"]
_BARE = (401, 403, 404, 409, 428, 429)  # the errors that gateways and middleware give, too
_IDS = ("id", "deviceId", "connectedToId", "listVersion")


@dataclass(frozen=True)
class Request:
    """One HTTP request as the cloud sees it; the headers (key) and the body (PIN) stay out of its repr."""

    method: str
    path: str  # without the query
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """The value of a header whatever its spelling in capitals, or an empty text."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")


@dataclass(frozen=True)
class Reply:
    """One HTTP answer and how it reaches the client.

    `delivery` is `answer`; `drop` (connection closed without a byte), `hang` (never answered) or `slow`
    (a byte a second). The status is what the cloud would have answered, even when the client never receives it.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    delivery: Delivery = "answer"


@dataclass(frozen=True)
class OperationResult:
    """The result of an operation, before the envelope; `changed` says whether a pin was changed."""

    status: int
    result: object = field(default=None, repr=False)
    errors: tuple[str, ...] = ()
    changed: bool = False


def envelope(outcome: OperationResult, *, ids_as_text: bool = False) -> Reply:
    """Put an outcome into Tedee's JSON envelope; 204 and 304 have no body, as HTTP demands."""
    if outcome.status in (204, 304):
        return Reply(outcome.status)
    payload: dict[str, object] = {
        "result": _with_text_ids(outcome.result) if ids_as_text else outcome.result,
        "success": outcome.status < 300,
        "errorMessages": list(outcome.errors),
        "statusCode": outcome.status,
    }
    return json_reply(payload, outcome.status)


def as_another_cloud(reply: Reply, *, error_body: str, body_on_no_content: bool) -> Reply:
    """An answer of the API in the shape of a cloud that differs from the documents (`CloudSettings` says how)."""
    if reply.status in (204, 304) and body_on_no_content:
        shown: dict[str, object] = {"result": None, "success": True, "errorMessages": [], "statusCode": reply.status}
        return replace(json_reply(shown, reply.status), delivery=reply.delivery)
    kind = dict(reply.headers).get("Content-Type", "")
    if reply.status not in _BARE or not kind.startswith("application/json") or error_body == "envelope":
        return reply
    others = tuple(header for header in reply.headers if header[0] != "Content-Type")
    if error_body == "empty":
        return replace(reply, headers=others, body=b"")
    problem = {"type": "about:blank", "title": HTTPStatus(reply.status).phrase, "status": reply.status}
    headers = (("Content-Type", "application/problem+json; charset=utf-8"), *others)
    return replace(reply, headers=headers, body=json.dumps(problem).encode())


def json_reply(payload: object, status: int = 200) -> Reply:
    """Any JSON document as a reply."""
    body = json.dumps(payload).encode()
    return Reply(status, (("Content-Type", "application/json; charset=utf-8"),), body)


def html_reply(status: int, title: str) -> Reply:
    """An HTML page as a proxy, or a retired version of the API, sends it: no envelope."""
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()
    return Reply(status, (("Content-Type", "text/html; charset=utf-8"),), body)


def instant_text(moment: datetime | None) -> str | None:
    """A moment as the API writes it: UTC, milliseconds, `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _with_text_ids(result: object) -> object:
    if isinstance(result, list):
        return [_with_text_ids(item) for item in result]
    if not isinstance(result, dict):
        return result
    return {
        name: str(value) if name in _IDS and isinstance(value, int) else _with_text_ids(value)
        for name, value in result.items()
    }
