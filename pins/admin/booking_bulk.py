"""Actions on several stays at once, in the list of bookings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from pins.actions import stays
from pins.actions.results import ActionResult
from pins.status.stays import guest_grants
from rentals import numbers
from rentals.admin.confirmation import Question, ask, is_confirmed
from rentals.models import Booking, LockAccount
from rentals.phrases import mark

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Booking]
else:
    _Admin = object

_Outcomes = list[tuple[Booking, ActionResult]]

_MOST_NAMED: Final = 5
_OBSERVE_ONLY: Final = mark(
    "On locks that Turnkey only observes nothing changes: a code that is there stays until it ends, or until you take "
    "it off in the Tedee app."
)


class BulkActions(_Admin):
    """Stands before ModelAdmin among the bases. Actions that give a guest another code, or none, ask first."""

    def do_together(self, request: HttpRequest, name: str, bookings: Sequence[Booking]) -> list[ActionResult]:
        """An action for several bookings at once, and a line in the history of each."""
        raise NotImplementedError

    @admin.action(description=lazy("Try again now"), permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Booking]) -> None:
        self._tell(request, self._do(request, "try_again", list(queryset)), _("Trying again now"))

    @admin.action(description=lazy("New code"), permissions=["change"])
    def new_code(self, request: HttpRequest, queryset: QuerySet[Booking]) -> HttpResponse | None:
        if is_confirmed(request):
            self._tell(request, self._do(request, "new_code", list(queryset)), _("New code chosen"))
            return None
        names = _names(queryset)
        question = Question(
            "new_code",
            _("New codes"),
            _("Each of these stays gets another code on its locks, unless somebody was shown the present one:"),
            ngettext("Yes, choose {number} new code", "Yes, choose {number} new codes", len(names)).format(
                number=len(names)
            ),
        )
        return ask(self, request, names, question)

    @admin.action(description=lazy("Revoke codes"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Booking]) -> HttpResponse | None:
        """Asks first, because a guest may be in the house."""
        now = timezone.now()
        grants = {one.booking_id: one for one in guest_grants().filter(booking__in=queryset)}
        judged = [(one, stays.why_not_revoked(one, grants.get(one.pk), now)) for one in queryset]
        going = [one for one, why_not in judged if not why_not]
        if is_confirmed(request) or not going:
            self._tell(request, self._do(request, "revoke", [one for one, _why in judged]), _("Code revoked"))
            return None
        observes = LockAccount.objects.filter(observe_only=True).exists()
        question = Question(
            "revoke",
            _("Revoke codes"),
            _(
                "These codes stop working on every lock and stay off, whatever happens to the bookings, until you ask "
                "for new codes:"
            ),
            ngettext("Yes, revoke {number} code", "Yes, revoke {number} codes", len(going)).format(number=len(going)),
            _in_house(sum(one.check_in <= now for one in going)),
            _(_OBSERVE_ONLY) if observes else "",
            tuple(f"{one}, {one.property}: {why_not}" for one, why_not in judged if why_not),
        )
        return ask(self, request, _names(going), question)

    def _do(self, request: HttpRequest, name: str, bookings: Sequence[Booking]) -> _Outcomes:
        return list(zip(bookings, self.do_together(request, name, bookings), strict=True))

    def _tell(self, request: HttpRequest, outcomes: _Outcomes, done: str) -> None:
        count = sum(outcome.done for _one, outcome in outcomes)
        if count:
            messages.success(request, f"{done}: {numbers.stays(count)}.")
        others = [(booking, outcome) for booking, outcome in outcomes if not outcome.done]
        for booking, outcome in others[:_MOST_NAMED]:
            messages.add_message(request, outcome.level, f"{booking}: {outcome.text}")
        if len(others) > _MOST_NAMED:
            more = len(others) - _MOST_NAMED
            rest = ngettext("Nothing was done for {number} more.", "Nothing was done for {number} more.", more)
            messages.warning(request, rest.format(number=more))


def _names(queryset: Iterable[Booking]) -> dict[Any, str]:
    return {one.pk: f"{one}, {one.property}" for one in queryset}


def _in_house(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "{number} of these guests is in the house now and would be locked out.",
        "{number} of these guests are in the house now and would be locked out.",
        count,
    ).format(number=count)
