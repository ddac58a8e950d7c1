"""A stay as its guest's page and messages need it, read from the database. Reads no code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from pins.core.pin_state import State
from pins.desired import handing_out
from pins.guests.status import DoorFacts, StayFacts
from pins.models import AccessGrant, GuestGuide, GuestPage, GuestText, LockState, Pin
from pins.status.locks import is_low, lock_badge
from pins.status.pins import is_confirmed, is_observed, pins_for_people
from pins.status.stays import guest_grants
from pins.status.wording import Kind
from rentals.fields import behind
from rentals.models import Booking, Lock, LockAccount

#: In trouble, or being changed after it was on the lock: a guest reads “being repaired”, not “being set”.
_TROUBLED = frozenset({State.BLOCKED, State.IN_DOUBT, State.CHANGING, State.REMOVING})


_HAS_SPARE = Exists(AccessGrant.objects.filter(booking=OuterRef("pk"), kind=AccessGrant.Kind.BACKUP).order_by())


@dataclass(frozen=True)
class GuestStay:
    """One stay with everything that a guest may hear about it."""

    page: GuestPage
    booking: Booking
    guide: GuestGuide
    grant_id: int | None
    facts: StayFacts


def read(page: GuestPage, now: datetime) -> GuestStay | None:
    """The stay of a page; `None` where its property has no active guide. In four queries, however many locks; two more
    where its guest was given a spare code."""
    # Secrets are read where they are needed: one that no key opens must not stop everything else.
    rows = Booking.objects.select_related("property__guide").defer(*behind("property__guide", GuestGuide.SECRETS))
    booking = rows.annotate(has_spare=_HAS_SPARE).filter(pk=page.booking_id).first()
    guide = getattr(booking.property, "guide", None) if booking is not None else None
    if booking is None or guide is None or not guide.is_active:
        return None
    grant = guest_grants().filter(booking=booking).first()
    pins = list(pins_for_people().filter(grant=grant, wanted=True)) if grant is not None else []
    locks = booking.property.locks.filter(is_active=True).select_related("operation", "account__operation")
    unneeded = (*behind("account", LockAccount.SECRETS), *behind("operation", LockState.LISTS))
    doors = list(locks.defer(*unneeded).order_by("name", "pk"))
    spared = handing_out.opened_by_spares(booking.pk, now) if getattr(booking, "has_spare", False) else frozenset[int]()
    found = facts(page, booking, grant, pins, doors, now, spared=spared)
    return GuestStay(page, booking, guide, grant.pk if grant else None, found)


def facts(
    page: GuestPage,
    booking: Booking,
    grant: AccessGrant | None,
    pins: list[Pin],
    locks: list[Lock],
    now: datetime,
    *,
    spared: frozenset[int] = frozenset(),
) -> StayFacts:
    """The facts of a stay from its rows. `pins`: the wanted ones of the grant. `locks`: the active ones of its
    property; each of them is a door, also where no code is planned for it yet. `spared`: the locks that a spare code of
    the stay opens now."""
    guide = booking.property.guide
    by_lock = {pin.lock_id: pin for pin in pins}
    doors = {lock.pk: lock for lock in locks} | {pin.lock_id: pin.lock for pin in pins}
    begins, ends = booking.check_in, booking.check_out
    return StayFacts(
        check_in=begins,
        check_out=ends,
        works_from=grant.starts_at if grant is not None else begins,
        works_until=grant.ends_at if grant is not None else ends,
        is_expected=booking.status == Booking.Status.CONFIRMED and (grant is None or grant.revoked_at is None),
        covered=grant is not None and grant.wanted and _covers(grant, booking),
        released=not guide.needs_release or page.released_at is not None,
        code_lead=timedelta(hours=guide.code_hours),
        doors=tuple(
            _door(lock, by_lock.get(lock.pk), grant, now, spare=lock.pk in spared)
            for lock in sorted(doors.values(), key=lambda one: (one.name, one.pk))
        ),
    )


def _covers(grant: AccessGrant, booking: Booking) -> bool:
    """Whether the code is meant for all of the stay. Rows that were changed in bulk wait for the drift check."""
    return grant.starts_at <= booking.check_in and booking.check_out.replace(microsecond=0) <= grant.ends_at


def _door(lock: Lock, pin: Pin | None, grant: AccessGrant | None, now: datetime, *, spare: bool) -> DoorFacts:
    state = State(pin.state) if pin is not None else State.SCHEDULED
    tried = pin is not None and bool(pin.last_cause) and state is not State.SET
    return DoorFacts(
        lock_id=lock.pk,
        name=lock.name,
        confirmed=pin is not None and is_confirmed(pin, now),
        waits=grant is None or now < grant.issue_at or (pin is not None and is_observed(pin)),
        troubled=state in _TROUBLED or tried,
        offline=lock_badge(lock, now).kind is Kind.OFFLINE,
        battery_low=is_low(lock),
        no_keypad=lock.has_keypad is False,
        spare=spare,
    )


def words_of(guide: GuestGuide, language: str) -> GuestText:
    """The host's words in a language: where there are none, the English ones, else those of any language; field by
    field, so that door instructions in one language serve all. Not saved."""
    texts = {text.language: text for text in guide.texts.all()}
    order = [texts[one] for one in dict.fromkeys((language, "en", *texts)) if one in texts]
    found = GuestText(guide=guide, language=language)
    for name in ("door_instructions", "check_out_notes"):
        setattr(found, name, next((getattr(one, name) for one in order if getattr(one, name)), ""))
    own = texts.get(language) or GuestText()
    # A message is one text: never a subject in one language and a body in another.
    found.subject, found.message = own.subject, own.message
    return found
