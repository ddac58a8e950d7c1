"""A host's first hour: an empty database, a key, and at the end a code on the lock, all of it pressed and read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from tests.browser.conftest import PASSWORD
from tests.browser.console import DAY, Watch, expect
from tests.browser.test_pages import barriers
from tests.support.calendars import airbnb, calendar
from tests.support.feeds import FeedServer
from tests.support.processes import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.real_processes, pytest.mark.timeout(240)]

WARSAW = ZoneInfo("Europe/Warsaw")
PATIENCE = 60_000


@pytest.fixture
def empty(chromium: str, tmp_path: Path) -> Iterator[Stack]:
    """Everything runs, nothing is set up, and one person may log in."""
    settings = {"FEEDS_ALLOW_PRIVATE_HOSTS": "1", "TEDEE_OAUTH_CLIENT_ID": "turnkey-demo"}
    database = f"sqlite:///{tmp_path / 'turnkey.sqlite3'}"
    with Stack(tmp_path, database, simulator=["--locks", "1"], settings=settings) as stack:
        stack.desk.ask("hire", name="host", password=PASSWORD)
        yield stack


def test_from_nothing_to_a_code_on_the_lock(empty: Stack, browser: Browser, axe_script: Path) -> None:
    stack, url = empty, empty.start_web()
    (lock,) = stack.locks()
    stack.control("foreign-pin", lock_id=lock["id"], alias="07/24 Brian xNSAgd")
    watch = Watch(url)
    today = datetime.now(WARSAW).date()
    stays = calendar(airbnb("later", today + 20 * DAY, today + 22 * DAY, "HMABCDEFGH"))
    with FeedServer() as feeds, browser.new_context(base_url=url, viewport={"width": 360, "height": 740}) as context:
        context.set_default_timeout(PATIENCE)
        watch.over(context)
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Username").fill("host")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()

        page.wait_for_url("**/setup/account/")
        expect(page.get_by_role("link", name="Connect with Tedee")).to_be_visible()
        page.get_by_text("With a personal access key instead").click()
        assert_no_barrier(browser, page, axe_script)
        page.get_by_label("Access key").fill("a-key-of-nobody")
        page.get_by_role("button", name="Connect and test the key").click()
        expect(page.get_by_text("Tedee refuses the key of “Tedee”")).to_be_visible()
        page.get_by_label("Access key").fill(stack.key)
        page.get_by_role("button", name="Store and test this key").click()

        page.wait_for_url("**/setup/locks/")
        expect(page.get_by_text("1 lock of 1 can take a code.")).to_be_visible()
        # The worker reads the keypad, and the page shows it without being loaded again.
        expect(page.get_by_text("1 code by Airbnb, it seems.")).to_be_visible(timeout=PATIENCE)

        page.goto("/setup/")  # left, and opened again
        page.get_by_label("Name").fill("Garden flat")
        page.get_by_label("Time zone").fill("warsaw")
        page.get_by_label(lock["name"]).check()
        page.get_by_role("button", name="Save the flat").click()
        page.get_by_role("link", name="Next: Add the first calendar").click()

        page.get_by_label("Name").fill("Airbnb")
        page.get_by_label("Flat").select_option(label="Garden flat")
        page.get_by_label("Address").fill(feeds.put("/airbnb.ics", stays))
        page.get_by_role("button", name="Show what it would bring").click()
        expect(page.get_by_text("New stay")).to_be_visible()
        page.get_by_role("button", name="Take it over like this").click()

        page.wait_for_url("**/setup/stay/")
        page.get_by_text("Enter another booking").click()
        begins = datetime.now(WARSAW) + timedelta(hours=2)
        page.get_by_label("Guest name").fill("Ada First")
        page.get_by_label("Arrival:", exact=True).fill(f"{begins:%Y-%m-%d}")
        page.get_by_label("Arrival time").fill(f"{begins:%H:%M}")
        page.get_by_label("Departure:", exact=True).fill(f"{begins + 2 * DAY:%Y-%m-%d}")
        page.get_by_role("button", name="Save the booking").click()

        page.wait_for_url("**/setup/watch/")
        expect(page.get_by_text("A code is chosen for 1 lock, and each keypad was read.")).to_be_visible(
            timeout=PATIENCE
        )
        assert ours(stack) == [], "it only watches"
        page.get_by_role("link", name="Next: Let Turnkey write to the locks").click()
        expect(page.get_by_text("Disconnect the lock in the listing at Airbnb").first).to_be_visible()
        page.get_by_role("checkbox", name="Observe only").uncheck()
        page.get_by_role("button", name="Save", exact=True).click()
        done = page.get_by_text("The first code is on 1 lock, and Tedee has confirmed it.")
        expect(done).to_be_visible(timeout=PATIENCE)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.goto("/")
        expect(page.locator("#headline")).to_contain_text("can get in")

    assert sum(alias.startswith("Ada") for alias in ours(stack)) == 1
    assert watch.requests
    assert watch.complaints == []


def assert_no_barrier(browser: Browser, page: Page, axe_script: Path) -> None:
    """Of the same page in a browser whose pages let axe in."""
    with browser.new_context(storage_state=page.context.storage_state(), bypass_csp=True) as context:
        other = context.new_page()
        other.goto(page.url)
        other.locator("summary").first.click()
        other.add_script_tag(path=axe_script)
        assert not barriers(other)


def ours(stack: Stack) -> list[str]:
    """The names of the codes on the only lock that others did not put there."""
    (lock,) = stack.locks()
    return [pin["alias"] for pin in lock["pins"] if pin["alias"] != "07/24 Brian xNSAgd"]
