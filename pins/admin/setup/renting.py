"""The steps in the middle: flats and their locks, a calendar with its preview, a booking."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from pins.admin.setup.answers import Answer, go
from pins.admin.setup.connecting import log, read_keypads
from pins.admin.setup.forms import CalendarForm, FlatForm, StayForm
from pins.admin.setup.known import Facts
from pins.admin.setup.steps import Key
from rentals import calendar_terms, languages, tasks
from rentals.admin import feed_actions, feed_preview, lock_warnings
from rentals.calendars.events import FeedError
from rentals.calendars.fetching.polling import fetch_once
from rentals.calendars.imports import run
from rentals.models import CalendarFeed, Lock
from rentals.phrases import mark
from rentals.wording import said

_ENTERED: Final = mark("Entered in the first run.")

#: The line in the history of a calendar by which it is known as one of ours.
_CALENDAR_ENTERED: Final = mark("Entered in the first run, and not read yet.")

# -- flats -------------------------------------------------------------------------------------------------------


def flats_page(request: HttpRequest, facts: Facts) -> Answer:
    names = {one.id: one.name for one in facts.doors}
    served = [(one, [names[pk] for pk in sorted(one.door_ids) if pk in names]) for one in facts.flats]
    return {"form": FlatForm(facts=facts), "served": served, "may_add": bool(facts.usable)}


def flats_pressed(request: HttpRequest, facts: Facts) -> Answer | HttpResponse:
    form = FlatForm(request.POST, facts=facts)
    if not form.is_valid():
        return {**flats_page(request, facts), "form": form}
    with transaction.atomic():
        flat = form.save()
        log(request, flat, ADDITION, _ENTERED)
    for text in lock_warnings.of_property(flat):
        messages.warning(request, text)
    messages.success(request, _("{flat}: saved.").format(flat=flat))
    return go(Key.FLATS)


# -- the calendar ------------------------------------------------------------------------------------------------


def _begun() -> CalendarFeed | None:
    """The calendar that was entered here and not taken over yet: it is switched off and was never read. Its history
    tells it from one that was entered elsewhere and is switched off."""
    ours = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(CalendarFeed),
        action_flag=ADDITION,
        change_message=_CALENDAR_ENTERED,
    )
    ids = [int(one) for one in ours.order_by("-pk").values_list("object_id", flat=True)[:100] if one]
    waiting = CalendarFeed.objects.filter(pk__in=ids, is_active=False, state__last_good_at=None)
    return waiting.select_related("property").defer(*CalendarFeed.SECRETS).order_by("-pk").first()


def calendar_page(request: HttpRequest, facts: Facts) -> Answer:
    feed = _begun()
    return {"feed": feed, "form": CalendarForm(instance=feed), "may_add": bool(facts.flats)}


@sensitive_variables("carried", "form")
def calendar_pressed(request: HttpRequest, facts: Facts) -> Answer | HttpResponse:
    """`carried`: take over what the preview showed. Otherwise keep what was typed, and show a preview."""
    feed = _begun()
    if "carried" in request.POST and feed is not None:
        return _take_over(request, feed)
    form = CalendarForm(request.POST, instance=feed)
    if not form.is_valid():
        return {"feed": feed, "form": form, "may_add": True}
    with transaction.atomic():
        form.instance.is_active = False
        if form.cleaned_data["url"]:
            form.instance.url = form.cleaned_data["url"]
        is_new = form.instance.pk is None
        feed = form.save()
        log(request, feed, ADDITION if is_new else CHANGE, _CALENDAR_ENTERED)
    return _preview(request, feed)


@sensitive_variables("body")
def _preview(request: HttpRequest, feed: CalendarFeed) -> Answer:
    """What the calendar would bring; nothing of it is kept."""
    now = timezone.now()
    shown: Answer = {"feed": feed, "form": CalendarForm(instance=feed), "may_add": True}
    try:
        body = fetch_once(feed, now)
        summary = run.import_calendar(feed.pk, body, now, as_of=now, dry_run=True)
    except FeedError as error:
        kept = _("{calendar}: {reason} Your entries are kept. Paste the link once more, or correct it.")
        messages.error(request, kept.format(calendar=feed, reason=said(error.args[0])))
        return {**shown, "failed": True}
    carried = feed_preview.carry(body, now, feed_id=feed.pk, user_id=int(request.user.pk or 0))
    return {**shown, "preview": feed_preview.preview(summary), "carried": carried}


@sensitive_variables("carried")
def _take_over(request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
    """Import exactly what the preview showed, and read the calendar regularly from now on."""
    try:
        carried = feed_preview.uncarry(request.POST["carried"], feed_id=feed.pk, user_id=int(request.user.pk or 0))
        summary = run.import_calendar(
            feed.pk, carried.body, timezone.now(), as_of=carried.as_of, updates=feed_actions.BY_HAND
        )
    except feed_preview.NotCarried:
        old = _("{calendar}: this preview is too old or damaged. Nothing was taken over; look once more.")
        messages.error(request, old.format(calendar=feed))
        return go(Key.CALENDAR)
    except FeedError as error:
        failed = _("{calendar}: {reason} Nothing was taken over.")
        messages.error(request, failed.format(calendar=feed, reason=said(error.args[0])))
        return go(Key.CALENDAR)
    with transaction.atomic():
        feed.is_active = True
        feed.save(update_fields=["is_active"])
        with languages.speaking(languages.ENGLISH):
            counts = calendar_terms.counts(summary.as_json())
        log(request, feed, CHANGE, f"Taken over in the first run ({counts}).")
    tasks.ask_for_fetch(feed.pk, timezone.now())
    taken = _("{calendar}: taken over ({counts}).")
    messages.success(request, taken.format(calendar=feed, counts=calendar_terms.counts(summary.as_json())))
    return go(Key.STAY)


# -- the booking -------------------------------------------------------------------------------------------------


def stay_page(request: HttpRequest, facts: Facts) -> Answer:
    return {"form": StayForm(facts=facts), "may_add": bool(facts.flats) and bool(facts.usable)}


def stay_pressed(request: HttpRequest, facts: Facts) -> Answer | HttpResponse:
    form = StayForm(request.POST, facts=facts)
    if not form.is_valid():
        return {"form": form, "may_add": True}
    with transaction.atomic():
        booking = form.save()
        log(request, booking, ADDITION, _ENTERED)
        doors = Lock.objects.filter(properties=booking.property_id, is_active=True)
        read_keypads(set(doors.values_list("pk", flat=True)), timezone.now())
    return go(Key.WATCH)
