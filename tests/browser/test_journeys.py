"""What a host does in a morning, from the form to the lock and back, on the pages that a host sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.browser.conftest import PASSWORD, Visit
from tests.browser.console import DAY, Console, expect, is_same_document, look_again, remember, row, see_by_itself
from tests.support.feeds import sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = [pytest.mark.browser, pytest.mark.real_processes, pytest.mark.timeout(240)]

WARSAW = ZoneInfo("Europe/Warsaw")


def test_a_booking_that_is_entered_comes_onto_the_open_board_and_gets_ready(console: Console, visit: Visit) -> None:
    flat = console.flat()
    board = visit("/")
    remember(board)

    form = visit("/admin/rentals/booking/add/")
    arrival = datetime.now(WARSAW) + timedelta(hours=3)
    form.get_by_label("Property").select_option(value=str(flat.id))
    form.get_by_label("Guest name").fill("Ada Entered")
    form.locator("#id_arrival_date").fill(f"{arrival:%Y-%m-%d}")
    form.locator("#id_arrival_time").fill(f"{arrival:%H:%M}")
    form.locator("#id_departure_date").fill(f"{arrival + 2 * DAY:%Y-%m-%d}")
    form.get_by_role("button", name="Save", exact=True).click()
    expect(form.locator(".success")).to_contain_text("Ada Entered")

    # Nobody touches the board; its clock is the real one.
    arrives = row(board, "Ada Entered")
    expect(arrives).to_be_visible(timeout=60_000)
    expect(arrives.locator(".badge")).to_have_text(re.compile("Ready on 1 lock"), timeout=60_000)
    expect(arrives).to_contain_text("not shown yet")
    assert is_same_document(board)


def test_a_pulled_plug_is_trouble_on_the_board_until_it_is_back(console: Console, visit: Visit) -> None:
    flat = console.flat()
    console.plug(flat, connected=False)
    try:
        console.book(flat, "Bo Unplugged")
        board = visit("/", own_clock=True)
        remember(board)
        line = row(board, "Bo Unplugged")
        see_by_itself(board, line.locator(".badge.trouble").filter(has_text=f"Trying again: {flat.door}"))
        expect(line.locator(".locks")).to_contain_text(re.compile(f"{re.escape(flat.door)}: trying again, next try"))
        expect(board.locator("#headline")).to_contain_text("cannot get in yet")
        expect(board.locator("#headline")).not_to_contain_text("can get in,")
    finally:
        console.plug(flat, connected=True)

    see_by_itself(board, line.locator(".badge.ready").filter(has_text="Ready on 1 lock"))
    expect(line.locator(".locks")).to_have_count(0)
    # Calendars of other journeys may leave a doubt, and then nothing is promised.
    expect(board.locator("#headline")).to_contain_text(re.compile("can get in, and|a code on each lock in use, and"))
    assert is_same_document(board)


def test_a_held_calendar_is_put_right_from_the_board(console: Console, visit: Visit) -> None:
    flat = console.flat()
    feed = console.stack.desk.ask("subscribe", flat=flat.id, name="Airbnb Lighthouse", url="")
    assert console.push(feed, sample(1, datetime.now(WARSAW).date()))["status"] == "imported"
    console.push(feed, sample(16))

    board = visit("/", own_clock=True)
    remember(board)
    issue = board.locator("#issues li").filter(has_text="Airbnb Lighthouse")
    see_by_itself(board, issue)
    assert is_same_document(board)
    expect(issue).to_contain_text("Nothing is cancelled until you decide.")
    issue.get_by_role("link", name="A calendar waits for your decision").click()

    hold = board.get_by_role("region", name="Your decision is needed")
    expect(hold.get_by_role("checkbox")).to_have_count(2)  # the third has begun and is out of reach
    hold.get_by_role("button", name="Cancel the chosen stays").click()
    board.get_by_role("button", name="Yes, cancel 2 stays and remove the codes").click()
    expect(board.locator(".messagelist")).to_contain_text("Airbnb Lighthouse")
    expect(hold).to_have_count(0)

    board.goto("/")
    expect(board.locator("#headline")).to_be_visible()
    expect(issue).to_have_count(0)
    assert sorted(one["status"] for one in console.stack.desk.ask("calendar", feed=feed)["stays"].values()) == [
        "cancelled",
        "cancelled",
        "confirmed",
    ]


def test_a_person_with_the_permission_is_shown_the_code_with_a_message_to_copy(console: Console, visit: Visit) -> None:
    booking = console.ready_stay(console.flat(), "Cleo Curious")
    page = visit(f"/stays/{booking}/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Show the code").click()

    code = console.stay(booking)["code"]
    shown = page.locator(".tk-shown").inner_text()
    assert shown == code or pytest.fail("another code is shown than the stay has")
    message = page.get_by_label("Message for the guest")
    text = message.input_value()
    assert " ".join(code) in text or pytest.fail("the message does not tell the code")
    page.get_by_role("button", name="Copy message").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == text or pytest.fail("something else was copied than the message")

    page.goto(f"/stays/{booking}/")
    expect(page.locator("main")).to_contain_text("host")  # the reveal is written down


def test_a_person_without_the_permission_is_shown_no_code_and_gets_none_by_asking(
    console: Console, visit: Visit
) -> None:
    booking = console.ready_stay(console.flat(), "Dora Discreet")
    page = visit(f"/stays/{booking}/", who="clerk")
    expect(page.get_by_role("heading", name="Dora Discreet")).to_be_visible()
    expect(page.get_by_role("button", name="Try again now")).to_be_visible()
    expect(page.get_by_role("button", name="Show the code")).to_have_count(0)

    token = page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    answer = page.context.request.post(f"/admin/rentals/booking/{booking}/reveal/", form={"csrfmiddlewaretoken": token})
    assert answer.status == 403
    assert "CSRF" not in answer.text()
    assert console.stay(booking)["code"] not in answer.text() or pytest.fail("the refusal tells the code")
    # The very same request is a good one, only not theirs: what they may do is done.
    tried = page.context.request.post(f"/stays/{booking}/try_again/", form={"csrfmiddlewaretoken": token})
    assert tried.ok
    expect(page).to_have_url(re.compile(f"/stays/{booking}/$"))


def test_a_board_whose_session_ended_asks_for_the_login(visit: Visit) -> None:
    board = visit("/timeline/", own_clock=True)
    board.context.clear_cookies()
    board.clock.fast_forward("00:31")
    expect(board).to_have_url(re.compile(r"/admin/login/\?next=/timeline/$"))
    expect(board.get_by_role("link", name="Timeline")).to_have_count(0)


def test_a_person_who_lost_the_permission_is_shown_no_login_within_the_board(console: Console, visit: Visit) -> None:
    """They are still logged in, so that the server would send them on."""
    console.stack.desk.ask("hire", name="leaver", password=PASSWORD, permissions=["view_booking"])
    board = visit("/", who="leaver", own_clock=True)
    expect(board.locator("#headline")).to_be_visible()
    console.stack.desk.ask("dismiss", name="leaver")
    board.clock.fast_forward("00:31")
    expect(board).to_have_url(re.compile(r"/admin/login/\?next=/$"))
    expect(board.get_by_role("link", name="Timeline")).to_have_count(0)


@pytest.mark.parametrize("trouble", ["no answer", "502", "another page"])
def test_a_board_that_gets_no_answer_says_so_until_it_gets_one(
    trouble: str, browser: Browser, console: Console, logged_in: Callable[[str], Any]
) -> None:
    """Without the guard of the other tests: a browser complains of what it cannot reach."""
    with browser.new_context(base_url=console.url, storage_state=logged_in("host")) as context:
        board = context.new_page()
        board.clock.install()
        board.goto("/")
        remember(board)
        answer = board.locator("#headline").inner_text()
        status = board.locator("main > [role=status]")
        expect(status).to_be_empty()

        def fail(route: Route) -> None:
            if trouble == "no answer":
                route.abort()
            else:
                page = "<!doctype html><title>Proxy</title><h1>Please log in to the proxy</h1>"
                route.fulfill(status=502 if trouble == "502" else 200, body=page, content_type="text/html")

        board.route("**/*", fail)
        board.clock.fast_forward("00:31")
        expect(status).to_have_text(
            re.compile(r"^Not up to date since \d\d:\d\d \S+: the server does not answer. Trying again.$")
        )
        since = status.inner_text()
        board.clock.fast_forward("02:00")
        expect(status).to_have_text(since)
        expect(board.locator("#headline")).to_have_text(answer)
        expect(board.get_by_text("keeps itself up to date")).to_be_hidden()
        assert is_same_document(board)

        board.unroute("**/*")
        board.clock.fast_forward("00:31")
        expect(status).to_be_empty()
        expect(board.get_by_text("keeps itself up to date")).to_be_visible()
        assert is_same_document(board)


def test_where_properties_share_no_clock_the_board_shows_that_of_its_reader(visit: Visit) -> None:
    form = visit("/admin/rentals/property/add/")
    typed = {"name": "Bay in Tokyo", "timezone": "Asia/Tokyo", "check_in_time": "15:00", "check_out_time": "11:00"}
    for field, value in typed.items():
        form.locator(f"[name={field}]").fill(value)
    form.get_by_role("button", name="Save", exact=True).click()
    link = form.locator(".success").get_by_role("link", name="Bay in Tokyo")
    try:
        board = visit("/", own_clock=True, timezone_id="America/New_York")
        as_of = board.locator(".headline time")
        expect(as_of).to_have_text(re.compile(r"^\d\d:\d\d GMT-[45]$"))
        look_again(board)
        expect(as_of).to_have_text(re.compile(r"^\d\d:\d\d GMT-[45]$"))
    finally:
        form.goto(f"{link.get_attribute('href')}../delete/")
        form.get_by_role("button", name=re.compile("^Yes")).click()
    board.goto("/")
    expect(as_of).to_have_text(re.compile(r"^\d\d:\d\d CES?T$"))
