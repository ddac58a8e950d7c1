"""Everything without a mouse, and a focus that stays where it is while the page renews itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Visit
from tests.browser.console import Console, expect, look_again, row

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.real_processes, pytest.mark.timeout(240)]

#: So many presses of Tab may lie between two things on a page with a dozen stays.
MOST_TABS = 120


def test_from_the_board_to_a_stay_its_story_and_another_try(console: Console, visit: Visit) -> None:
    booking = console.ready_stay(console.flat(), "Eve Keyboard")
    page = visit("/", own_clock=True, reduced_motion="reduce")  # no scrolling goes on while places are compared

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, row(page, "Eve Keyboard").locator("a.who"))
    keeps_the_focus(page)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/stays/{booking}/$"))

    story = page.locator("details[id^=story-]")
    tab_to(page, story.locator("summary"))
    page.keyboard.press("Enter")
    expect(story.locator("li").first).to_be_visible()
    keeps_the_focus(page)
    expect(story.locator("li").first).to_be_visible()  # what a person opened stays open

    again = page.get_by_role("button", name="Try again now")
    tab_to(page, again)
    keeps_the_focus(page)
    page.keyboard.press("Enter")
    expect(page.locator(".messages").get_by_role("status")).to_have_text(
        "Nothing is open, every lock is as it should be."
    )


def test_what_is_typed_into_the_search_survives_a_look(console: Console, visit: Visit) -> None:
    console.ready_stay(console.flat(), "Finn Found")
    page = visit("/", own_clock=True, reduced_motion="reduce")  # no scrolling goes on while places are compared
    tab_to(page, page.get_by_role("searchbox"))
    page.keyboard.type("finn fo")
    keeps_the_focus(page)
    page.keyboard.type("und")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/\?q=finn\+found$"))
    expect(row(page, "Finn Found")).to_be_visible()
    expect(page.locator("[id^=arrivals-] .rows > li")).to_have_count(1)


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus, which must be seen on it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            outline = wanted.evaluate("one => getComputedStyle(one).outlineStyle + getComputedStyle(one).outlineWidth")
            assert outline.startswith("solid"), f"the focus is not seen: {outline}"
            return
    pytest.fail(f"not reached by {MOST_TABS} presses of Tab: {wanted}")


def keeps_the_focus(page: Page) -> None:
    """The page renews itself and the focus is on the same thing, in the same place of the screen."""
    page.evaluate("window.focused = document.activeElement; window.height = focused.getBoundingClientRect().top")
    look_again(page)
    look_again(page)
    assert page.evaluate("document.activeElement.tagName") != "BODY", "the focus was lost"
    assert page.evaluate("window.focused === document.activeElement"), "the focus went elsewhere"
    moved = page.evaluate("Math.abs(window.focused.getBoundingClientRect().top - window.height)")
    assert moved < 2, "what a person looks at jumped"
