"""Incidents in plain words."""

from __future__ import annotations

import pytest

from pins.incidents import texts
from pins.models import Incident
from pins.models.incident import SEVERITIES, less_than, rank, usual_severity
from rentals.wording import Tone


@pytest.mark.parametrize("kind", Incident.Kind)
def test_every_kind_says_what_is_wrong_and_what_to_do(kind: Incident.Kind) -> None:
    said = texts.text_of(kind.value)
    assert len(said.what) > 10
    assert not said.what.endswith(".")
    assert said.remedy.endswith(".")
    assert usual_severity(kind) in SEVERITIES


def test_there_are_words_for_nothing_else() -> None:
    assert set(texts.REMEDIES) == set(Incident.Kind.values)
    assert set(texts.SEVERITIES) == set(Incident.Severity.values)


def test_only_urgent_asks_a_person_to_act() -> None:
    tones = {severity: texts.severity_badge(severity).tone for severity in Incident.Severity.values}
    assert tones == {"notice": Tone.TROUBLE, "warning": Tone.TROUBLE, "urgent": Tone.ACT}


def test_severities_compare_by_weight_not_by_spelling() -> None:
    assert sorted(Incident.Severity, key=rank) == ["notice", "warning", "urgent"]
    assert less_than(Incident.Severity.NOTICE) == ()
    assert less_than(Incident.Severity.URGENT) == ("notice", "warning")


def test_a_calendar_is_never_said_to_have_lost_many_stays() -> None:
    """One running stay that its channel cancelled is enough to hold it."""
    assert texts.text_of("feed_held").what == "A calendar waits for your decision"


def test_an_unknown_kind_of_an_older_release_still_says_something() -> None:
    assert texts.text_of("of_old").remedy
