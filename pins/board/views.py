"""The pages of the console. All need a staff login; none shows a code (`reveal` is the admin's, by its permission)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial, wraps
from typing import Any

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
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from pins import tasks
from pins.actions import stays
from pins.board import calendar, loading
from pins.board.lock_page import lock_page
from pins.core.pin_state import State
from pins.models import Pin
from pins.reconcile import run
from pins.status.stays import panel
from rentals.access import scope_of, visible
from rentals.calendars import conflicts
from rentals.fields import behind
from rentals.models import Booking, Lock, LockAccount
from rentals.stay_forms import FORMS, StayForm, may_move
from rentals.wording import day_and_time

_VIEW = ("rentals.view_booking", "rentals.change_booking")
_ACT = "rentals.change_booking"
_LONGEST_QUERY = 80
_SHOWS = (
    (loading.Show.ALL.value, "All"),
    (loading.Show.OPEN.value, "Not ready yet"),
    (loading.Show.UNTOLD.value, "Guest not told yet"),
)


def _staff(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For people who work here and may see bookings; to others it says so."""

    @staff_member_required
    @wraps(view)
    def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not any(request.user.has_perm(name) for name in _VIEW):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    @never_cache
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not _is_part(request):
            return allowed(request, *args, **kwargs)
        try:
            answer = allowed(request, *args, **kwargs)
        except (PermissionDenied, Http404):
            return _load_the_page()
        return _load_the_page() if isinstance(answer, HttpResponseRedirect) else answer

    return checked


@require_safe
@_staff
def board(request: HttpRequest) -> HttpResponse:
    """The answer, what to mend, and the days. htmx asks for the live part alone every few seconds."""
    query = _query(request)
    whole = request.GET.get("all", "")
    wanted = request.GET.get("show", "")
    show = loading.Show(wanted) if wanted in set(loading.Show) else loading.Show.ALL
    context = {
        "board": loading.load(timezone.now(), scope=scope_of(request.user), query=query, show=show, whole=whole),
        "query": query,
        "show": show.value,
        "shows": _SHOWS,
        "whole": whole,
        "here": "board",
    }
    return render(request, "pins/board/live.html" if _is_part(request) else "pins/board/board.html", context)


@require_safe
@_staff
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
    context = {"timeline": shown, "query": query, "may_add": may_add, "here": "timeline"}
    return render(request, "pins/board/grid.html" if _is_part(request) else "pins/board/timeline.html", context)


@require_safe
@_staff
def stay(request: HttpRequest, booking_id: int) -> HttpResponse:
    """One stay: what its calendars say, and its code on each lock with the whole story."""
    return _stay_page(request, booking_id, {})


def _stay_page(request: HttpRequest, booking_id: int, typed: dict[str, StayForm], status: int = 200) -> HttpResponse:
    """`typed`: a form that was refused, by its name: shown with what is wrong with it and what was typed."""
    booking = get_object_or_404(_bookings(request), pk=booking_id)
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
        "calendar": conflicts.section(booking, scope_of(request.user)),
        "came": conflicts.source_label(booking),
        "may_act": request.user.has_perm(_ACT),
        "may_reveal": request.user.has_perm("pins.reveal_code"),
        "is_over": booking.check_out <= now,
        "here": "board",
    }
    page = "pins/board/stay_live.html" if _is_part(request) else "pins/board/stay.html"
    return render(request, page, context, status=status)


@require_POST
@_staff
def stay_action(request: HttpRequest, booking_id: int, action: str) -> HttpResponse:
    """A person does something about a stay; its line in the history says who."""
    act = stays.ACTIONS.get(action)
    if act is None and action not in FORMS:
        raise Http404
    booking = get_object_or_404(_bookings(request), pk=booking_id)
    if not request.user.has_perm(_ACT):
        raise PermissionDenied
    with transaction.atomic():
        if act is not None:
            outcome = act(booking, timezone.now())
        else:
            form, moved = stays.submit(action, booking.pk, request.POST, timezone.now())
            if moved is None:
                return _stay_page(request, booking.pk, {action: form}, status=422)
            outcome = moved
        if outcome.done:
            _log(request, booking, stays.history_line(action, outcome))
    messages.add_message(request, outcome.level, f"{outcome.text[:1].upper()}{outcome.text[1:]}")
    for text in outcome.warnings:
        messages.warning(request, text)
    return HttpResponseRedirect(reverse("stay", args=[booking.pk]))


@require_safe
@_staff
def lock(request: HttpRequest, lock_id: int) -> HttpResponse:
    """One lock: our codes on it, those that are missing, other people's, and how the device is."""
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
    return render(request, "pins/board/lock_live.html" if _is_part(request) else "pins/board/lock.html", context)


@require_POST
@_staff
def lock_try_again(request: HttpRequest, lock_id: int) -> HttpResponse:
    """Lift the rests of a lock and of its codes, and let it be tried at once."""
    if not request.user.has_perm("rentals.change_lock"):
        raise PermissionDenied
    found = get_object_or_404(_locks(request), pk=lock_id)
    waiting = Pin.objects.filter(lock=found).exclude(state__in=[State.SET, State.REMOVED])
    with transaction.atomic():
        touched = run.try_now(list(waiting.values_list("pk", flat=True)), timezone.now())
        if not touched:
            level, text = messages.INFO, "nothing is open: every code is as it should be."
        elif found.account.observe_only:
            level, text = messages.INFO, "Turnkey only watches this lock: it reads what there is, and changes nothing."
        else:
            level, text = messages.SUCCESS, "it is being tried again now."
        if touched:
            transaction.on_commit(partial(tasks.wake_locks, sorted(touched)))
            _log(request, found, f"Try again now: {text}")
    messages.add_message(request, level, f"{text[:1].upper()}{text[1:]}")
    return HttpResponseRedirect(reverse("lock", args=[found.pk]))


@require_POST
@_staff
def lock_compare(request: HttpRequest, lock_id: int) -> HttpResponse:
    """Read the lock's own list once."""
    if not request.user.has_perm("rentals.change_lock"):
        raise PermissionDenied
    found = get_object_or_404(_locks(request), pk=lock_id)
    with transaction.atomic():
        outcome = stays.compare(found, timezone.now())
        if outcome.done:
            _log(request, found, f"Compare now: {outcome.text}")
    messages.add_message(request, outcome.level, f"{outcome.text[:1].upper()}{outcome.text[1:]}")
    return HttpResponseRedirect(reverse("lock", args=[found.pk]))


def _bookings(request: HttpRequest) -> QuerySet[Booking]:
    return visible(Booking.objects.select_related("property"), scope_of(request.user))


def _locks(request: HttpRequest) -> QuerySet[Lock]:
    locks = Lock.objects.select_related("operation", "account__operation")
    locks = locks.defer(*behind("account", LockAccount.SECRETS))
    return visible(locks, scope_of(request.user))


def _log(request: HttpRequest, about: Booking | Lock, text: str) -> None:
    if request.user.is_authenticated:
        LogEntry.objects.log_actions(request.user.pk, [about], CHANGE, text, single_object=True)


def _load_the_page() -> HttpResponse:
    """Where there is no part any more, what the whole page would say: the form to log in, that it is not for this
    person, or that it is gone. htmx would follow a redirect and put that form into the middle of the page."""
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})


def _is_part(request: HttpRequest) -> bool:
    """Whether htmx asks for the part that it refreshes, not a browser for a page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def _query(request: HttpRequest) -> str:
    """What is searched for, without what no name holds: PostgreSQL refuses a NUL, and nobody types one."""
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
