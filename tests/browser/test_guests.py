"""A guest on the telephone: before, in and after the stay, with a lock that is offline, and without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Visit
from tests.browser.console import DAY, Console, expect
from tests.browser.test_pages import PHONE, assert_in_reach, barriers, too_wide

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.real_processes, pytest.mark.timeout(240)]

HOUR = timedelta(hours=1)


def assert_good(page: Page, axe_script: Path) -> None:
    """Nothing sticks out on a telephone, and axe finds no barrier in either scheme."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, too_wide(page)
    page.add_script_tag(path=axe_script)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert not barriers(page)


def test_a_guest_before_in_and_after_the_stay(console: Console, visit: Visit, axe_script: Path) -> None:
    flat = console.flat()
    console.stack.desk.ask(
        "guide", flat=flat.id, address="Rynek 3, Kraków", host_phone="+48 601 234 567", grace_hours=48
    )
    # Each stay has ended before the next one begins: a keypad takes no digits twice.
    past = console.book(flat, "Pia Past", begins=-3 * DAY)
    present = console.ready_stay(flat, "Quin Present", begins=-HOUR, nights=1)
    coming = console.ready_stay(flat, "Rae Coming", begins=3 * DAY)
    paths = {one: console.stack.desk.ask("guest_path", booking=one) for one in (past, present, coming)}

    before = visit(paths[coming], who="", bypass_csp=True, locale="pl-PL", **PHONE)
    expect(before.get_by_text("Gotowy", exact=False).first).to_be_visible()
    expect(before.get_by_text("Kod zobaczysz tutaj od")).to_be_visible()
    expect(before.get_by_role("button")).to_have_count(0)
    assert_good(before, axe_script)

    after = visit(paths[past], who="", bypass_csp=True, locale="en-GB", **PHONE)
    expect(after.get_by_text("Your stay is over.")).to_be_visible()
    assert_good(after, axe_script)

    during = visit(paths[present], who="", locale="en-GB", java_script_enabled=False, **PHONE)
    expect(during.get_by_text("Active now")).to_be_visible()
    code = console.stay(present)["code"]
    expect(during.locator("body")).not_to_contain_text(code)
    during.get_by_role("button", name="Show my code").click()
    expect(during.locator(".digits")).to_have_text(re.compile(r"\s*".join(code)))
    during.get_by_role("link", name="Hide the code").click()
    expect(during.locator(".digits")).to_have_count(0)


def test_a_guest_at_a_door_without_a_code_is_heard(console: Console, visit: Visit, axe_script: Path) -> None:
    flat = console.flat()
    console.stack.desk.ask("guide", flat=flat.id)
    console.plug(flat, connected=False)
    booking = console.book(flat, "Sol Outside", begins=-HOUR)
    try:
        console.wait_until_in_trouble(booking)
        path = console.stack.desk.ask("guest_path", booking=booking)
        page = visit(path, who="", bypass_csp=True, locale="en-GB", **PHONE)
        expect(page.get_by_role("button", name="Show my code")).to_have_count(0)
        ask = page.get_by_role("button", name="I cannot get in")
        assert_in_reach(ask)
        ask.tap()
        expect(page.get_by_text("Your host has been told.")).to_be_visible()
        expect(page.get_by_text(f"Your code is not on this door yet: {flat.door}.")).to_be_visible()
        assert_good(page, axe_script)
        board = visit("/")
        issue = board.locator("#issues li").filter(has_text="A guest says that they cannot get in")
        expect(issue.filter(has_text="Sol Outside")).to_be_visible()
        page.get_by_role("button", name="I am in now").tap()
        expect(page.get_by_text("Your host knows that you are in.")).to_be_visible()
    finally:
        console.stack.desk.ask("cancel", bookings=[booking])
        console.plug(flat, connected=True)
