"""What a person is told at once who leaves a property without a lock that could let its guests in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.contrib import messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rentals.access import scope_of, visible
from rentals.models import Lock, Property

#: How many properties are named. The board tells of all whose guests are expected.
_NAMED: Final = 5


def of_property(prop: Property) -> Iterator[str]:
    """Sentences about a saved property without a lock that could let its guests in."""
    if not prop.is_active:
        return
    locks = list(prop.locks.all())
    active = [one for one in locks if one.is_active]
    if not active:
        if locks:
            yield _(
                "All locks of this property are switched off: its guests get no code that opens a door. Choose a lock "
                "under “Doors”, or switch one on."
            )
        else:
            yield _(
                "This property has no lock: its guests get no code that opens a door. Choose a lock under “Doors”, or "
                "switch one on."
            )
    elif all(one.has_keypad is False for one in active):
        yield _("No lock of this property has a keypad: its guests cannot enter a code. Connect one in the Tedee app.")


def warn(request: HttpRequest, properties: QuerySet[Property]) -> None:
    """Tell of each of these properties without such a lock that the person sees, and name it: the page is about
    something else."""
    locks = Prefetch("locks", Lock.objects.only("is_active", "has_keypad"))
    seen = visible(properties.filter(is_active=True), scope_of(request.user))
    checked = seen.order_by("name", "pk").prefetch_related(locks)
    found = [(prop.name, text) for prop in checked for text in of_property(prop)]
    for name, text in found[:_NAMED]:
        messages.warning(request, f"{name}: {text[0].lower()}{text[1:]}")
    if (more := len(found) - _NAMED) > 0:
        said = ngettext(
            "The same is true of {number} more property.", "The same is true of {number} more properties.", more
        )
        messages.warning(request, said.format(number=more))
