"""A process that empties the outbox of the guests, to be killed while it does so.

One word a line on standard input, one line of JSON on standard output for each.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import Any

import django

django.setup()

from apprise.plugins.clicksend import NotifyClickSend  # noqa: E402 - models can be imported only after the setup
from django.utils import timezone  # noqa: E402 - the same

from pins import tasks  # noqa: E402 - the same
from pins.guests import collecting  # noqa: E402 - the same
from pins.models import GuestGuide, GuestMessage, Incident  # noqa: E402 - the same
from rentals.models import Booking, Property  # noqa: E402 - the same

#: The service has a fixed host; here it is a server of the test.
NotifyClickSend.notify_url = os.environ["TEXT_SERVICE_URL"]


def prepare() -> None:
    """A guest who arrives soon and is to get the link in both ways."""
    flat = Property.objects.create(name="Flat", timezone="Europe/Warsaw", check_in_time="15:00", check_out_time="11:00")
    GuestGuide.objects.create(property=flat, text_service="clicksend://user:key@{phone}")
    begins = timezone.now() + timedelta(hours=3)
    Booking.objects.create(
        property=flat,
        guest_name="Anna",
        guest_email="anna@example.com",
        guest_phone="+48 601 234 567",
        check_in=begins,
        check_out=begins + timedelta(days=2),
    )
    collecting.collect(timezone.now())


def send() -> None:
    """What a worker does with the task of this name."""
    tasks.send_messages()


def age() -> None:
    """Every claim has ended, and every rest."""
    now = timezone.now()
    GuestMessage.objects.filter(claimed_until__isnull=False).update(claimed_until=now)
    GuestMessage.objects.filter(state="waiting").update(next_try_at=now)


def look() -> dict[str, Any]:
    """How the messages stand, by their way, and which incidents are open."""
    return {
        "messages": {one.way: [one.state, one.last_error] for one in GuestMessage.objects.all()},
        "incidents": list(Incident.objects.filter(resolved_at=None).values_list("kind", flat=True)),
    }


ACTIONS = {one.__name__: one for one in (prepare, send, age, look)}

for line in sys.stdin:
    print(json.dumps(ACTIONS[line.strip()]()), flush=True)
