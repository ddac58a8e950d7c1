"""Every page with all that can stand on it: on a phone, and for people who need contrast, names and structure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import pytest

from tests.browser.conftest import Visit
from tests.browser.console import DAY, Console, expect, row
from tests.support.feeds import sample

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.real_processes, pytest.mark.timeout(240)]

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
BARRIERS = ("serious", "critical")
#: In dark other colours stand beside each other, and on a phone other things.
LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1280), ("dark", 1280), ("light", 360))

#: The steps of the first run.
SETUP = ("account", "key", "locks", "flats", "calendar", "stay", "watch", "begin")
CONSOLE = ("board", "timeline", "stay", "stay in trouble", "lock", "lock in trouble")
ADMIN = (
    "login",
    "index",
    "bookings",
    "booking",
    "new booking",
    "feeds",
    "feed",
    "properties",
    "property",
    "import of properties",
    "locks",
    "incidents",
    "incident",
    "channels",
    "new channel",
    "messages",
    "people",
    "person",
    "role",
    "timetable",
    "account",
    "new staff access",
    *(f"first run, {step}" for step in SETUP),
)


@pytest.fixture(scope="module")
def pages(console: Console) -> Iterator[dict[str, str]]:
    """Addresses by name. On them are ready and troubled stays, long names, an overlap, a past stay, a held calendar."""
    ready_flat, sick_flat, named_flat = console.flat(), console.flat(), console.longest_named_flat
    ready = console.ready_stay(ready_flat, "Gil Ready")
    console.book(ready_flat, "Hal Overlaps", begins=DAY + timedelta(hours=3))  # a day after the first, at any hour
    console.book(ready_flat, "Ida Later", begins=9 * DAY)
    console.ready_stay(named_flat, "Maximiliane-Charlotte.von-Hohenzollern-Sigmaringen@guests.of-the-channel.example")
    feed = console.stack.desk.ask("subscribe", flat=named_flat.id, name="Booking.com " + named_flat.name, url="")
    console.push(feed, sample(4, datetime.now(ZoneInfo("Europe/Warsaw")).date()))
    console.push(feed, sample(16))
    console.plug(sick_flat, connected=False)
    sick = console.book(sick_flat, "Jo Troubled", begins=timedelta(hours=1))
    console.wait_until_in_trouble(sick)
    incident = console.stack.desk.ask("incidents")[-1]
    console.stack.desk.ask("give_up_on", incident=incident)
    people, roles = console.stack.desk.ask("people"), console.stack.desk.ask("roles")
    yield {
        "board": "/",
        "timeline": "/timeline/",
        "stay": f"/stays/{ready}/",
        "stay in trouble": f"/stays/{sick}/",
        "lock": f"/locks/{ready_flat.lock}/",
        "lock in trouble": f"/locks/{sick_flat.lock}/",
        "login": "/admin/login/",
        "index": "/admin/",
        "bookings": "/admin/rentals/booking/",
        "booking": f"/admin/rentals/booking/{sick}/change/",
        "new booking": "/admin/rentals/booking/add/",
        "feeds": "/admin/rentals/calendarfeed/",
        "feed": f"/admin/rentals/calendarfeed/{feed}/change/",
        "properties": "/admin/rentals/property/",
        "property": f"/admin/rentals/property/{sick_flat.id}/change/",
        "import of properties": "/admin/rentals/property/import/",
        "locks": "/admin/rentals/lock/",
        "incidents": "/admin/pins/incident/",
        "incident": f"/admin/pins/incident/{incident}/change/",
        "channels": "/admin/pins/notificationchannel/",
        "new channel": "/admin/pins/notificationchannel/add/",
        "messages": "/admin/pins/delivery/",
        "people": "/admin/auth/user/",
        "person": f"/admin/auth/user/{people['clerk']}/change/",
        "role": f"/admin/auth/group/{roles['operator']}/change/",
        "changes": "/admin/admin/logentry/",
        "history": f"/admin/rentals/property/{sick_flat.id}/history/",
        "timetable": "/admin/django_celery_beat/periodictask/",
        "account": f"/admin/rentals/lockaccount/{console.stack.desk.ask('names')['accounts']['Office']}/change/",
        "new staff access": "/admin/pins/staffaccess/add/",
        **{f"first run, {step}": f"/setup/{step}/" for step in SETUP},
    }
    console.stack.desk.ask("cancel", bookings=[sick])
    console.plug(sick_flat, connected=True)


@pytest.mark.parametrize("name", [*CONSOLE, *(f"first run, {step}" for step in SETUP), "account"])
def test_no_page_scrolls_sideways_on_a_phone(name: str, pages: dict[str, str], visit: Visit) -> None:
    page = visit(pages[name], **PHONE)
    for detail in page.locator("details > summary").all():
        detail.tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, too_wide(page)
    if name not in CONSOLE:
        return
    for link in page.get_by_role("navigation", name="Console").get_by_role("link").all():
        assert_in_reach(link)


def test_the_main_actions_are_in_reach_on_a_phone(console: Console, pages: dict[str, str], visit: Visit) -> None:
    page = visit(pages["board"], **PHONE)
    for button in (page.get_by_role("button", name="Find"), page.get_by_role("button", name="Log out")):
        assert_in_reach(button)
    for issue in page.locator("#issues li > a").all():
        assert_in_reach(issue)
    guest = row(page, "Gil Ready").locator("a.who")
    assert_in_reach(guest)
    guest.tap()
    for name in ("Show the code", "Try again now", "New code"):
        assert_in_reach(page.get_by_role("button", name=name))
    page.get_by_text("Revoke …").tap()
    assert_in_reach(page.get_by_role("button", name="Yes, take the code off all locks"))
    page.get_by_role("link", name="Timeline").tap()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    # Two weeks are wider than a phone: they scroll in a frame of their own.
    frame = page.get_by_role("region", name="Stays by day")
    assert frame.evaluate("one => one.scrollWidth > one.clientWidth")
    bar = frame.get_by_role("link", name="Ida Later")
    bar.scroll_into_view_if_needed()
    assert_in_reach(bar)


@pytest.mark.parametrize("name", [*CONSOLE, *ADMIN])
def test_no_page_has_a_serious_barrier(name: str, pages: dict[str, str], visit: Visit, axe_script: Path) -> None:
    # axe is no part of the page: its policy would stop axe's own styles.
    page = visit(pages[name], who="" if name == "login" else "host", reduced_motion="reduce", bypass_csp=True)
    page.add_script_tag(path=axe_script)
    found = []
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 740})
        # Django's colours fade into each other; what is measured on the way is no colour of either scheme.
        page.evaluate("Promise.all(document.getAnimations().map(one => one.finished)).then(() => null)")
        found += [f"{scheme} at {width}: {line}" for line in barriers(page)]
    assert not found, "\n".join(found)


def test_bars_that_share_a_night_lie_below_each_other(pages: dict[str, str], visit: Visit) -> None:
    page = visit(pages["timeline"], viewport={"width": 1440, "height": 900})
    first, overlapping, later = (
        page.get_by_role("link", name=name).first.bounding_box() for name in ("Gil Ready", "Hal Overlaps", "Ida Later")
    )
    assert first is not None
    assert overlapping is not None
    assert later is not None
    assert first["x"] < overlapping["x"] < first["x"] + first["width"] < later["x"]
    assert overlapping["y"] >= first["y"] + first["height"]
    assert later["y"] == first["y"]


def test_no_page_asks_for_what_its_policy_forbids(pages: dict[str, str], visit: Visit) -> None:
    """Chromium writes each violation to the console of the page, over which the watch stands."""
    page = visit("/")
    for path in pages.values():
        answer = page.goto(path, wait_until="networkidle")
        assert answer is not None
        assert answer.ok, path
        policy = answer.header_value("content-security-policy")
        assert policy is not None, path
        assert "script-src 'self'" in policy.split("; ")
        assert "unsafe" not in policy
        for button in page.locator("summary, .datetimeshortcuts a, .select2-selection").all():
            if button.is_visible():
                button.click()
                page.keyboard.press("Escape")


def test_lists_to_choose_from_that_are_added_to_a_form_later_have_names_too(
    pages: dict[str, str], visit: Visit
) -> None:
    page = visit(pages["person"])
    page.get_by_role("button", name="Add another Restriction").click()
    for which in ("available", "selected"):
        name = f"Type into this box to filter down the list of {which} properties."
        expect(page.get_by_role("textbox", name=name)).to_be_visible()
        expect(page.get_by_role("img", name=name)).to_be_visible()


def barriers(page: Page) -> list[str]:
    """What axe finds, one line each: how bad, which rule, where, why."""
    report: dict[str, Any] = page.evaluate("axe.run(document)")
    assert "color-contrast" in {rule["id"] for rule in report["passes"]}, "axe looked at hardly anything"
    return [
        f"{rule['impact']} {rule['id']} at {node['target']}: {node['failureSummary']}"
        for rule in report["violations"]
        if rule["impact"] in BARRIERS
        for node in rule["nodes"]
    ]


def assert_in_reach(thing: Locator) -> None:
    """A finger can press it: it lies within the width of the screen, and a tap would hit it and nothing else."""
    box = thing.bounding_box()
    assert box is not None, f"not on the page: {thing}"
    assert box["x"] >= 0, f"off the left edge: {thing} {box}"
    assert box["x"] + box["width"] <= 360, f"off the right edge: {thing} {box}"
    thing.tap(trial=True)


def too_wide(page: Page) -> str:
    """What sticks out, for whoever reads the failure."""
    sticking_out = """[...document.querySelectorAll("body *")]
        .filter(one => one.getBoundingClientRect().right > 360 && !one.closest(".scroll"))
        .map(one => `${one.localName}.${one.className} ${Math.round(one.getBoundingClientRect().right)}`)"""
    return f"sticking out: {page.evaluate(sticking_out)}"
