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
#: What axe finds in Django's own pages and is left there, as (rule, selector): each with its reason.
EXCEPTIONS = {
    # The search field of lists is named by a picture with the alternative text “Search”. That names it to everybody,
    # but axe counts visible letters only once there is a help text beside it.
    ("label-title-only", "#searchbar"),
    # Django's SelectFilter2.js draws the two lists between which locks are chosen. The name of each search field hangs
    # on a span in its label, which should carry none; browsers and screen readers read it all the same.
    ("aria-prohibited-attr", 'label[for="id_locks_input"] > .help-tooltip.search-label-icon'),
    ("aria-prohibited-attr", 'label[for="id_locks_selected_input"] > .help-tooltip.search-label-icon'),
}
#: The schemes differ in colours alone, so in the second one only the rules about these are asked; [] are all.
SCHEMES: dict[Literal["light", "dark"], list[str]] = {"light": [], "dark": ["color-contrast", "link-in-text-block"]}

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
    "locks",
)


@pytest.fixture(scope="module")
def pages(console: Console) -> Iterator[dict[str, str]]:
    """Addresses by name. On them are ready and troubled stays, long names, an overlap, a past stay, a held calendar."""
    ready_flat, sick_flat, named_flat = console.flat(), console.flat(), console.longest_named_flat
    ready = console.ready_stay(ready_flat, "Gil Ready")
    console.book(ready_flat, "Hal Overlaps", begins=DAY)
    console.book(ready_flat, "Ida Later", begins=9 * DAY)
    console.ready_stay(named_flat, "Maximiliane-Charlotte.von-Hohenzollern-Sigmaringen@guests.of-the-channel.example")
    feed = console.stack.desk.ask("subscribe", flat=named_flat.id, name="Booking.com " + named_flat.name, url="")
    console.push(feed, sample(4, datetime.now(ZoneInfo("Europe/Warsaw")).date()))
    console.push(feed, sample(16))
    console.plug(sick_flat, connected=False)
    sick = console.book(sick_flat, "Jo Troubled", begins=timedelta(hours=1))
    console.wait_until_in_trouble(sick)
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
        "locks": "/admin/rentals/lock/",
    }
    console.stack.desk.ask("cancel", bookings=[sick])
    console.plug(sick_flat, connected=True)


@pytest.mark.parametrize("name", CONSOLE)
def test_no_page_scrolls_sideways_on_a_phone(name: str, pages: dict[str, str], visit: Visit) -> None:
    page = visit(pages[name], **PHONE)
    for detail in page.locator("details > summary").all():
        detail.tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, too_wide(page)
    for link in page.get_by_role("navigation", name="Console").get_by_role("link").all():
        assert_in_reach(link)


def test_the_main_actions_are_in_reach_on_a_phone(console: Console, pages: dict[str, str], visit: Visit) -> None:
    page = visit(pages["board"], **PHONE)
    for button in (page.get_by_role("button", name="Find"), page.get_by_role("button", name="Log out")):
        assert_in_reach(button)
    for mend in page.locator("#mend li > a").all():
        assert_in_reach(mend)
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
    page = visit(pages[name], who="" if name == "login" else "host", reduced_motion="reduce")
    page.add_script_tag(path=axe_script)
    found = []
    for scheme, rules in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        # Django's colours fade into each other; what is measured on the way is no colour of either scheme.
        page.evaluate("Promise.all(document.getAnimations().map(one => one.finished)).then(() => null)")
        found += [f"{scheme}: {line}" for line in barriers(page, rules)]
    assert not found, "\n".join(found)


def barriers(page: Page, rules: list[str]) -> list[str]:
    """What axe finds, one line each: how bad, which rule, where, why."""
    options = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    report: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    assert "color-contrast" in {rule["id"] for rule in report["passes"]}, "axe looked at hardly anything"
    return [
        f"{rule['impact']} {rule['id']} at {node['target']}: {node['failureSummary']}"
        for rule in report["violations"]
        if rule["impact"] in BARRIERS
        for node in rule["nodes"]
        if (rule["id"], node["target"][-1]) not in EXCEPTIONS
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
