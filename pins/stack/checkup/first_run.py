"""How far the first run is, in the words of its pages."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from pins.admin.setup import facts
from pins.admin.setup.steps import Step, current, is_complete, judge
from pins.stack.checkup.findings import Finding, ok, warn


def first_run() -> Iterator[Finding]:
    """The steps that are done, and the one that is next; a single line once the first code is on its locks."""
    found = facts.load(timezone.now())
    steps = judge(found)
    if is_complete(found, steps):
        yield ok("first run", "done")
        return
    following = current(steps)
    for step in steps:
        if step is following:
            yield warn(
                _subject(step),
                " ".join((step.text, *step.notes, *step.warnings)),
                f"{step.remedy} The page /setup/ helps.",
            )
            return
        yield ok(_subject(step), step.text)


def _subject(step: Step) -> str:
    return f"first run, {step.title[:1].lower()}{step.title[1:]}"
