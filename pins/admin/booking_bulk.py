"""Actions on several stays at once, in the list of bookings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from pins.actions import stays
from pins.actions.results import ActionResult
from pins.status.stays import guest_grants
from rentals.admin.confirmation import Question, ask, is_confirmed
from rentals.models import Booking, LockAccount
from rentals.wording import counted

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Booking]
else:
    _Admin = object

_Outcomes = list[tuple[Booking, ActionResult]]

_MOST_NAMED: Final = 5
_OBSERVE_ONLY: Final = (
    "On locks that Turnkey only observes nothing changes: a code that is there stays until it ends, or until you take "
    "it off in the Tedee app."
)


class BulkActions(_Admin):
    """Stands before ModelAdmin among the bases. Actions that give a guest another code, or none, ask first."""

    def do_together(self, request: HttpRequest, name: str, bookings: Sequence[Booking]) -> list[ActionResult]:
        """An action for several bookings at once, and a line in the history of each."""
        raise NotImplementedError

    @admin.action(description="Try again now", permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Booking]) -> None:
        self._tell(request, self._do(request, "try_again", list(queryset)), "Trying again now")

    @admin.action(description="New code", permissions=["change"])
    def new_code(self, request: HttpRequest, queryset: QuerySet[Booking]) -> HttpResponse | None:
        if is_confirmed(request):
            self._tell(request, self._do(request, "new_code", list(queryset)), "New code chosen")
            return None
        names = _names(queryset)
        question = Question(
            "new_code",
            "New codes",
            "Each of these stays gets another code on its locks, unless somebody was shown the present one:",
            f"Yes, choose {counted(len(names), 'new code')}",
        )
        return ask(self, request, names, question)

    @admin.action(description="Revoke codes", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Booking]) -> HttpResponse | None:
        """Asks first, because a guest may be in the house."""
        now = timezone.now()
        grants = {one.booking_id: one for one in guest_grants().filter(booking__in=queryset)}
        judged = [(one, stays.why_not_revoked(one, grants.get(one.pk), now)) for one in queryset]
        going = [one for one, why_not in judged if not why_not]
        if is_confirmed(request) or not going:
            self._tell(request, self._do(request, "revoke", [one for one, _ in judged]), "Code revoked")
            return None
        observes = LockAccount.objects.filter(observe_only=True).exists()
        question = Question(
            "revoke",
            "Revoke codes",
            "These codes stop working on every lock and stay off, whatever happens to the bookings, until you ask for "
            "new codes:",
            f"Yes, revoke {counted(len(going), 'code')}",
            _in_house(sum(one.check_in <= now for one in going)),
            _OBSERVE_ONLY if observes else "",
            tuple(f"{one}, {one.property}: {why_not}" for one, why_not in judged if why_not),
        )
        return ask(self, request, _names(going), question)

    def _do(self, request: HttpRequest, name: str, bookings: Sequence[Booking]) -> _Outcomes:
        return list(zip(bookings, self.do_together(request, name, bookings), strict=True))

    def _tell(self, request: HttpRequest, outcomes: _Outcomes, done: str) -> None:
        count = sum(outcome.done for _, outcome in outcomes)
        if count:
            messages.success(request, f"{done}: {counted(count, 'stay')}.")
        others = [(booking, outcome) for booking, outcome in outcomes if not outcome.done]
        for booking, outcome in others[:_MOST_NAMED]:
            messages.add_message(request, outcome.level, f"{booking}: {outcome.text}")
        if len(others) > _MOST_NAMED:
            messages.warning(request, f"Nothing was done for {len(others) - _MOST_NAMED} more.")


def _names(queryset: Iterable[Booking]) -> dict[Any, str]:
    return {one.pk: f"{one}, {one.property}" for one in queryset}


def _in_house(count: int) -> str:
    if not count:
        return ""
    who = "1 of these guests is" if count == 1 else f"{count} of these guests are"
    return f"{who} in the house now and would be locked out."
