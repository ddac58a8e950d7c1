"""What can be done to several stays at once, in the list of bookings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from pins import deeds
from rentals.admin.sure import Question, ask, is_sure, too_many
from rentals.models import Booking

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Booking]
else:
    _Admin = object

_MOST_NAMED: Final = 5


class BulkDeeds(_Admin):
    """Stands before ModelAdmin among the bases. What gives a guest another code, or none, asks first."""

    def do(self, request: HttpRequest, name: str, booking: Booking) -> deeds.Outcome:
        """One deed and its line in the history of the booking."""
        raise NotImplementedError

    @admin.action(description="Try again now", permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Booking]) -> None:
        if not too_many(request, queryset):
            self._do_many(request, queryset, "try_again", "Trying again now")

    @admin.action(description="New code", permissions=["change"])
    def new_code(self, request: HttpRequest, queryset: QuerySet[Booking]) -> HttpResponse | None:
        if too_many(request, queryset):
            return None
        if is_sure(request):
            self._do_many(request, queryset, "new_code", "New code chosen")
            return None
        names = _names(queryset)
        question = Question(
            "new_code",
            "New codes",
            "Each of these stays gets another code on its locks, unless somebody was shown the present one:",
            f"Yes, choose {_codes(len(names), 'new code')}",
        )
        return ask(self, request, names, question)

    @admin.action(description="Revoke codes", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Booking]) -> HttpResponse | None:
        """A guest may be in the house."""
        if too_many(request, queryset):
            return None
        if is_sure(request):
            self._do_many(request, queryset, "revoke", "Code revoked")
            return None
        names, now = _names(queryset), timezone.now()
        question = Question(
            "revoke",
            "Revoke codes",
            "These codes stop working on every lock and stay off, whatever happens to the bookings, until you ask for "
            "new codes:",
            f"Yes, revoke {_codes(len(names), 'code')}",
            _in_house(sum(one.check_in <= now < one.check_out for one in queryset)),
        )
        return ask(self, request, names, question)

    def _do_many(self, request: HttpRequest, queryset: QuerySet[Booking], name: str, done: str) -> None:
        outcomes = [(booking, self.do(request, name, booking)) for booking in queryset]
        count = sum(outcome.done for _, outcome in outcomes)
        if count:
            messages.success(request, f"{done}: {'1 stay' if count == 1 else f'{count} stays'}.")
        others = [(booking, outcome) for booking, outcome in outcomes if not outcome.done]
        for booking, outcome in others[:_MOST_NAMED]:
            messages.add_message(request, outcome.level, f"{booking}: {outcome.text}")
        if len(others) > _MOST_NAMED:
            messages.warning(request, f"Nothing was done for {len(others) - _MOST_NAMED} more.")


def _names(queryset: QuerySet[Booking]) -> dict[Any, str]:
    return {one.pk: f"{one}, {one.property}" for one in queryset}


def _codes(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _in_house(count: int) -> str:
    if not count:
        return ""
    who = "1 of these guests is" if count == 1 else f"{count} of these guests are"
    return f"{who} in the house now and would be locked out."
