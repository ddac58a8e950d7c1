"""Which properties a person sees, and what follows from that for everything that belongs to one.

Every page asks here: `scope_of` once for each request, then `visible` for each list, choice and single object. What a
kind of row belongs to is told once, by `governs`; a kind that nobody told about cannot be asked for at all, so that
nothing is shown by oversight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model, Q, QuerySet

from rentals.models import (
    Booking,
    CalendarFeed,
    FeedItem,
    FeedState,
    Lock,
    LockAccount,
    Property,
    PropertyAccess,
    PublishedCalendar,
)

_Rows = TypeVar("_Rows", bound=QuerySet[Any])
#: From the ids of the properties that somebody sees to the rows.
Condition = Callable[[frozenset[int]], Q]


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody sees. `None`: all."""

    property_ids: frozenset[int] | None = None

    @property
    def restricted(self) -> bool:
        return self.property_ids is not None


EVERYTHING: Final = Scope()
NOTHING: Final = Scope(frozenset())
_KEPT: Final = "_turnkey_scope"


def scope_of(user: AbstractBaseUser | AnonymousUser) -> Scope:
    """One query, and one only however often a request asks: the answer is kept with the user, who is read anew for each
    request. Superusers are never restricted."""
    kept = getattr(user, _KEPT, None)
    if isinstance(kept, Scope):
        return kept
    scope = _read(user)
    setattr(user, _KEPT, scope)
    return scope


def _read(user: AbstractBaseUser | AnonymousUser) -> Scope:
    if user.pk is None:
        return NOTHING
    if getattr(user, "is_superuser", False):
        return EVERYTHING
    # A row without properties comes as one `None`, no row as nothing at all.
    found: list[int | None] = list(PropertyAccess.objects.filter(user=user.pk).values_list("properties", flat=True))
    return Scope(frozenset(pk for pk in found if pk is not None)) if found else EVERYTHING


_CONDITIONS: dict[type[Model], Condition] = {}


def governs(model: type[Model], condition: Condition) -> None:
    """Tell which rows of a model belong to the properties of a scope."""
    _CONDITIONS[model] = condition


def is_governed(model: type[Model]) -> bool:
    return model in _CONDITIONS


def visible(rows: _Rows, scope: Scope) -> _Rows:
    """The rows of a queryset that belong to the scope.

    Raises `LookupError` for a model of which nobody said what it belongs to.
    """
    condition = _CONDITIONS[rows.model]
    if scope.property_ids is None:
        return rows
    return rows.filter(condition(scope.property_ids))


def locks_of(property_ids: frozenset[int]) -> QuerySet[Any]:
    """Ids of the locks of these properties, shared ones included. A subquery: a join would repeat rows."""
    return Property.locks.through.objects.filter(property__in=property_ids).values("lock")


governs(Property, lambda ids: Q(pk__in=ids))
governs(Booking, lambda ids: Q(property__in=ids))
governs(CalendarFeed, lambda ids: Q(property__in=ids))
governs(FeedState, lambda ids: Q(feed__property__in=ids))
governs(PublishedCalendar, lambda ids: Q(property__in=ids))
# An event whose stay a person moved to another property speaks of that one's guest.
governs(FeedItem, lambda ids: Q(feed__property__in=ids) & (Q(booking=None) | Q(booking__property__in=ids)))
# A lock that serves two properties belongs to both; what else is on it does not.
governs(Lock, lambda ids: Q(pk__in=locks_of(ids)))
# By name, beside their locks; their pages are for those who see everything (`rentals.admin.scoped`).
governs(LockAccount, lambda ids: Q(pk__in=Lock.objects.filter(pk__in=locks_of(ids)).values("account")))
