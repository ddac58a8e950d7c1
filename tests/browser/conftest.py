"""One whole stack for all tests of the pages, one Chromium, and a watch over every page that is opened.

These tests run together, and their fixtures end with the last of them: so the stack runs no longer than it is looked
at, and the event loop on which Playwright's synchronous API sits in this thread meets no test that uses the ORM.
Among several workers, one has them all (`tests/support/scheduling.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.console import Console, Watch
from tests.support.processes import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: One for each test that needs doors of its own, and some to spare.
LOCKS = 16
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--no-proxy-server",
    # Whatever it wants to know, it stays on this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
#: Who works here, and what they may do; None may do all.
PEOPLE: dict[str, list[str] | None] = {
    "host": None,
    "clerk": ["view_booking", "change_booking", "view_lock"],
}
PASSWORD = "a-password-of-the-tests"
_failed = pytest.StashKey[bool]()

Visit = Callable[..., "Page"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.failed:
        item.stash[_failed] = True
    return report


@pytest.fixture(scope="package")
def console(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Worker, beat, broker, simulator and web server, with one flat a lock and people who may log in."""
    folder = tmp_path_factory.mktemp("console")
    known = {"TEDEE_OAUTH_CLIENT_ID": "turnkey-demo"}  # so accounts can be connected by a login
    database = f"sqlite:///{folder / 'turnkey.sqlite3'}"
    with Stack(folder, database, simulator=["--locks", str(LOCKS)], settings=known) as stack:
        console = Console.furnish(stack, stack.start_web())
        for name, permissions in PEOPLE.items():
            stack.desk.ask("hire", name=name, password=PASSWORD, permissions=permissions)
        yield console


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def logged_in(browser: Browser, console: Console) -> Callable[[str], Any]:
    """The cookies of somebody who logged in by the form, once for all tests."""
    kept: dict[str, Any] = {}

    def cookies(name: str) -> Any:
        if name not in kept:
            with browser.new_context(base_url=console.url) as context:
                page = context.new_page()
                page.goto("/")
                page.get_by_label("Username").fill(name)
                page.get_by_label("Password").fill(PASSWORD)
                page.get_by_role("button", name="Log in", exact=True).click()
                page.wait_for_url("/")
                kept[name] = context.storage_state()
        return kept[name]

    return cookies


@pytest.fixture
def visit(
    browser: Browser,
    console: Console,
    logged_in: Callable[[str], Any],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Iterator[Visit]:
    """Open a page as somebody. Afterwards no page that was opened may have complained or asked another host."""
    watch = Watch(console.url)
    contexts = []

    def go(path: str, who: str = "host", *, own_clock: bool = False, **options: Any) -> Page:
        cookies = logged_in(who) if who else None
        context = browser.new_context(base_url=console.url, storage_state=cookies, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        watch.over(context)
        page = context.new_page()
        if own_clock:  # which `look_again` moves on
            page.clock.install()
        page.goto(path)
        return page

    yield go
    if request.node.stash.get(_failed, False):
        _tell(console, [page for context in contexts for page in context.pages], tmp_path)
    for context in contexts:
        context.close()
    assert watch.requests, "the watch saw nothing, so it proves nothing"
    assert watch.complaints == []


def _tell(console: Console, pages: list[Page], folder: Path) -> None:
    """What a person wants to see of a failed test."""
    for number, page in enumerate(pages, 1):
        picture = folder / f"{number}.png"
        page.screenshot(path=picture, full_page=True)
        print(f"---- {re.sub(r'[0-9a-f]{24,}', '…', page.url)}: {picture}")
    for child in (console.stack.web, console.stack.worker):
        print(f"---- last lines of {child.log}\n{child.tail()}")
