"""Whether the calendars are read."""

from __future__ import annotations

from collections.abc import Iterator

from pins.stack.checkup.findings import Finding, ok, warn
from rentals.models import CalendarFeed, FeedState

_SECRETS = ("url", "token", "signing_secret", "previous_signing_secret")
#: Column of the state, what it means, what to do; the first that applies is reported.
_TROUBLES = (
    ("held_since", "is held: stays vanished from it.", "Open the feed in the admin, then keep or cancel them."),
    ("reset_since", "has a link that does not exist any more.", "Copy the channel's new export link into the feed."),
    ("refused_since", "is refused by its channel.", "Open the feed in the admin: it says why, and what helps."),
    ("stale_since", "was not read for a long time.", "Open the feed in the admin: it says why."),
    ("failing_since", "cannot be read at present.", "It is tried again by itself; the feed's page says why."),
)


def calendars() -> Iterator[Finding]:
    """What the last fetches left behind; no channel is asked. A feed in trouble is a warning: its stays are kept."""
    states = FeedState.objects.filter(feed__is_active=True).order_by("feed__name", "feed_id")
    in_trouble = 0
    for state in states.select_related("feed").defer(*(f"feed__{name}" for name in _SECRETS)):
        for column, trouble, remedy in _TROUBLES:
            if getattr(state, column) is not None:
                in_trouble += 1
                yield warn(f"calendar, {state.feed.name}", f"{trouble}{_since(state)}", remedy)
                break
    count = CalendarFeed.objects.filter(is_active=True).count()
    if count and not in_trouble:
        yield ok("calendars", f"{count} switched on, none in trouble")


def _since(state: FeedState) -> str:
    if state.last_good_at is None:
        return " It was never read without an error."
    return f" Last read without an error: {state.last_good_at:%Y-%m-%d %H:%M} UTC."
