"""The guarded HTTP client for addresses that somebody else chose: calendar feeds, webhooks of notifications."""

from rentals.outbound.client import USER_AGENT, Limits, Response, check, get, post
from rentals.outbound.errors import OutboundError, Refused, TimedOut, TooLarge, Unreachable, Unreadable
from rentals.outbound.network import INTERNET, NEIGHBOURHOOD, Network
from rentals.outbound.target import without_webcal

__all__ = [
    "INTERNET",
    "NEIGHBOURHOOD",
    "USER_AGENT",
    "Limits",
    "Network",
    "OutboundError",
    "Refused",
    "Response",
    "TimedOut",
    "TooLarge",
    "Unreachable",
    "Unreadable",
    "check",
    "get",
    "post",
    "without_webcal",
]
