"""Refusals are English where they are stored, and can be said in another language."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from rentals import outbound
from rentals.phrases import Phrase
from rentals.wording import said


def test_the_text_of_a_refusal_keeps_what_it_was_made_of() -> None:
    with pytest.raises(outbound.Refused) as refused:
        outbound.check("ftp://example.com/")
    text = str(refused.value)
    assert text == "Only addresses that begin with https:// are contacted."
    assert isinstance(text, Phrase)
    with override("en"):
        assert said(text) == text
