"""Every calendar of a foreign corpus is read and decided without an unhandled exception.

`python tests/corpus/fetch_corpus.py` fetches it; without it there is nothing to read and the test says so.
"""

from __future__ import annotations

import pytest

from rentals.calendars.classify.verdicts import classify, recognise
from rentals.calendars.events import Channel, FeedError, Options
from tests.support.calendar_texts import read
from tests.support.paths import CORPUS


def test_every_calendar_of_the_corpus_is_read_or_refused() -> None:
    paths = sorted(CORPUS.rglob("*.ics"))
    if not paths:
        pytest.skip("NO CORPUS: fetch it with `python tests/corpus/fetch_corpus.py`")
    read_well = 0
    for path in paths:
        try:
            calendar = read(path.read_bytes())
        except FeedError:
            continue
        made = classify(calendar.events, recognise(calendar, Channel.AUTO), Options())
        assert len(made) == len(calendar.events), path.name
        assert all(one.reason for one in calendar.quarantined), path.name
        read_well += 1
    assert read_well > len(paths) // 2
