"""What a refused request was refused for, by the words of the refusal. The words themselves are dropped: they may quote
a PIN.

No document lists the messages of the API. So the words are looked for that any message about a field must use, and
nothing is concluded unless one field alone is named.
"""

from __future__ import annotations

import re
from typing import Literal

About = Literal["alias", "value", "period", ""]

#: `startDate` and `start_date` are two words.
_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
#: In "pin alias", "the pin's start date" and "alias of the pin", the pin is the whole thing, and not its value.
_PIN_AS_A_WHOLE = re.compile(
    r"\bpin(?:'s)?(?= (?:alias|name|start|end|date|day|week|time|period))|\bof (?:the |a |this )?pin\b"
)
_WORDS: dict[About, re.Pattern[str]] = {
    "alias": re.compile(r"\b(?:alias|name)(?:es|s)?\b"),
    "value": re.compile(r"\b(?:pin|code|digit)s?\b|\bnumeric\b|\bsequence\b"),
    "period": re.compile(r"\b(?:date|time|day|weekday|week|period)s?\b|\bpast\b"),
}


def what_is_named(body: object) -> About:
    """The one field that the messages of a refusal name, empty when there is none or more than one.

    `body` is the decoded JSON: `errorMessages` of the envelope (Tedee API, responses), or `errors` of a problem
    document (RFC 9457, as web frameworks write it), whose keys are the names of fields.
    """
    named = {about for message in _messages(body) for about in _fields_in(message)}
    return named.pop() if len(named) == 1 else ""


def _messages(body: object) -> list[str]:
    if not isinstance(body, dict):
        return []
    said, problems = body.get("errorMessages"), body.get("errors")
    texts = list(said) if isinstance(said, list) else [said]
    if isinstance(problems, dict):
        texts += problems
    return [text for text in texts if isinstance(text, str)]


def _fields_in(message: str) -> set[About]:
    plain = _PIN_AS_A_WHOLE.sub(" ", _SEAM.sub(" ", message).lower())
    return {about for about, words in _WORDS.items() if words.search(plain)}
