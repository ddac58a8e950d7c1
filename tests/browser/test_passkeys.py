"""A passkey in Chromium, with a device that Chromium makes up: made on its page, and a way in by one button."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import PASSWORD
from tests.browser.console import Console, expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_made_and_lets_its_owner_in(browser: Browser, console: Console) -> None:
    site = console.url.replace("127.0.0.1", "localhost")  # a number has no passkeys
    with browser.new_context(base_url=site) as context:
        context.set_default_timeout(20_000)
        page = context.new_page()
        faults: list[object] = []
        page.on("pageerror", lambda error: faults.append(error))  # noqa: PLW0108 - it marks what it is given
        devices = context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        device = devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]

        page.goto("/admin/login/")
        page.get_by_label("Username").fill("clerk")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_url(f"{site}/admin/")
        page.goto("/admin/passkeys/")
        page.get_by_label("Name").fill("My phone")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_text("“My phone” is added")).to_be_visible()
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_text("This device has a passkey for you already.")).to_be_visible()

        page.get_by_role("button", name="Log out").click()
        page.goto("/timeline/")
        devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
        page.get_by_role("button", name="Log in with a passkey").click()
        expect(page.get_by_text("The device gave no passkey.")).to_be_visible()
        devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
        page.get_by_role("button", name="Log in with a passkey").click()
        page.wait_for_url(f"{site}/timeline/")
        page.goto("/admin/passkeys/")
        expect(page.get_by_text("last used")).to_be_visible()
        assert not faults
