"""Asks a channel for a calendar, and explains to the operator why it did not come."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from rentals import outbound
from rentals.calendars.events import FeedError, FeedFault
from rentals.calendars.fetching.refusals import refusal
from rentals.calendars.fetching.trust import NONE, Validators, contradicts, said_by, usable
from rentals.outbound import INTERNET, Limits, Network
from rentals.phrases import phrase, together

#: Some channels answer 403 to a client that does not say who it is.
USER_AGENT: Final = f"{outbound.USER_AGENT} (+calendar import)"
ACCEPT: Final = "text/calendar, */*;q=0.5"
SHORTEST_SECONDS: Final = 2.0  # for the second of two requests
LONGEST_RETRY_AFTER: Final = timedelta(hours=6)
MARK_LENGTH: Final = 12  # what `asking` puts before a validator, and a space
LONGEST_ETAG: Final = 255 - MARK_LENGTH - 1  # FeedState.etag
LONGEST_DATE: Final = 64 - MARK_LENGTH - 1  # FeedState.last_modified


@dataclass(frozen=True)
class Fetched:
    """What a channel answered."""

    body: bytes | None = field(repr=False)  # None: nothing has changed since the validators that we sent
    validators: Validators = NONE  # of the content, empty where the server gives none that we can keep


def fetch(
    url: str,
    *,
    validators: Validators = NONE,
    now: datetime,
    user_agent: str = "",
    limits: Limits | None = None,
    network: Network = INTERNET,
) -> Fetched:
    """Fetch a calendar once. Raises FeedError, whose text never holds the address.

    Give `validators` only while the content that they belong to is held (RFC 9110, 13.1): the answer may be that it has
    not changed. If that answer contradicts itself, the whole calendar is asked for at once, within the same limits.
    `now` counts a Retry-After of the server. `user_agent`: how to introduce ourselves, if not as Turnkey.
    """
    asked = {"User-Agent": _printable(user_agent) or USER_AGENT, "Accept": ACCEPT}
    limits, began = limits or Limits(), time.monotonic()
    if validators:
        answer = _get(url, {**asked, **_conditions(validators)}, limits, network)
        if answer.status != 304:
            return _received(answer, now)
        if not contradicts(validators, said_by(answer.headers), answer.headers.get("date", ""), now):
            return Fetched(None, validators)
        limits = replace(limits, seconds=max(limits.seconds - (time.monotonic() - began), SHORTEST_SECONDS))
    # Caches on the way must not answer in the server's place (RFC 9111, 5.2.1.4).
    return _received(_get(url, {**asked, "Cache-Control": "no-cache"}, limits, network), now)


def _conditions(validators: Validators) -> dict[str, str]:
    named = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in named.items() if value}


def _received(answer: outbound.Response, now: datetime) -> Fetched:
    if answer.status != 200 or refusal(answer.status, answer.headers):
        raise _status_error(answer.status, answer.headers, now)
    said = usable(said_by(answer.headers), answer.headers.get("date", ""), now)
    kept = Validators(_kept(said.etag, LONGEST_ETAG), _kept(said.last_modified, LONGEST_DATE))
    return Fetched(answer.body, kept)


def _printable(user_agent: str) -> str:
    if not user_agent.isascii() or not (user_agent.isprintable()):
        raise FeedError(
            FeedFault.URL_REFUSED,
            phrase(
                "The User-Agent of this calendar has characters that no request may hold. Use plain ASCII, on one line."
            ),
        )
    return user_agent.strip()


def _get(url: str, headers: Mapping[str, str], limits: Limits | None, network: Network) -> outbound.Response:
    try:
        return outbound.get(url, headers=headers, limits=limits, network=network)
    except outbound.Refused as error:
        failure = _failure(FeedFault.URL_REFUSED, error, phrase("Check the address of the calendar."))
    except outbound.TimedOut as error:
        failure = _failure(FeedFault.TIMEOUT, error, phrase("Turnkey will try again."))
    except outbound.TooLarge as error:
        failure = _failure(FeedFault.TOO_LARGE, error, phrase("Ask the channel for an export with fewer past events."))
    except outbound.OutboundError as error:
        failure = _failure(FeedFault.UNREACHABLE, error, phrase("Turnkey will try again."))
    raise failure


def _failure(fault: FeedFault, error: outbound.OutboundError, remedy: str) -> FeedError:
    return FeedError(fault, together(error.args[0] if error.args else str(error), remedy))


def _status_error(status: int, headers: Mapping[str, str], now: datetime) -> FeedError:
    """The only place where a status becomes a fault."""
    if status in (404, 410):
        return FeedError(
            FeedFault.LINK_RESET,
            phrase(
                "The channel says that this calendar does not exist ({status}): the link was reset. "
                "Copy the new export link from the channel. All stays are kept.",
                status=status,
            ),
        )
    if refused := refusal(status, headers):
        return FeedError(FeedFault.ACCESS_DENIED, refused)
    if status in (429, 503):
        text = phrase("The channel asks us to come back later ({status}).", status=status)
        return FeedError(FeedFault.HTTP_STATUS, text, retry_at=retry_at(headers.get("retry-after", ""), now))
    if status == 304:
        return FeedError(
            FeedFault.NOT_MODIFIED,
            phrase(
                "The channel says “not modified” (304), although Turnkey asked for the whole calendar: what is known "
                "of it may be out of date. Copy its export link once more. Turnkey will try again; all stays are kept."
            ),
        )
    if 300 <= status <= 399:
        text = phrase("The channel redirects without saying where ({status}).", status=status)
        return FeedError(FeedFault.HTTP_STATUS, text)
    text = phrase("The channel answers with status {status}. Turnkey will try again.", status=status)
    return FeedError(FeedFault.HTTP_STATUS, text)


def retry_at(text: str, now: datetime) -> datetime | None:
    """When a Retry-After of seconds or an HTTP date lets us return (RFC 9110, 10.2.3), at most six hours from `now`.

    None when there is none, it cannot be read, or it is past.
    """
    text = text.strip()
    latest = now + LONGEST_RETRY_AFTER
    if text.isascii() and text.isdigit():
        # Compared as a number first: an absurd one would overflow a timedelta.
        seconds = min(int(text[:12]), int(LONGEST_RETRY_AFTER.total_seconds()))
        return now + timedelta(seconds=seconds) if seconds else None
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(moment.astimezone(UTC), latest) if moment > now else None
    except (ValueError, OverflowError):
        return None


def _kept(validator: str, longest: int) -> str:
    """The validator, "" when it does not fit its column: cut off it would match nothing, or the wrong content."""
    validator = validator.strip()
    return validator if len(validator) <= longest and validator.isprintable() else ""
