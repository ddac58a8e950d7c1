"""What can go wrong with a request to an address that somebody else chose. No text names more than the host.

OutboundError
├── Refused       we do not go there: scheme, host, address, redirect
├── Unreachable   no such name, no connection, no valid certificate, or the connection broke
├── TimedOut      the deadline passed
├── TooLarge      more bytes than allowed
└── Unreadable    the answer is not HTTP, or packed in a way that we did not ask for
"""

from __future__ import annotations


class OutboundError(Exception):
    """A request did not bring an answer that we can use."""


class Refused(OutboundError):
    """We do not go there."""


class Unreachable(OutboundError):
    """The server could not be reached, or the connection broke."""


class TimedOut(OutboundError):
    """The deadline passed."""


class TooLarge(OutboundError):
    """The answer has more bytes than allowed."""


class Unreadable(OutboundError):
    """The answer is not what we asked for."""
