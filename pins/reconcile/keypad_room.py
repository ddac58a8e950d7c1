"""Stores which PINs may use the room on a keypad. The rule is in `pins.core.capacity`."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from pins.core import capacity
from pins.desired import grants
from pins.models import AccessGrant, Incident, Pin
from rentals.fields import behind
from rentals.models import Lock


def admit(lock: Lock, foreign_pins: int, now: datetime) -> None:
    """Decide which PINs the keypad has room for. Called by the one run that holds the lock's lease.

    `foreign_pins`: how many PINs on the keypad are not ours. A PIN leaves only for a nearer arrival, never because the
    keypad turned out fuller than thought: our PINs keep the places that they have.
    """
    wanted = Pin.objects.filter(lock=lock, wanted=True, grant__ends_at__gt=now).select_related("grant")
    pins = list(wanted.defer(*Pin.SECRETS, *behind("grant", AccessGrant.SECRETS)))
    places = max(
        capacity.room(lock.pin_capacity, foreign_pins), sum(pin.remote_id is not None and pin.admitted for pin in pins)
    )
    chosen = capacity.admitted(
        [capacity.Candidate(pin.pk, pin.grant.starts_at, pin.grant.disclosed_at is not None) for pin in pins], places
    )
    for pin_id in [pin.pk for pin in pins if pin.admitted != (pin.pk in chosen)]:
        with transaction.atomic():
            grant = AccessGrant.objects.select_for_update(of=("self",)).get(pins=pin_id)
            pin = Pin.objects.select_for_update().get(pk=pin_id)
            pin.grant = grant
            pin.admitted = pin_id in chosen
            grants.raise_revision(pin, now)
    if len(chosen) < len(pins):
        Incident.open(Incident.Kind.TOO_MANY_CODES, now, about=lock)
    else:
        Incident.resolve(now, about=lock, kinds=(Incident.Kind.TOO_MANY_CODES,))
