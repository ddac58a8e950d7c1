"""Somebody who works between two stays, on a telephone, and the page of their access."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Visit
from tests.browser.console import PATIENCE, Console, expect
from tests.browser.test_pages import PHONE, assert_in_reach, barriers, too_wide

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.real_processes, pytest.mark.timeout(240)]

HOUR = timedelta(hours=1)


def assert_good(page: Page, axe_script: Path) -> None:
    """Nothing lies beside a telephone, and nothing is in the way of anybody, in light and dark."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, too_wide(page)
    page.add_script_tag(path=axe_script)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert not barriers(page), scheme


def test_a_cleaner_sees_the_gap_the_code_and_says_that_the_flat_is_ready(
    console: Console, visit: Visit, axe_script: Path
) -> None:
    flat = console.flat()
    guest = console.book(flat, "Tess Leaves", begins=-23 * HOUR, nights=1)  # and so in an hour
    maria = console.stack.desk.ask("cleaner", flat=flat.id, name="Maria", mode="turnover", after_check_out=-120)
    page = visit(maria["path"], who="", locale="en-GB", bypass_csp=True, **PHONE)
    ready = page.locator(".badge").filter(has_text="Ready")
    console.stack.wait_for("the code is on the lock", lambda: (page.reload() and ready.count()) or None, PATIENCE)
    expect(page.locator("body")).not_to_contain_text("Tess")
    assert_good(page, axe_script)

    show = page.get_by_role("button", name="Show the code")
    assert_in_reach(show)
    show.tap()
    (lock,) = [one for one in console.stack.locks() if one["id"] == flat.device]
    assert page.locator(".door-code").inner_text() in {pin["pin"] for pin in lock["pins"]}
    assert_good(page, axe_script)

    page.get_by_role("button", name="Done, the flat is ready").tap()
    expect(page.get_by_text("ready since").first).to_be_visible()
    timeline = visit("/timeline/", **PHONE)
    expect(timeline.locator(".bar.staff").filter(has_text="Maria (cleaner)")).to_have_count(1)
    access = visit(f"/admin/pins/staffaccess/{maria['id']}/change/", bypass_csp=True, **PHONE)
    expect(access.get_by_role("button", name="Show the code")).to_be_visible()
    access.add_script_tag(path=axe_script)
    assert not barriers(access)
    console.stack.desk.ask("cancel", bookings=[guest])
