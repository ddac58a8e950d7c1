"""Which steps of the first run are done, and what the next one asks for. The same facts give the same words, on the
pages and in the report of `manage.py doctor`, in the language that is active."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.admin.setup.known import Account, Door, Facts
from pins.core.foreign_writers import NAMES, REMEDIES, Writer
from rentals.phrases import mark
from rentals.wording import day, day_and_time, said

#: A key that ends so soon is worth a word at once.
_ENDS_SOON: Final = timedelta(days=30)


class Key(StrEnum):
    """The steps, in order; the values are in addresses."""

    ACCOUNT = "account"
    KEY = "key"
    LOCKS = "locks"
    FLATS = "flats"
    CALENDAR = "calendar"
    STAY = "stay"
    WATCH = "watch"
    BEGIN = "begin"


TITLES: Final = {
    Key.ACCOUNT: mark("Connect your Tedee account"),
    Key.KEY: mark("Test the access key"),
    Key.LOCKS: mark("Check the locks"),
    Key.FLATS: mark("Say which locks open which flat"),
    Key.CALENDAR: mark("Add the first calendar"),
    Key.STAY: mark("Enter the first booking"),
    Key.WATCH: mark("Watch it become ready"),
    Key.BEGIN: mark("Let Turnkey write to the locks"),
}


class State(StrEnum):
    DONE = "done"
    SKIPPED = "skipped"  # it may be left out, and was
    OPEN = "open"  # the next thing that a person does
    WAITING = "waiting"  # Turnkey is at work
    TROUBLE = "trouble"  # something must be put right first


_STATES: Final = {
    State.DONE: mark("done"),
    State.SKIPPED: mark("skipped"),
    State.OPEN: mark("open"),
    State.WAITING: mark("waiting"),
    State.TROUBLE: mark("trouble"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """`text` says how it is, `remedy` what to do, `notes` what else to know, `warnings` what may go wrong later. None
    of them names a guest or a secret."""

    key: Key
    state: State
    text: str
    remedy: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return _(TITLES[self.key])

    @property
    def state_words(self) -> str:
        return _(_STATES[self.state])

    @property
    def is_done(self) -> bool:
        return self.state in (State.DONE, State.SKIPPED)


def judge(facts: Facts) -> tuple[Step, ...]:
    """All steps in their order."""
    return (
        _account(facts),
        _key(facts),
        _locks(facts),
        _flats(facts),
        _calendar(facts),
        _stay(facts),
        _watch(facts),
        _begin(facts),
    )


def current(steps: Sequence[Step]) -> Step | None:
    """The first one that is not done; `None`: the first code is on its locks."""
    return next((one for one in steps if not one.is_done), None)


def is_complete(facts: Facts, steps: Sequence[Step]) -> bool:
    return facts.is_old or current(steps) is None


def _account(facts: Facts) -> Step:
    if not facts.accounts and facts.may_log_in:
        remedy = _("Log in at Tedee, or enter a personal access key.")
        return Step(Key.ACCOUNT, State.OPEN, _("No Tedee account is connected yet."), remedy)
    if not facts.accounts:
        return Step(
            Key.ACCOUNT,
            State.OPEN,
            _("No Tedee account is connected yet."),
            _(
                "Make a personal access key at portal.tedee.com with the scopes Device.Read and Device.ReadWrite, and "
                "enter it."
            ),
        )
    names = ", ".join(f"“{one.name}”" for one in facts.accounts)
    return Step(Key.ACCOUNT, State.DONE, _("Connected: {names}.").format(names=names))


def _key(facts: Facts) -> Step:
    """Reality is what Tedee answered to a request with the key, not that a key is stored."""
    if not facts.accounts:
        return Step(Key.KEY, State.OPEN, _("There is no key to test yet."), _("Connect an account first."))
    for one in facts.accounts:
        if one.by_login:
            if (step := _connection(one)) is not None:
                return step
            continue
        if one.refused:
            return Step(
                Key.KEY,
                State.TROUBLE,
                _("Tedee refuses the key of “{name}”: it is wrong, expired or revoked.").format(name=one.name),
                _("Make a new personal access key at portal.tedee.com, and enter it below. Everything else is kept."),
            )
        if one.may_write is False:
            return Step(
                Key.KEY,
                State.TROUBLE,
                _("The key of “{name}” may read locks and put no code on them.").format(name=one.name),
                _("Make a key with the scopes Device.Read and Device.ReadWrite, and enter it below."),
            )
        if not one.accepted:
            untested = _("The key of “{name}” is not tested yet.").format(name=one.name)
            return Step(Key.KEY, State.OPEN, untested, _("Press “Test the key”."))
    if all(one.by_login for one in facts.accounts):
        text = _("Tedee accepts the connection.")
    else:
        text = _("Tedee accepts the key.") if len(facts.accounts) == 1 else _("Tedee accepts each key.")
    return Step(
        Key.KEY,
        State.DONE,
        text,
        notes=tuple(note for one in facts.accounts for note in _about_key(one, facts.now)),
    )


def _connection(account: Account) -> Step | None:
    """What keeps a connection by login from being good; `None`: nothing."""
    name = account.name
    if not account.connected or account.refused:
        text = _("“{account}” is not connected: its login at Tedee was never made, was taken back, or has ended.")
        remedy = _("Press “Connect with Tedee”. Everything else is kept.")
        return Step(Key.KEY, State.TROUBLE, text.format(account=name), remedy)
    if account.may_write is False:
        text = _("The connection of “{account}” may read locks and put no code on them.")
        remedy = _(
            "Press “Connect with Tedee” once more, and allow all that it asks for. TEDEE_OAUTH_SCOPES must name "
            "Device.ReadWrite."
        )
        return Step(Key.KEY, State.TROUBLE, text.format(account=name), remedy)
    if not account.accepted:
        text = _("The connection of “{account}” is not tested yet.")
        return Step(Key.KEY, State.OPEN, text.format(account=name), _("Press “Test the connection”."))
    return None


def _about_key(account: Account, now: datetime) -> Iterator[str]:
    """What it may do, and how long it lives."""
    if account.may_write:
        yield _("“{name}”: it may read locks and change codes.").format(name=account.name)
    else:
        unsaid = _("“{name}”: it may read locks. Tedee does not say whether it may change codes; the first code shows.")
        yield unsaid.format(name=account.name)
    if account.by_login:
        yield _end_of_connection(account)
        return
    if account.ends_at is None:
        endless = _("“{name}”: Tedee does not say when the key ends. Note the day that you chose for it.")
        yield endless.format(name=account.name)
        return
    ends = _("“{name}”: the key, or another one of its user, ends on {day}.")
    ends = ends.format(name=account.name, day=day(account.ends_at))
    soon = account.ends_at - now < _ENDS_SOON
    yield " ".join((ends, _("That is soon: make a new key now."))) if soon else ends


def _end_of_connection(account: Account) -> str:
    if account.not_renewed or account.ends_at is None:
        text = _("“{account}”: the connection could not be renewed the last time. The account's page says why.")
        return text.format(account=account.name)
    text = _("“{account}”: Turnkey renews the connection by itself. Without that it would end on {day}.")
    return text.format(account=account.name, day=day(account.ends_at))


def _locks(facts: Facts) -> Step:
    if not any(one.accepted for one in facts.accounts):
        return Step(Key.LOCKS, State.OPEN, _("The locks are not known yet."), _("Test the access key first."))
    if not facts.doors:
        return Step(
            Key.LOCKS,
            State.TROUBLE,
            _("The account shows no lock."),
            _(
                "Add the locks in the Tedee app, as owner or administrator of each, or take the key of the user who "
                "has them. Then press “Fetch the locks again”."
            ),
        )
    notes = tuple(f"{one.name}: {said(one.problem)}." for one in facts.doors if one.problem)
    if not facts.usable:
        return Step(
            Key.LOCKS,
            State.TROUBLE,
            _("No lock can take a code."),
            _("Put right what stands below, then press “Fetch the locks again”."),
            notes,
        )
    able = ngettext(
        "{number} lock of {all} can take a code.", "{number} locks of {all} can take a code.", len(facts.usable)
    )
    able = able.format(number=len(facts.usable), all=len(facts.doors))
    return Step(Key.LOCKS, State.DONE, able, notes=notes, warnings=tuple(other_writers(facts.doors)))


def other_writers(doors: Sequence[Door]) -> Iterator[str]:
    """A sentence about each lock on which another system seems to make codes for guests, too."""
    for door in doors:
        for writer, number in door.writers:
            if writer is not Writer.PERSON:
                two = ngettext(
                    "{door}: {number} code by {writer}, it seems. Two systems on one lock give a guest two codes. "
                    "{remedy} Turnkey never changes or removes them.",
                    "{door}: {number} codes by {writer}, it seems. Two systems on one lock give a guest two codes. "
                    "{remedy} Turnkey never changes or removes them.",
                    number,
                )
                yield two.format(
                    door=door.name, number=number, writer=said(NAMES[writer]), remedy=said(REMEDIES[writer])
                )


def _flats(facts: Facts) -> Step:
    served = [one for one in facts.flats if one.door_ids & facts.usable]
    closed = [one.name for one in facts.flats if not one.door_ids & facts.usable]
    notes = tuple(_("{name}: none of its locks can take a code.").format(name=name) for name in closed)
    if served:
        flats = ngettext("{number} flat with locks.", "{number} flats with locks.", len(served))
        return Step(Key.FLATS, State.DONE, flats.format(number=len(served)), notes=notes)
    remedy = _(
        "Enter the flat, its time zone, and every lock that its guests must open, the building's entrance included."
    )
    text = _("No flat is entered yet.") if not facts.flats else _("No flat has a lock that can take a code.")
    return Step(Key.FLATS, State.OPEN, text, remedy, notes)


def _calendar(facts: Facts) -> Step:
    read = [one for one in facts.calendars if one.was_read]
    if read:
        done = ngettext("{number} calendar read.", "{number} calendars read.", len(read)).format(number=len(read))
        return Step(Key.CALENDAR, State.DONE, done)
    broken = next((one for one in facts.calendars if one.trouble), None)
    if broken is not None:
        return Step(
            Key.CALENDAR,
            State.TROUBLE,
            _("“{name}” cannot be read: {reason}").format(name=broken.name, reason=said(broken.trouble)),
            _("Copy the channel's export link once more."),
        )
    if facts.calendars:
        text = _("“{name}” is entered, and nothing of it is taken over yet.").format(name=facts.calendars[0].name)
        return Step(Key.CALENDAR, State.OPEN, text, _("Look at the preview, then take it over."))
    if facts.stay is not None:
        none = _("None: bookings are entered by hand. Add one whenever you like.")
        return Step(Key.CALENDAR, State.SKIPPED, none)
    return Step(
        Key.CALENDAR,
        State.OPEN,
        _("No calendar is read yet."),
        _("Paste the export link of Airbnb, Booking.com or another channel, or go on and enter bookings by hand."),
    )


def _stay(facts: Facts) -> Step:
    if facts.stay is None:
        return Step(
            Key.STAY,
            State.OPEN,
            _("No confirmed booking is to come at a flat with a lock."),
            _("Enter one. For a first try take an arrival of today, at a door that you can reach."),
        )
    if facts.stay.goes_on_at > facts.now:
        at = day_and_time(facts.stay.goes_on_at, ZoneInfo(facts.stay.zone))
        note = _("Its code goes onto the locks on {at}. To see one at once, enter a booking that begins sooner.")
        return Step(Key.STAY, State.DONE, _("There is a booking."), notes=(note.format(at=at),))
    return Step(Key.STAY, State.DONE, _("There is a booking."))


def _watch(facts: Facts) -> Step:
    """Reality is that the worker went its rounds, and that each keypad was read."""
    stay = facts.stay
    if stay is None:
        return Step(Key.WATCH, State.OPEN, _("There is nothing to watch yet."), _("Enter a booking first."))
    if stay.ready:
        return Step(Key.WATCH, State.DONE, _("The code is on each lock."))
    if not facts.works:
        stands = facts.works is False
        text = _("Turnkey has stood still for a while.") if stands else _("Turnkey has not begun to work.")
        remedy = _("Start everything: make run. “make doctor” says what is down.")
        return Step(Key.WATCH, State.TROUBLE if stands else State.WAITING, text, remedy)
    if not stay.worked_out:
        return Step(Key.WATCH, State.WAITING, _("A code is being chosen."), _("Wait a minute."))
    doors = facts.doors_of(stay)
    unread = [one for one in doors if not one.looked]
    if not unread:
        known = ngettext(
            "A code is chosen for {number} lock, and each keypad was read.",
            "A code is chosen for {number} locks, and each keypad was read.",
            len(doors),
        ).format(number=len(doors))
        return Step(Key.WATCH, State.DONE, known, warnings=tuple(other_writers(doors)))
    troubled = next((one for one in unread if one.trouble), None)
    if troubled is not None:
        text = _("{door} cannot be read. {reason}").format(door=troubled.name, reason=troubled.trouble).strip()
        return Step(Key.WATCH, State.TROUBLE, text, _("Put it right, then press “Read the keypads”."))
    names = ", ".join(one.name for one in unread)
    return Step(
        Key.WATCH,
        State.WAITING,
        _("The codes on {locks} are not read yet.").format(locks=names),
        _("If it takes more than a minute, press “Read the keypads”."),
    )


def _begin(facts: Facts) -> Step:
    """Reality is a code that Tedee has confirmed on each lock."""
    stay = facts.stay
    if stay is None:
        return Step(Key.BEGIN, State.OPEN, _("There is no code to put on a lock yet."), _("Enter a booking first."))
    if stay.ready:
        first = ngettext(
            "The first code is on {number} lock, and Tedee has confirmed it.",
            "The first code is on {number} locks, and Tedee has confirmed it.",
            len(stay.door_ids),
        )
        return Step(Key.BEGIN, State.DONE, first.format(number=len(stay.door_ids)))
    observed = facts.observed(stay)
    if observed:
        names = ", ".join(f"“{one.name}”" for one in observed)
        only = _("Turnkey only observes {accounts}: it puts no code on a lock. Let guests in as before.")
        return Step(
            Key.BEGIN,
            State.OPEN,
            only.format(accounts=names),
            _("When everything else is as it should be, take the tick off “Observe only”."),
            warnings=tuple(other_writers(facts.doors_of(stay))),
        )
    if stay.must_act:
        return Step(Key.BEGIN, State.TROUBLE, f"{stay.must_act}.", _("The page of the stay says why, and what helps."))
    if stay.goes_on_at > facts.now:
        at = day_and_time(stay.goes_on_at, ZoneInfo(stay.zone))
        return Step(Key.BEGIN, State.WAITING, _("Turnkey puts the first code on its locks on {at}.").format(at=at))
    put = _("The code is being put on its locks.")
    return Step(Key.BEGIN, State.WAITING, put, _("This page says when it is there."))
