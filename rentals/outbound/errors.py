"""What can go wrong with a request to an address that somebody else chose. No text names more than the host.

OutboundError
├── Refused       we do not connect: scheme, host, address, redirect
├── Unreachable   no such name, no connection, no valid certificate, or the connection broke
├── TimedOut      the deadline passed
├── TooLarge      more bytes than allowed
└── Unreadable    the answer is not HTTP, or is packed in a way that we did not offer
"""

from __future__ import annotations


class OutboundError(Exception):
    """A request brought no answer that we can use. The text is for people."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        """The `Phrase` itself, so that whoever shows it can say it in another language."""
        return self.text


class Refused(OutboundError):
    """We do not connect to this address."""


class Unreachable(OutboundError):
    """The server could not be reached, or the connection broke."""


class TimedOut(OutboundError):
    """The deadline passed."""


class TooLarge(OutboundError):
    """The answer has more bytes than allowed."""


class Unreadable(OutboundError):
    """The answer is not HTTP, or cannot be unpacked."""
