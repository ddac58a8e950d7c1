"""The answer to the one question of the morning, in a sentence or two. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pins.words import Tone


@dataclass(frozen=True, slots=True)
class Answer:
    """What the board says first. `tone` colours it; the words say it all."""

    words: str
    tone: Tone


def answer(arrivals: Collection[Tone], outside: int, staying: int) -> Answer:
    """Whether every guest who arrives soon can get in, and every guest who left is locked out.

    `arrivals`: how the doors are of each stay that begins in the next 24 hours. `outside`: guests whose stay has begun
    and whose code is not on every lock. `staying`: guests who left and whose code may still be on a lock.
    """
    late = [tone for tone in arrivals if tone is not Tone.READY]
    joint = ", and" if bool(late) == bool(staying) else ", but"
    words = f"{_coming(len(arrivals), len(late))}{joint} {_left(staying)}."
    if outside:
        words = f"{_outside(outside)} {words}"
    return Answer(words, _tone(late, outside, staying))


def _tone(late: Collection[Tone], outside: int, staying: int) -> Tone:
    if outside or staying or Tone.ACT in late or Tone.OVER in late:
        return Tone.ACT
    if Tone.TROUBLE in late:
        return Tone.TROUBLE
    return Tone.BUSY if late else Tone.READY


def _outside(count: int) -> str:
    if count == 1:
        return "A guest who is due may stand before a closed door."
    return f"{count} guests who are due may stand before a closed door."


def _coming(count: int, late: int) -> str:
    if not count:
        return "Nobody arrives in the next 24 hours"
    if not late:
        who = "The guest who arrives" if count == 1 else f"All {count} guests who arrive"
        return f"{who} in the next 24 hours can get in"
    if count == 1:
        return "The guest who arrives in the next 24 hours cannot get in yet"
    return f"{late} of {count} guests who arrive in the next 24 hours cannot get in yet"


def _left(staying: int) -> str:
    if not staying:
        return "every guest who left is locked out"
    if staying == 1:
        return "the code of a guest who left may still work"
    return f"the codes of {staying} guests who left may still work"
