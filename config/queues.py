"""Two queues: what a door waits for, and what may take its time.

`celery -A config worker` takes both. On several machines give each queue workers of its own with `-Q`
(docs/operations.md).
"""

from __future__ import annotations

from typing import Any, Final

from kombu import Queue

DOORS: Final = "turnkey"
SLOW: Final = "turnkey-slow"

#: A queue without a routing key of its own would get the messages of the default queue too.
QUEUES: Final = tuple(Queue(name, routing_key=name) for name in (DOORS, SLOW))

#: What waits for other people's servers, or works through many rows, and opens no door. Whatever is not named here
#: goes to `DOORS`.
ROUTES: Final[dict[str, dict[str, Any]]] = {
    name: {"queue": SLOW}
    for name in (
        "rentals.tasks.poll_feeds",
        "rentals.tasks.fetch_feed",
        "rentals.tasks.purge",
        "pins.tasks.list_locks",
        "pins.tasks.read_activity",
        "pins.tasks.measure",
        "pins.tasks.notify",
        "pins.tasks.send_messages",
        "pins.tasks.purge",
        "config.people.tasks.mail_link",
        "config.people.tasks.review_logins",
    )
}
