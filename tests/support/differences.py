"""Each way in which a cloud, or a person with the lock app, differs from what the documents promise."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from pins.models import Incident, Pin
from tests.support.house import House


@dataclass(frozen=True)
class Difference:
    """Settings of the simulated cloud while it lasts, and what a person does to it every hour."""

    settings: dict[str, Any] = field(default_factory=dict)
    every_hour: Callable[[House, random.Random], None] | None = None
    audit_seconds: int = 86_400  # how often locks are compared meanwhile
    tells: frozenset[str] = frozenset()  # kinds of incidents of which at least one must have been opened
    hides: bool = False  # no list shows all that is there, so that a second code may stay for as long as it lasts


def hands_in_the_app(house: House, rng: random.Random) -> None:
    """Somebody deletes, renames or narrows one of our codes; narrows each at most once, since twice is a decision."""
    ours = Pin.objects.filter(remote_id__isnull=False, edited_at=None, grant__ends_at__gt=timezone.now())
    pin = rng.choice([*ours.order_by("pk").select_related("lock"), None])
    if pin is None or pin.remote_id is None:
        return
    what = rng.choice(["delete", "rename", "narrow", "add"])
    device = pin.lock.device_id
    if what == "delete":
        house.cloud.remove_pin(device, pin.remote_id)
    elif what == "rename":
        house.cloud.change_pin(device, pin.remote_id, alias=f"Neighbour {rng.randint(1, 99)}")
    elif what == "narrow":
        house.cloud.change_pin(device, pin.remote_id, week_days=rng.randint(1, 126))
    else:
        house.cloud.add_foreign_pin(device, alias=f"Cleaner {rng.randint(1, 99)}")


def key_without_write_scope(house: House, rng: random.Random) -> None:
    """From time to time somebody takes the key's right to write away, and gives it back an hour later."""
    house.cloud.set_key_writes("demo", rng.random() < 0.6)


DIFFERENCES: dict[str, Difference] = {
    "lists lag a minute and a half": Difference({"list_lag": 90.0}),
    "lists lag an hour": Difference({"list_lag": 3600.0}),
    "lists show nothing": Difference({"list_shows": "nothing"}, hides=True),
    "lists leave some out": Difference({"list_shows": "omits"}, hides=True),
    "lists have no version": Difference({"list_version": "absent"}),
    "the version is stuck": Difference({"list_version": "stuck"}),
    "the version jumps": Difference({"list_version": "jumps"}),
    "aliases are cut": Difference({"alias_shape": "cut"}),
    "aliases are cut to ten": Difference({"alias_shape": "cut", "alias_cut": 10}),
    "aliases lose the number sign": Difference({"alias_shape": "no_hash"}),
    "aliases lose spaces": Difference({"alias_shape": "no_spaces"}),
    "aliases become capitals": Difference({"alias_shape": "upper"}),
    "long aliases are refused": Difference({"max_alias": 20}),
    "errors have no body": Difference({"error_body": "empty"}),
    "errors are problems": Difference({"error_body": "problem"}),
    "updates merge": Difference({"put": "merges"}),
    "seconds and hours read otherwise": Difference({"seconds_cut": True, "default_hours_shown": True}),
    "ids are text": Difference({"ids_as_text": True, "pins_null_when_empty": True}),
    "ids are used again": Difference({"id_reuse": True}),
    "ended codes stay a while": Difference({"expiry_lag": 600.0}),
    "starts in the past are refused": Difference({"reject_past_start": True}),
    "a hand in the app": Difference(
        every_hour=hands_in_the_app, audit_seconds=3600, tells=frozenset({Incident.Kind.CHANGED_IN_APP})
    ),
    "the key may not write at times": Difference(every_hour=key_without_write_scope),
}
