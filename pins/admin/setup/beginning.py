"""The last steps: watch the first code being worked out, then let Turnkey write."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin.models import CHANGE
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from pins.admin.setup.answers import Answer, go
from pins.admin.setup.connecting import log
from pins.admin.setup.known import Facts
from pins.admin.setup.steps import Key
from pins.models import Pin
from pins.status.stays import panel
from rentals.access import EVERYTHING
from rentals.models import Booking, LockAccount
from rentals.phrases import mark
from rentals.wording import day_and_time


def watch_page(request: HttpRequest, facts: Facts) -> Answer:
    """The first stay, as its own page shows it."""
    if facts.stay is None:
        return {}
    booking = Booking.objects.select_related("property").filter(pk=facts.stay.id).first()
    if booking is None:  # it was deleted a moment ago
        return {}
    return {
        "booking": booking,
        "arrives": day_and_time(booking.check_in, booking.property.zone),
        "leaves": day_and_time(booking.check_out, booking.property.zone),
        "panel": panel(booking, facts.now, EVERYTHING),
        "unread": any(not one.looked for one in facts.doors_of(facts.stay)),
    }


def begin_page(request: HttpRequest, facts: Facts) -> Answer:
    observed = facts.observed(facts.stay) if facts.stay is not None else ()
    ids = [one.id for one in observed]
    due = Pin.objects.filter(wanted=True, grant__wanted=True, lock__account__in=ids, grant__issue_at__lte=facts.now)
    return {
        **watch_page(request, facts),
        "observed": observed,
        "due": due.filter(grant__ends_at__gt=facts.now).values("grant").distinct().count(),
    }


def begin_pressed(request: HttpRequest, facts: Facts) -> Answer | HttpResponse:
    """The tick is off: from now on all that is due on these accounts' locks is done."""
    if "observe_only" in request.POST:
        messages.info(request, _("The tick is still there, so Turnkey goes on observing and writes nothing."))
        return go(Key.BEGIN)
    observed = facts.observed(facts.stay) if facts.stay is not None else ()
    with transaction.atomic():
        for account in LockAccount.objects.filter(pk__in=[one.id for one in observed]).defer(*LockAccount.SECRETS):
            account.observe_only = False
            account.save(update_fields=["observe_only"])
            log(request, account, CHANGE, mark("Observe only: yes → no."))
    return go(Key.BEGIN)
