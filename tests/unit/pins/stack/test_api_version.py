"""What doctor says of the version of the API, from the table that was checked last."""

from __future__ import annotations

from datetime import date

import pytest

from pins.stack.checkup.api_version import CHECKED, VERSIONS, judged
from pins.stack.checkup.findings import Health

TODAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("path", "today", "health", "said"),
    [
        ("/api/v37", TODAY, Health.OK, "v37 is the current one (checked 2026-11)"),
        ("/api/v37/", TODAY, Health.OK, "v37 is the current one"),
        ("/api/v1.36", TODAY, Health.WARN, "v1.36 is deprecated and ends in February 2027"),
        ("/api/v36", date(2027, 1, 31), Health.WARN, "v36 is deprecated"),
        ("/api/v36", date(2027, 2, 1), Health.FAIL, "v36 ended in February 2027"),
        ("/api/v1.33", TODAY, Health.FAIL, "v1.33 ended in July 2026"),
        ("/api/v1.30", TODAY, Health.FAIL, "v1.30 ended in March 2025"),
        ("/api/v38", TODAY, Health.WARN, "names v38, of which nothing is known (checked 2026-11)"),
        ("/api/v1.35", TODAY, Health.WARN, "names v1.35, of which nothing is known"),
        ("/api", TODAY, Health.WARN, "names no version, of which nothing is known"),
        ("/v37/proxy", TODAY, Health.WARN, "names no version"),
    ],
)
def test_the_version_is_judged_by_the_table_and_the_day(path: str, today: date, health: Health, said: str) -> None:
    found = judged(f"https://api.tedee.com{path}", today)
    assert found.health is health
    assert said in found.text
    assert CHECKED in found.text
    assert ("v37" in found.remedy) == (health is not Health.OK)


def test_one_version_is_current() -> None:
    assert [number for number, version in VERSIONS.items() if version.ends is None] == [max(VERSIONS)]
