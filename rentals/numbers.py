"""Numbers of things where they stand alone or in a list, in the language that is active: `3 locks`; how long it is.

Inside a sentence other languages change the word as well: there the whole sentence goes through `ngettext`.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import ngettext, npgettext


def hours(number: int) -> str:
    return ngettext("{number} hour", "{number} hours", number).format(number=number)


def nights(number: int) -> str:
    return ngettext("{number} night", "{number} nights", number).format(number=number)


def locks(number: int) -> str:
    return ngettext("{number} lock", "{number} locks", number).format(number=number)


def stays(number: int) -> str:
    return ngettext("{number} stay", "{number} stays", number).format(number=number)


def span(length: timedelta) -> str:
    """The length in its largest whole unit, rounded down: `5 minutes`; empty below a minute. With a context, because
    in some languages it is another word beside “ago” and “in” than where it stands alone."""
    if (number := length // timedelta(days=1)) > 0:
        text = npgettext("ago, in", "{number} day", "{number} days", number)
    elif (number := length // timedelta(hours=1)) > 0:
        text = npgettext("ago, in", "{number} hour", "{number} hours", number)
    elif (number := length // timedelta(minutes=1)) > 0:
        text = npgettext("ago, in", "{number} minute", "{number} minutes", number)
    else:
        return ""
    return text.format(number=number)
