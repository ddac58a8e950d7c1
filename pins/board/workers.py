"""Who works between two stays today and tomorrow, and which flats were said to be ready. Reads no code."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from pins.core.staff import Part
from pins.models import AccessGrant, FlatReady, StaffAccess
from pins.status.pins import pin_badge, pins_for_people
from pins.status.staff import staff_holder
from rentals.access import Scope, visible
from rentals.fields import behind
from rentals.models import Property
from rentals.wording import WORST_FIRST, Badge, brief

#: For so long a flat that was said to be ready counts as ready for whoever comes next.
LATELY: Final = timedelta(days=2)
#: How far ahead gaps are listed, and how many.
SOON: Final = timedelta(days=1)
MOST: Final = 25


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody's code in one flat between two stays."""

    key: int  # of the grant
    who: str
    place: Property
    starts_at: datetime
    ends_at: datetime
    when: str
    badge: Badge
    url: str


def workers(now: datetime, scope: Scope) -> tuple[Worker, ...]:
    """Those whose code works now or within `SOON`, in order. One query where nobody works, else two."""
    return _load(Q(starts_at__lt=now + SOON, ends_at__gt=now), MOST, now, scope)


def workers_at(places: list[Property], since: datetime, until: datetime, now: datetime, scope: Scope) -> list[Worker]:
    """Those of these properties whose code works within the period; of each access, the gap that runs or comes next is
    known."""
    return list(_load(Q(place__in=places, starts_at__lt=until, ends_at__gt=since), MOST * len(places), now, scope))


def _load(which: Q, most: int, now: datetime, scope: Scope) -> tuple[Worker, ...]:
    gaps = visible(AccessGrant.objects.filter(which, part=Part.GAP.value, wanted=True), scope)
    grants = list(
        gaps.select_related("place", "staff")
        .defer(*AccessGrant.SECRETS, *behind("staff", StaffAccess.SECRETS))
        .order_by("starts_at", "pk")[:most]
    )
    badges: defaultdict[int, list[Badge]] = defaultdict(list)
    for pin in pins_for_people().filter(grant__in=grants, wanted=True) if grants else ():
        badges[pin.grant_id].append(pin_badge(pin, now))
    return tuple(
        Worker(
            key=grant.pk,
            who=staff_holder(grant.holder_name, grant.staff.kind),
            place=grant.place,
            starts_at=grant.starts_at,
            ends_at=grant.ends_at,
            when=_("{first} to {last}").format(
                first=brief(grant.starts_at, now, grant.place.zone), last=brief(grant.ends_at, now, grant.place.zone)
            ),
            badge=min(badges[grant.pk], key=lambda one: WORST_FIRST.index(one.tone)),
            url=reverse("admin:pins_staffaccess_change", args=[grant.staff.pk]),
        )
        for grant in grants
        if grant.place is not None and grant.staff is not None and badges[grant.pk]
    )


def said_ready(now: datetime, scope: Scope) -> dict[int, datetime]:
    """By property, when somebody who works there said lately that it is ready."""
    marks = visible(FlatReady.objects.filter(at__gt=now - LATELY), scope)
    return dict(marks.order_by().values_list("property", "at"))
