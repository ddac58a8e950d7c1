"""What the board says first: whether everybody gets in, in a sentence or two. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

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
        parts = (
            (self.undecided, "1 calendar row may be a stay", "{} calendar rows may be stays"),
            (self.unconfirmed, "1 stay without a code is not confirmed", "{} stays without a code are not confirmed"),
            (self.held, "1 stay left its calendar", "{} stays left their calendars"),
            (self.review, "1 stay needs a review", "{} stays need a review"),
            (self.lock_off, "1 stay has a lock that is switched off", "{} stays have a lock that is switched off"),
            (self.changed, "1 guest knows a former code", "{} guests know a former code"),
            (self.shut_out, "1 guest says that they cannot get in", "{} guests say that they cannot get in"),
            (self.unread, "1 calendar cannot be read in full", "{} calendars cannot be read in full"),
        )
        return [one if number == 1 else many.format(number) for number, one, many in parts if number]


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
    joint = ", and" if bool(late) == bool(staying) else ", but"
    if is_new and not (arrivals or observed or outside or staying or idle_since or unknown):
        return Headline("Nobody is expected: there is no booking yet.", Tone.WAITING)
    left = _left(staying, observes=observes)
    if observed and not arrivals:
        words = f"{_observed(observed)}{', but' if staying else ', and'} {left}."
    else:
        words = f"{_coming(len(arrivals), len(late), observed, is_certain=not unknown)}{joint} {left}."
        words = f"{words} {_observed(observed)}." if observed else words
    if unknown:
        words = f"{words} Not certain: {', '.join(unknown)}."
    if outside:
        words = f"{_outside(outside)} {words}"
    if idle_since:
        return Headline(f"Turnkey has stood still since {idle_since}. {words}", Tone.ACT)
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
    if count == 1:
        return "A guest who is due may stand before a closed door."
    return f"{count} guests who are due may stand before a closed door."


def _observed(count: int) -> str:
    who = "a guest who arrives" if count == 1 else f"{count} guests who arrive"
    return f"Turnkey only observes the locks of {who} in the next 24 hours and puts no code on them"


def _coming(count: int, late: int, observed: int, *, is_certain: bool) -> str:
    if not count and not observed:
        return "Nobody arrives in the next 24 hours" if is_certain else "Nobody is known to arrive in the next 24 hours"
    if not late and not is_certain:
        who = "1 guest is" if count == 1 else f"{count} guests are"
        return f"{who} known to arrive in the next 24 hours, with a code on each lock in use"
    if not late:
        who = "The guest who arrives" if count == 1 else f"{_all(count)} guests who arrive"
        if observed:
            who = "A guest who arrives" if count == 1 else f"{count} guests who arrive"
        return f"{who} in the next 24 hours can get in"
    if observed:
        who = "A guest who arrives" if late == 1 else f"{late} guests who arrive"
        return f"{who} in the next 24 hours cannot get in yet"
    if count == 1:
        return "The guest who arrives in the next 24 hours cannot get in yet"
    return f"{late} of {count} guests who arrive in the next 24 hours cannot get in yet"


def _all(count: int) -> str:
    return "Both" if count == 2 else f"All {count}"


def _left(staying: int, *, observes: bool) -> str:
    if not staying and observes:
        return "no code of Turnkey outlives its stay"
    if not staying:
        return "every guest who left is locked out"
    if staying == 1:
        return "the code of a guest who left may still work"
    return f"the codes of {staying} guests who left may still work"
