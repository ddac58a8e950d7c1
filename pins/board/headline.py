"""What the board says first: whether everybody gets in, in a sentence or two, in the language that is
active. Asks no database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rentals.wording import Tone


@dataclass(frozen=True, slots=True)
class Doubts:
    """What nobody knows about the guests of now and of the next 24 hours, by number. With any of it nothing is
    promised."""

    undecided: int = 0  # calendar rows that begin soon or have begun, and may be stays
    urgent: bool = False  # one of these rows begins within a day, or has begun
    unconfirmed: int = 0  # tentative stays: no code
    held: int = 0  # stays that left their calendar and wait for a person's decision
    review: int = 0  # stays that a calendar was not certain about
    lock_off: int = 0  # stays whose property has a lock that is switched off: no code on it
    changed: int = 0  # stays whose guest knows a former code: the locks made us replace it
    shut_out: int = 0  # guests who say on their page that they cannot get in
    unread: int = 0  # calendars that cannot be read, or not in full

    def said(self) -> list[str]:
        """Each in a few words."""
        found = (
            (
                self.undecided,
                ngettext("1 calendar row may be a stay", "{number} calendar rows may be stays", self.undecided),
            ),
            (
                self.unconfirmed,
                ngettext(
                    "1 stay without a code is not confirmed",
                    "{number} stays without a code are not confirmed",
                    self.unconfirmed,
                ),
            ),
            (self.held, ngettext("1 stay left its calendar", "{number} stays left their calendars", self.held)),
            (self.review, ngettext("1 stay needs a review", "{number} stays need a review", self.review)),
            (
                self.lock_off,
                ngettext(
                    "1 stay has a lock that is switched off",
                    "{number} stays have a lock that is switched off",
                    self.lock_off,
                ),
            ),
            (self.changed, ngettext("1 guest knows a former code", "{number} guests know a former code", self.changed)),
            (
                self.shut_out,
                ngettext(
                    "1 guest says that they cannot get in", "{number} guests say that they cannot get in", self.shut_out
                ),
            ),
            (
                self.unread,
                ngettext("1 calendar cannot be read in full", "{number} calendars cannot be read in full", self.unread),
            ),
        )
        return [words.format(number=number) for number, words in found if number]


NO_DOUBTS: Final = Doubts()


@dataclass(frozen=True, slots=True)
class Headline:
    """`words` say everything; `tone` colours them."""

    words: str
    tone: Tone


def headline(
    arrivals: Collection[Tone],
    outside: int,
    staying: int,
    *,
    observed: int = 0,
    observes: bool = False,
    idle_since: str = "",
    is_new: bool = False,
    doubts: Doubts = NO_DOUBTS,
) -> Headline:
    """Whether every guest who arrives soon can get in, and every guest who left is locked out.

    `arrivals`: the state of each stay that begins in the next 24 hours. `outside`: how many guests have a stay that has
    begun and a code that is not on every lock. `staying`: how many guests left, and their code may still be on a lock.

    `observed`: how many more stays begin in the next 24 hours for which Turnkey only observes a lock; it does not know
    whether these guests can get in. `observes`: some account is observe-only, so that Turnkey can answer for its own
    codes only. `idle_since`: when Turnkey last worked, in words, if it has stopped; the rest is what was known then.
    `is_new`: no stay was ever entered. `doubts`: as long as there are any, nobody is promised to get in.
    """
    unknown = doubts.said()
    late = [tone for tone in arrivals if tone is not Tone.READY]
    if is_new and not (arrivals or observed or outside or staying or idle_since or unknown):
        return Headline(_("Nobody is expected: there is no booking yet."), Tone.WAITING)
    left = _left(staying, observes=observes)
    if observed and not arrivals:
        words = _joined(_observed(observed), left, is_alike=not staying)
    else:
        coming = _coming(len(arrivals), len(late), observed, is_certain=not unknown)
        words = _joined(coming, left, is_alike=bool(late) == bool(staying))
        words = f"{words} {_observed(observed)}." if observed else words
    if unknown:
        words = f"{words} {_('Not certain: {doubts}.').format(doubts=', '.join(unknown))}"
    if outside:
        words = f"{_outside(outside)} {words}"
    if idle_since:
        stands = _("Turnkey has stood still since {since}.").format(since=idle_since)
        return Headline(f"{stands} {words}", Tone.ACT)
    return Headline(words, _tone(late, outside, staying, observed, doubts))


def _tone(late: Collection[Tone], outside: int, staying: int, observed: int, doubts: Doubts) -> Tone:
    acts = doubts.urgent or doubts.changed or doubts.shut_out
    if outside or staying or acts or Tone.ACT in late or Tone.OVER in late:
        return Tone.ACT
    if Tone.TROUBLE in late or doubts.said():
        return Tone.TROUBLE
    if late:
        return Tone.BUSY
    return Tone.WAITING if observed else Tone.READY


def _outside(count: int) -> str:
    return ngettext(
        "A guest who is due may stand before a closed door.",
        "{number} guests who are due may stand before a closed door.",
        count,
    ).format(number=count)


def _observed(count: int) -> str:
    return ngettext(
        "Turnkey only observes the locks of a guest who arrives in the next 24 hours and puts no code on them",
        "Turnkey only observes the locks of {number} guests who arrive in the next 24 hours and puts no code on them",
        count,
    ).format(number=count)


def _coming(count: int, late: int, observed: int, *, is_certain: bool) -> str:
    if not count and not observed:
        if is_certain:
            return _("Nobody arrives in the next 24 hours")
        return _("Nobody is known to arrive in the next 24 hours")
    if not late:
        return _getting_in(count, observed, is_certain=is_certain)
    if observed:
        return ngettext(
            "A guest who arrives in the next 24 hours cannot get in yet",
            "{number} guests who arrive in the next 24 hours cannot get in yet",
            late,
        ).format(number=late)
    if count == 1:
        return _("The guest who arrives in the next 24 hours cannot get in yet")
    return ngettext(
        "{number} of {total} guests who arrive in the next 24 hours cannot get in yet",
        "{number} of {total} guests who arrive in the next 24 hours cannot get in yet",
        late,
    ).format(number=late, total=count)


def _getting_in(count: int, observed: int, *, is_certain: bool) -> str:
    if not is_certain:
        words = ngettext(
            "1 guest is known to arrive in the next 24 hours, with a code on each lock in use",
            "{number} guests are known to arrive in the next 24 hours, with a code on each lock in use",
            count,
        )
    elif observed:
        words = ngettext(
            "A guest who arrives in the next 24 hours can get in",
            "{number} guests who arrive in the next 24 hours can get in",
            count,
        )
    elif count == 2:
        words = _("Both guests who arrive in the next 24 hours can get in")
    else:
        words = ngettext(
            "The guest who arrives in the next 24 hours can get in",
            "All {number} guests who arrive in the next 24 hours can get in",
            count,
        )
    return words.format(number=count)


def _joined(coming: str, left: str, *, is_alike: bool) -> str:
    """One sentence of both. `is_alike`: both are good news, or neither is."""
    return (_("{coming}, and {left}.") if is_alike else _("{coming}, but {left}.")).format(coming=coming, left=left)


def _left(staying: int, *, observes: bool) -> str:
    if not staying and observes:
        return _("no code of Turnkey outlives its stay")
    if not staying:
        return _("every guest who left is locked out")
    return ngettext(
        "the code of a guest who left may still work",
        "the codes of {number} guests who left may still work",
        staying,
    ).format(number=staying)
