"""The pictures of the documentation: each is taken by `make screenshots`, each is shown somewhere, each is there."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from tests.screenshots.table import PHONE, SHOTS, Shot
from tests.support.paths import ROOT

FOLDER = ROOT / "docs" / "screenshots"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
#: The page of a host's task, and the pictures that it needs at least.
TASKS = {
    "first-hour": {"first-run-locks", "first-run-phone"},
    "accounts": {"accounts"},
    "flat": {"flat"},
    "calendars": {"calendar-feeds", "calendar-feed", "calendar-booking"},
    "guests": {"guest-phone"},
    "staff": {"staff", "cleaner-phone"},
    "lock-replaced": {"lock-replaced"},
    "guest-cannot-get-in": {"guest-cannot-get-in"},
    "spare": {"spare", "spare-phone"},
}


def shown_on(text: str) -> set[str]:
    return set(re.findall(r"screenshots/([\w-]+)\.png", text))


def test_the_table_has_what_the_pages_show_and_nothing_else() -> None:
    shown = set().union(*(shown_on(page.read_text(encoding="utf-8")) for page in PAGES))
    names = [one.name for one in SHOTS]
    assert len(names) == len(set(names))
    assert shown == set(names)
    assert {path.stem for path in FOLDER.iterdir()} == set(names)


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_a_picture_is_as_its_row_says(shot: Shot) -> None:
    scale = 2 if shot.width == PHONE else 1
    path = FOLDER / f"{shot.name}.png"
    assert path.stat().st_size < 250_000
    with Image.open(path) as picture:
        assert picture.width == shot.width * scale
        assert not shot.most or picture.height <= shot.most * scale


@pytest.mark.parametrize("name", TASKS)
def test_the_page_of_a_task_shows_its_screens(name: str) -> None:
    assert TASKS[name] <= shown_on((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"))
