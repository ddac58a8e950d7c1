"""The answer to the one question of the morning, in a sentence or two. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rentals.wording import Tone


@dataclass(frozen=True, slots=True)
class Answer:
    """What the board says first. `tone` colours it; the words say it all."""

    words: str
    tone: Tone


def answer(
    arrivals: Collection[Tone],
    outside: int,
    staying: int,
    *,
    watched: int = 0,
    watching: bool = False,
    idle_since: str = "",
    is_new: bool = False,
) -> Answer:
    """Whether every guest who arrives soon can get in, and every guest who left is locked out.

    `arrivals`: how the doors are of each stay that begins in the next 24 hours. `outside`: guests whose stay has begun
    and whose code is not on every lock. `staying`: guests who left and whose code may still be on a lock.

    `watched`: stays that begin in the next 24 hours, not among `arrivals`, of which Turnkey only watches a lock: it
    does not know whether these guests can get in. `watching`: some account is only watched, so that only our own codes
    can be spoken for. `idle_since`: when Turnkey last worked, if it does not any more; the rest is
    as it was known then. `is_new`: no stay was ever entered.
    """
    late = [tone for tone in arrivals if tone is not Tone.READY]
    joint = ", and" if bool(late) == bool(staying) else ", but"
    if is_new and not (arrivals or watched or outside or staying or idle_since):
        return Answer("Nobody is expected: there is no booking yet.", Tone.WAITING)
    left = _left(staying, watching=watching)
    if watched and not arrivals:
        words = f"{_watched(watched)}{', but' if staying else ', and'} {left}."
    else:
        words = f"{_coming(len(arrivals), len(late), watched)}{joint} {left}."
        words = f"{words} {_watched(watched)}." if watched else words
    if outside:
        words = f"{_outside(outside)} {words}"
    if idle_since:
        return Answer(f"Turnkey has stood still since {idle_since}. {words}", Tone.ACT)
    return Answer(words, _tone(late, outside, staying, watched))


def _tone(late: Collection[Tone], outside: int, staying: int, watched: int) -> Tone:
    if outside or staying or Tone.ACT in late or Tone.OVER in late:
        return Tone.ACT
    if Tone.TROUBLE in late:
        return Tone.TROUBLE
    if late:
        return Tone.BUSY
    return Tone.WAITING if watched else Tone.READY


def _outside(count: int) -> str:
    if count == 1:
        return "A guest who is due may stand before a closed door."
    return f"{count} guests who are due may stand before a closed door."


def _watched(count: int) -> str:
    who = "a guest who arrives" if count == 1 else f"{count} guests who arrive"
    return f"Turnkey only watches for {who} in the next 24 hours and puts no code on their locks"


def _coming(count: int, late: int, watched: int) -> str:
    if not count and not watched:
        return "Nobody arrives in the next 24 hours"
    if not late:
        who = "The guest who arrives" if count == 1 else f"{_all(count)} guests who arrive"
        if watched:
            who = "A guest who arrives" if count == 1 else f"{count} guests who arrive"
        return f"{who} in the next 24 hours can get in"
    if watched:
        who = "A guest who arrives" if late == 1 else f"{late} guests who arrive"
        return f"{who} in the next 24 hours cannot get in yet"
    if count == 1:
        return "The guest who arrives in the next 24 hours cannot get in yet"
    return f"{late} of {count} guests who arrive in the next 24 hours cannot get in yet"


def _all(count: int) -> str:
    return "Both" if count == 2 else f"All {count}"


def _left(staying: int, *, watching: bool) -> str:
    if not staying and watching:
        return "no code of Turnkey outlives its stay"
    if not staying:
        return "every guest who left is locked out"
    if staying == 1:
        return "the code of a guest who left may still work"
    return f"the codes of {staying} guests who left may still work"
