"""Which properties a person sees, and which rows of other models follow from that.

Every page asks here: `scope_of` once for each request, then `visible` for each list, choice and single object.
`governs` says once for each model which rows belong to a property. `visible` fails for a model without such a rule, so
that nothing is shown by oversight.
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
    EarlyDeparture,
    FeedItem,
    FeedState,
    Lock,
    LockAccount,
    Property,
    PropertyAccess,
    PublishedCalendar,
)

_Rows = TypeVar("_Rows", bound=QuerySet[Any])
#: Takes the ids of the properties that a person sees, and selects the rows of a model.
Condition = Callable[[frozenset[int]], Q]


@dataclass(frozen=True, slots=True)
class Scope:
    """The properties that a person sees, by their ids. `None` means all."""

    property_ids: frozenset[int] | None = None

    @property
    def restricted(self) -> bool:
        return self.property_ids is not None


EVERYTHING: Final = Scope()
NOTHING: Final = Scope(frozenset())
_KEPT: Final = "_turnkey_scope"


def scope_of(user: AbstractBaseUser | AnonymousUser) -> Scope:
    """What this user sees. Costs one query for each request: the answer is kept on the user object, which each request
    loads anew. Superusers are never restricted."""
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
    """Say which rows of a model belong to the properties of a scope."""
    _CONDITIONS[model] = condition


def is_governed(model: type[Model]) -> bool:
    return model in _CONDITIONS


def visible(rows: _Rows, scope: Scope) -> _Rows:
    """The rows of a queryset that belong to the scope.

    Raises `LookupError` for a model without a rule (`governs`).
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
governs(EarlyDeparture, lambda ids: Q(booking__property__in=ids))
governs(CalendarFeed, lambda ids: Q(property__in=ids))
governs(FeedState, lambda ids: Q(feed__property__in=ids))
governs(PublishedCalendar, lambda ids: Q(property__in=ids))
# When a person moved a stay to another property, its event tells of a guest of that property.
governs(FeedItem, lambda ids: Q(feed__property__in=ids) & (Q(booking=None) | Q(booking__property__in=ids)))
# A lock that serves two properties belongs to both. The codes on it do not.
governs(Lock, lambda ids: Q(pk__in=locks_of(ids)))
# By name, beside their locks; their pages are for those who see everything (`rentals.admin.scoped`).
governs(LockAccount, lambda ids: Q(pk__in=Lock.objects.filter(pk__in=locks_of(ids)).values("account")))
