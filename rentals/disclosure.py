"""Whether somebody knows the code of a stay.

Codes are kept elsewhere (`pins`), and nothing of that is imported here: whoever keeps them registers the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

#: Gets keys of bookings, and gives those of them whose code was disclosed.
Answer = Callable[[Collection[int]], Collection[int]]
_answers: list[Answer] = []


def answered_by(answer: Answer) -> None:
    """Let this function answer. Called once, when the apps are ready."""
    _answers.append(answer)


def known_among(booking_ids: Collection[int]) -> set[int]:
    """Those of these stays whose code somebody may know. Without anybody to ask, none."""
    return {pk for answer in _answers for pk in answer(booking_ids)} if booking_ids else set()
