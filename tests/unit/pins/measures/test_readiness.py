"""Which of beat, queue and sweep is behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pins.measures.readiness import Part, Status, Traces, judge

NOW = datetime(2027, 3, 3, 14, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("traces", "statuses"),
    [
        pytest.param(Traces(ago(3), ago(3), 0.1), ("ok", "ok", "ok"), id="at work"),
        pytest.param(Traces(ago(3), ago(18), 0.1), ("ok", "ok", "ok"), id="a message is under way"),
        pytest.param(Traces(None, None, None), ("never", "never", "never"), id="nothing was started"),
        pytest.param(Traces(ago(3), None, None), ("ok", "ok", "never"), id="beat was started before the worker"),
        pytest.param(Traces(ago(3), ago(100), 0.1), ("ok", "behind", "behind"), id="no worker"),
        pytest.param(Traces(ago(3), ago(2), 90.0), ("ok", "behind", "ok"), id="a slow queue"),
        pytest.param(Traces(ago(300), ago(299), 0.1), ("behind", "ok", "behind"), id="no beat"),
        pytest.param(Traces(ago(300), ago(310), 0.1), ("behind", "ok", "behind"), id="neither"),
        pytest.param(Traces(None, ago(5), None), ("never", "never", "ok"), id="right after an upgrade"),
        pytest.param(Traces(ago(-30), ago(-30), 0.0), ("ok", "ok", "ok"), id="a clock that is ahead"),
    ],
)
def test_who_is_behind(traces: Traces, statuses: tuple[str, str, str]) -> None:
    found = judge(traces, NOW, every=15)
    assert tuple(found[name].status.value for name in ("beat", "queue", "sweep")) == statuses


def test_the_limits_follow_the_pace() -> None:
    slow = judge(Traces(ago(200), ago(200), 0.0), NOW, every=60)
    assert slow["sweep"] == Part(Status.OK, 200.0)
    assert judge(Traces(ago(241), ago(241), 0.0), NOW, every=60)["sweep"].status is Status.BEHIND
