"""How a test counts, as the minute's task does, and reads what was counted."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from pins.core.marks import Mark
from pins.measures import counting, exposition, figures, promise
from pins.measures.cursor import SETTLED
from rentals.access import EVERYTHING
from tests.support.house import House

#: Long enough for a mark, or an answer, to be counted.
A_LOOK = SETTLED + timedelta(seconds=1)


def count() -> None:
    """One minute's task."""
    now = timezone.now()
    counting.count(now)
    promise.record(now)


def live_and_count(house: House, clock: time_machine.Traveller, span: timedelta, step: timedelta) -> None:
    """Let time pass, do what is due after each step, and count."""
    house.settle()
    ends = timezone.now() + span
    while timezone.now() < ends:
        clock.shift(min(step, ends - timezone.now()))
        house.settle()
        count()


def kept() -> dict[str, tuple[int, int, int]]:
    """By mark: arrivals, kept, unknown."""
    return {one.mark.value: (one.arrivals, one.kept, one.unknown) for one in promise.lately(timezone.now(), EVERYTHING)}


NOTHING = {mark.value: (0, 0, 0) for mark in Mark}


def samples(text: str | None = None) -> dict[str, float]:
    """What `/metrics` says, by series as Prometheus writes it: `name{label="value"}`, labels by name."""
    if text is None:
        text = exposition.expose(figures.read(timezone.now()), "")[0].decode()
    return {
        series(sample.name, **sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def series(name: str, **labels: str) -> str:
    said = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{said}}}" if said else name
