"""A guest on the telephone: before, in and after the stay, with a lock that is offline, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.browser.conftest import Visit
from tests.browser.console import DAY, PATIENCE, Console, expect, see_by_itself
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


def test_a_guest_at_a_door_without_a_code_is_heard_and_given_a_spare_one(
    console: Console, visit: Visit, axe_script: Path
) -> None:
    flat = console.flat()
    console.stack.desk.ask("guide", flat=flat.id, hands_out_spares=True)
    console.ready_stay(flat, "Uma Later", begins=5 * DAY)
    # Before a spare code takes a place, the lock's own list is read.
    visit(f"/locks/{flat.lock}/").get_by_role("button", name="Compare now").click()
    console.stack.wait_for("the list is read", lambda: console.stack.desk.ask("looked", lock=flat.lock), PATIENCE)
    console.stack.desk.ask("keep_spare", lock=flat.lock)
    console.stack.wait_for(
        "a spare code waits", lambda: console.stack.desk.ask("spares", lock=flat.lock) or None, 2 * PATIENCE
    )
    console.plug(flat, connected=False)
    booking = console.book(flat, "Sol Outside", begins=-HOUR)
    try:
        console.wait_until_in_trouble(booking)
        path = console.stack.desk.ask("guest_path", booking=booking)
        page = visit(path, who="", locale="en-GB", bypass_csp=True, **PHONE)
        expect(page.get_by_role("button", name="Show my code")).to_have_count(0)
        ask = page.get_by_role("button", name="I cannot get in")
        assert_in_reach(ask)
        ask.tap()
        expect(page.get_by_text("Your host has been told.")).to_be_visible()
        expect(page.get_by_text(f"Your code is not on this door yet: {flat.door}.")).to_be_visible()
        assert_fits(page)
        expect(page.get_by_role("heading", name="Use this code now")).to_be_visible()
        code = "".join(page.locator(".digits").inner_text().split())
        (keypad,) = [one for one in console.stack.locks() if one["id"] == flat.device]
        assert code in {pin["pin"] for pin in keypad["pins"]}
        assert console.stack.control("enter", lock_id=flat.device, pin=code)["event"] == 61
        assert_no_barrier(page, axe_script)
        board = visit("/")
        issue = board.locator("#issues li").filter(has_text="A guest says that they cannot get in")
        expect(issue.filter(has_text="Sol Outside")).to_be_visible()
        stay = visit(f"/stays/{booking}/", bypass_csp=True)
        stay.get_by_role("button", name="Show the spare code").click()
        expect(stay.get_by_text(code)).to_be_visible()
        assert_no_barrier(stay, axe_script)
        page.get_by_role("button", name="I am in now").tap()
        expect(page.get_by_text("Your host knows that you are in.")).to_be_visible()
    finally:
        console.stack.desk.ask("cancel", bookings=[booking])
        console.plug(flat, connected=True)


def test_who_has_come_stands_on_the_page_of_the_stay(console: Console, visit: Visit) -> None:
    flat = console.flat()
    booking = console.ready_stay(flat, "Tia Arrives", begins=-HOUR)
    assert console.stack.control("enter", lock_id=flat.device, pin=console.stay(booking)["code"])["event"] == 61
    console.stack.desk.ask("read_activity", on=True)
    try:
        page = visit(f"/stays/{booking}/", own_clock=True)
        see_by_itself(page, page.get_by_text(re.compile("[Ff]irst unlock")).first)
    finally:
        console.stack.desk.ask("read_activity", on=False)


def assert_no_barrier(page: Page, axe_script: Path) -> None:
    page.add_script_tag(path=axe_script)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        # Django's colours fade into each other, as in `test_pages`.
        page.evaluate("Promise.all(document.getAnimations().map(one => one.finished)).then(() => null)")
        assert not barriers(page), scheme


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
