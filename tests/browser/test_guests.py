"""A guest on the telephone: before, in and after the stay, with a lock that is offline, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.browser.conftest import Visit
from tests.browser.console import DAY, Console, expect
from tests.browser.test_pages import PHONE, assert_in_reach, barriers, too_wide

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.real_processes, pytest.mark.timeout(240)]

HOUR = timedelta(hours=1)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def assert_fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, too_wide(page)


@pytest.fixture(scope="module")
def stays(console: Console) -> dict[str, int]:
    """Three stays in one flat, and one whose lock is offline. A keypad takes no digits twice, so none overlap."""
    flat = console.flat()
    console.stack.desk.ask(
        "guide", flat=flat.id, address="Rynek 3, Kraków", host_phone="+48 601 234 567", grace_hours=48
    )
    return {
        "past": console.book(flat, "Pia Past", begins=-3 * DAY),
        "present": console.ready_stay(flat, "Quin Present", begins=-HOUR, nights=1),
        "coming": console.ready_stay(flat, "Rae Coming", begins=3 * DAY),
    }


@pytest.fixture
def see(console: Console, visit: Visit, stays: dict[str, int]) -> Callable[..., Page]:
    """The guest's page of one of the stays, on a telephone."""

    def page(which: str, **options: Any) -> Page:
        path = console.stack.desk.ask("guest_path", booking=stays[which])
        return visit(path, who="", **{"locale": "en-GB", **PHONE, **options})

    return page


def test_a_guest_before_in_and_after_the_stay(
    console: Console, see: Callable[..., Page], stays: dict[str, int]
) -> None:
    before = see("coming", locale="pl-PL")
    expect(before.locator(".badge")).to_contain_text("Gotowy")
    expect(before.get_by_text("Kod zobaczysz tutaj od")).to_be_visible()
    expect(before.get_by_role("button")).to_have_count(0)
    assert_fits(before)

    after = see("past")
    expect(after.get_by_text("Your stay is over.")).to_be_visible()
    assert_fits(after)

    during = see("present", java_script_enabled=False)
    expect(during.locator(".badge")).to_contain_text("Active now")
    code = console.stay(stays["present"])["code"]
    expect(during.locator("body")).not_to_contain_text(code)
    during.get_by_role("button", name="Show my code").click()
    expect(during.locator(".digits")).to_have_text(re.compile(r"\s*".join(code)))
    during.get_by_role("link", name="Hide the code").click()
    expect(during.locator(".digits")).to_have_count(0)


def test_a_guest_at_a_door_without_a_code_is_heard(console: Console, visit: Visit) -> None:
    flat = console.flat()
    console.stack.desk.ask("guide", flat=flat.id)
    console.plug(flat, connected=False)
    booking = console.book(flat, "Sol Outside", begins=-HOUR)
    try:
        console.wait_until_in_trouble(booking)
        page = visit(console.stack.desk.ask("guest_path", booking=booking), who="", locale="en-GB", **PHONE)
        expect(page.get_by_role("button", name="Show my code")).to_have_count(0)
        ask = page.get_by_role("button", name="I cannot get in")
        assert_in_reach(ask)
        ask.tap()
        expect(page.get_by_text("Your host has been told.")).to_be_visible()
        expect(page.get_by_text(f"Your code is not on this door yet: {flat.door}.")).to_be_visible()
        assert_fits(page)
        board = visit("/")
        issue = board.locator("#issues li").filter(has_text="A guest says that they cannot get in")
        expect(issue.filter(has_text="Sol Outside")).to_be_visible()
        page.get_by_role("button", name="I am in now").tap()
        expect(page.get_by_text("Your host knows that you are in.")).to_be_visible()
    finally:
        console.stack.desk.ask("cancel", bookings=[booking])
        console.plug(flat, connected=True)


def test_no_guest_page_has_a_barrier(see: Callable[..., Page], axe_script: Path) -> None:
    """axe is put into the page past its policy, which lets in no script."""
    pressed = {"Show my code": "**/code/*", "I cannot get in": "**/help/*"}
    for which, press in (("coming", ""), ("past", ""), *(("present", one) for one in pressed)):
        page = see(which, bypass_csp=True)
        if press:
            page.get_by_role("button", name=press).tap()
            page.wait_for_url(pressed[press])
        page.add_script_tag(path=axe_script)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert not barriers(page), f"{which} {press}"
