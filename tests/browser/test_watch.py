"""The watch over the pages sees what it is there for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.console import Console, Watch

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = [pytest.mark.browser, pytest.mark.real_processes, pytest.mark.timeout(240)]


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("console.error('it broke')", "console: it broke"),
        ("setTimeout(() => { throw new Error('it failed') })", "script: it failed"),
        ("new Image().src = 'http://elsewhere.invalid/spy.png'", "asked elsewhere: http://elsewhere.invalid/spy.png"),
        ("new WebSocket('ws://elsewhere.invalid/spy')", "asked elsewhere: ws://elsewhere.invalid/spy"),
    ],
)
def test_the_watch_notices(script: str, complaint: str, browser: Browser, console: Console) -> None:
    with browser.new_context(base_url=console.url, bypass_csp=True) as context:  # which would stop some of it
        assert first_complaint(script, "/healthz", context, console).startswith(complaint)


@pytest.mark.parametrize(
    "script",
    [
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.smuggled = 1'}))",
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">red</p>')",
        "new Image().src = 'http://elsewhere.invalid/spy.png'",
        "new WebSocket('ws://elsewhere.invalid/spy')",
        "eval('1')",
    ],
)
def test_the_watch_notices_what_the_policy_stops(script: str, browser: Browser, console: Console) -> None:
    with browser.new_context(base_url=console.url) as context:
        assert "Content Security Policy" in first_complaint(script, "/admin/login/", context, console)


def first_complaint(script: str, path: str, context: BrowserContext, console: Console) -> str:
    watch = Watch(console.url)
    watch.over(context)
    page = context.new_page()
    page.goto(path)
    assert watch.complaints == []
    page.evaluate(f"() => {{ setTimeout(() => {{ {script} }}) }}")
    while not watch.complaints:  # the test's own time limit ends it
        page.evaluate("new Promise(requestAnimationFrame).then(() => null)")
    return watch.complaints[0]


def test_chromium_can_look_up_no_name_not_even_this_machine_s(browser: Browser, console: Console) -> None:
    with browser.new_context(base_url=console.url) as context:
        page = context.new_page()
        page.goto("/healthz")
        ask = "url => fetch(url, {mode: 'no-cors'}).then(() => 'reached', () => 'not reached')"
        assert page.evaluate(ask, "/healthz") == "reached"
        assert page.evaluate(ask, console.url.replace("127.0.0.1", "localhost") + "/healthz") == "not reached"
