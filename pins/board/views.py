"""The pages of the console. All need a staff login, and none shows a code: that is a page of the admin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from pins.actions import calendar_rows, locks, stay_dates, stays
from pins.actions.results import ActionResult
from pins.board import calendar, day_lists, loading
from pins.board.lock_page import lock_page
from pins.board.set_up_rights import may_set_up
from pins.guests import host_panel
from pins.status import arrivals, spares
from pins.status.departures import early_departure
from pins.status.stays import panel
from rentals import departure
from rentals.access import scope_of, visible
from rentals.calendars import conflicts
from rentals.ending import ended_by_calendar
from rentals.fields import behind
from rentals.models import Booking, CalendarFeed, FeedItem, Lock, LockAccount
from rentals.phrases import mark
from rentals.stay_forms import FORMS, StayForm, may_move
from rentals.wording import day_and_time

_VIEW = ("rentals.view_booking", "rentals.change_booking")
_ACT = "rentals.change_booking"
_DECIDE = "rentals.change_calendarfeed"
_LONGEST_QUERY = 80
_SHOWS: Final = {
    day_lists.Show.ALL: mark("All"),
    day_lists.Show.OPEN: mark("Not ready yet"),
    day_lists.Show.UNDISCLOSED: mark("Not shown yet"),
}


def for_staff(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let in staff who may see bookings. Others get the login form, or are told that the page is not for them."""

    @staff_member_required
    @wraps(view)
    def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not any(request.user.has_perm(name) for name in _VIEW):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    @never_cache
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_part(request):
            return allowed(request, *args, **kwargs)
        try:
            response = allowed(request, *args, **kwargs)
        except (PermissionDenied, Http404):
            return load_the_page()
        return load_the_page() if isinstance(response, HttpResponseRedirect) else response

    return checked


@require_safe
@for_staff
def board(request: HttpRequest) -> HttpResponse:
    """The headline, the issues, and the days. htmx asks for the live part alone every few seconds."""
    query = _query(request)
    whole = request.GET.get("all", "")
    wanted = request.GET.get("show", "")
    show = day_lists.Show(wanted) if wanted in set(day_lists.Show) else day_lists.Show.ALL
    shown = loading.load(timezone.now(), scope=scope_of(request.user), query=query, show=show, whole=whole)
    may_begin = may_set_up(request.user)
    if shown.start.is_empty and not shown.to_fix and may_begin and not is_part(request):
        return HttpResponseRedirect(reverse("setup"))
    context = {
        "board": shown,
        "may_begin": may_begin,
        "query": query,
        "show": show.value,
        "choices": [_choice(one, one is show, query) for one in _SHOWS],
        "kept": _more_parameters(show=show.value, q=query),
        "whole": whole,
        "may_decide": request.user.has_perm(_DECIDE),
        "here": "board",
    }
    return render(request, "pins/board/live.html" if is_part(request) else "pins/board/board.html", context)


def _choice(show: day_lists.Show, is_current: bool, query: str) -> dict[str, Any]:
    """One of the links that narrow the lists."""
    asked = _more_parameters(show=show.value, q=query)[1:]
    return {
        "url": f"{reverse('home')}{'?' if asked else ''}{asked}",
        "label": _(_SHOWS[show]),
        "is_current": is_current,
    }


def _more_parameters(**parameters: str) -> str:
    """`&name=value` for each that is not empty, to follow the first parameter of an address."""
    return "".join(f"&{urlencode({name: value})}" for name, value in parameters.items() if value)


@require_safe
@for_staff
def timeline(request: HttpRequest) -> HttpResponse:
    """Properties as rows, two weeks as columns."""
    query = _query(request)
    shown = calendar.load(
        timezone.now(),
        first=_day(request.GET.get("from", "")),
        query=query,
        page=_number(request.GET.get("page", "")),
        scope=scope_of(request.user),
    )
    may_add = request.user.has_perm("rentals.add_property") and not scope_of(request.user).restricted
    context = {
        "timeline": shown,
        "query": query,
        "kept": _more_parameters(q=query),
        "may_add": may_add,
        "here": "timeline",
    }
    return render(request, "pins/board/grid.html" if is_part(request) else "pins/board/timeline.html", context)


@require_safe
@for_staff
def stay(request: HttpRequest, booking_id: int) -> HttpResponse:
    """One stay: what its calendars say, and its code on each lock with every request."""
    return _stay_page(request, booking_id, {})


def _stay_page(request: HttpRequest, booking_id: int, typed: dict[str, StayForm], status: int = 200) -> HttpResponse:
    """`typed`: by its name, a form that was refused; it is shown with its errors and what was typed."""
    booking = get_object_or_404(seen_bookings(request).select_related("arrival"), pk=booking_id)
    now = timezone.now()
    zone = booking.property.zone
    forms = {name: typed.get(name) or form(booking=booking, now=now) for name, form in FORMS.items()}
    context = {
        "forms": forms if may_move(booking, now) else {},
        "refused": next(iter(typed.values()), None),
        "booking": booking,
        "arrives": day_and_time(booking.check_in, zone),
        "leaves": day_and_time(booking.check_out, zone),
        "panel": panel(booking, now, scope_of(request.user)),
        "spares": spares.of_stay(booking, now, scope_of(request.user)),
        "calendar": conflicts.section(booking, scope_of(request.user)),
        "guest": host_panel.panel(
            booking,
            now,
            site=request.build_absolute_uri("/")[:-1],
            may_reveal=request.user.has_perm("pins.reveal_code"),
        ),
        "came_in": arrivals.sentences(booking, now),
        "may_check_out": not departure.why_not(booking, now),
        "early": early_departure(booking, now),
        "ends_guest": ended_by_calendar(booking, now),
        "came": conflicts.source_label(booking),
        "may_act": request.user.has_perm(_ACT),
        "may_reveal": request.user.has_perm("pins.reveal_code"),
        "may_forget": request.user.has_perm("rentals.forget_guest") and not booking.forget_guest,
        "is_over": booking.check_out <= now,
        "here": "board",
    }
    page = "pins/board/stay_live.html" if is_part(request) else "pins/board/stay.html"
    return render(request, page, context, status=status)


@require_POST
@for_staff
def stay_action(request: HttpRequest, booking_id: int, action: str) -> HttpResponse:
    """A person does something about a stay; its line in the history says who."""
    act = stays.ACTIONS.get(action)
    if act is None and action not in FORMS:
        raise Http404
    booking = get_object_or_404(seen_bookings(request), pk=booking_id)
    if not request.user.has_perm(_ACT):
        raise PermissionDenied
    with transaction.atomic():
        if act is not None:
            result = act(booking, timezone.now())
        else:
            form, moved = stay_dates.submit(action, booking.pk, request.POST, timezone.now())
            if moved is None:
                return _stay_page(request, booking.pk, {action: form}, status=422)
            result = moved
        if result.done:
            log(request, booking, stays.history_line(action, result))
    return say(request, result, reverse("stay", args=[booking.pk]))


@require_POST
@for_staff
def row_decision(request: HttpRequest, item_id: int) -> HttpResponse:
    """A person says whether a calendar row is a stay; the history of the calendar says who."""
    if not request.user.has_perm(_DECIDE):
        raise PermissionDenied
    answer = request.POST.get("answer", "")
    rows = FeedItem.objects.select_related("feed").defer(*FeedItem.SECRETS, *behind("feed", CalendarFeed.SECRETS))
    item = get_object_or_404(visible(rows, scope_of(request.user)), pk=item_id)
    if answer not in calendar_rows.ANSWERS:
        raise Http404
    with transaction.atomic():
        result = calendar_rows.decide(item.pk, answer, timezone.now())
        if result.done:
            log(request, item.feed, f"Decided: {result.noted}")
    return say(request, result, reverse("home"))


@require_safe
@for_staff
def lock(request: HttpRequest, lock_id: int) -> HttpResponse:
    """One lock: our codes on it, those that are missing, other people's, and the state of the device."""
    if not request.user.has_perm("rentals.view_lock") and not request.user.has_perm("rentals.change_lock"):
        raise PermissionDenied
    found = get_object_or_404(_locks(request), pk=lock_id)
    context = {
        "lock": found,
        "shown": lock_page(found, timezone.now(), scope_of(request.user)),
        "properties": visible(found.properties.order_by("name"), scope_of(request.user)),
        "may_act": request.user.has_perm("rentals.change_lock"),
        "here": "board",
    }
    return render(request, "pins/board/lock_live.html" if is_part(request) else "pins/board/lock.html", context)


@require_POST
@for_staff
def lock_try_again(request: HttpRequest, lock_id: int) -> HttpResponse:
    """Lift the rests of a lock and of its codes, and let it be tried at once."""
    return _lock_action(request, lock_id, locks.try_again, "Try again now")


@require_POST
@for_staff
def lock_compare(request: HttpRequest, lock_id: int) -> HttpResponse:
    """Read the lock's own list once."""
    return _lock_action(request, lock_id, locks.compare, "Compare now")


def _lock_action(
    request: HttpRequest, lock_id: int, act: Callable[[Lock, datetime], ActionResult], button: str
) -> HttpResponse:
    """A person does something about a lock; its line in the history names the button."""
    if not request.user.has_perm("rentals.change_lock"):
        raise PermissionDenied
    found = get_object_or_404(_locks(request), pk=lock_id)
    with transaction.atomic():
        result = act(found, timezone.now())
        if result.done:
            log(request, found, f"{button}: {result.noted}")
    return say(request, result, reverse("lock", args=[found.pk]))


def say(request: HttpRequest, result: ActionResult, url: str) -> HttpResponse:
    """Send the person to a page that says what came of an action."""
    messages.add_message(request, result.level, result.sentence)
    for text in result.warnings:
        messages.warning(request, text)
    return HttpResponseRedirect(url)


def seen_bookings(request: HttpRequest) -> QuerySet[Booking]:
    return visible(Booking.objects.select_related("property"), scope_of(request.user))


def _locks(request: HttpRequest) -> QuerySet[Lock]:
    locks = Lock.objects.select_related("operation", "account__operation")
    locks = locks.defer(*behind("account", LockAccount.SECRETS))
    return visible(locks, scope_of(request.user))


def log(request: HttpRequest, about: Booking | Lock | CalendarFeed, text: str) -> None:
    if request.user.is_authenticated:
        LogEntry.objects.log_actions(request.user.pk, [about], CHANGE, text, single_object=True)


def load_the_page() -> HttpResponse:
    """Have the browser load the whole page, where there is no part for this person any more. The page then shows the
    login form, or says that it is not for this person, or gone. htmx would follow a redirect, and put the login form
    into the middle of the page."""
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})


def is_part(request: HttpRequest) -> bool:
    """Whether htmx asks for the part that it refreshes, rather than a browser for a page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def _query(request: HttpRequest) -> str:
    """The words to search for, without characters that no name has: PostgreSQL refuses a NUL, and nobody types one."""
    typed = request.GET.get("q", "")[:_LONGEST_QUERY]
    return "".join(letter if letter.isprintable() else " " for letter in typed).strip()


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1
