"""Takes the pictures with Chromium, and makes their files small."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from playwright.sync_api import Error, sync_playwright

from tests.screenshots.table import PHONE, Shot, Who

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-proxy-server",
    "--lang=en-GB",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
#: The same on each machine.
LOOK: dict[str, Any] = {
    "locale": "en-GB",
    "timezone_id": "Europe/Warsaw",
    "color_scheme": "light",
    "reduced_motion": "reduce",
}


class PictureFailed(Exception):
    """What should stand on the page did not come, or no button or field has the name in the table."""


class Camera:
    """`url`: where Turnkey is. Logged in once, as `admin`."""

    def __init__(self, browser: Browser, url: str, password: str) -> None:
        self._browser, self._url = browser, url
        with self._browser.new_context(base_url=url, **LOOK) as context:
            page = context.new_page()
            page.goto("/admin/login/")
            page.get_by_label("Username").fill("admin")
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Log in", exact=True).click()
            page.wait_for_url("**/")
            self._cookies: Any = context.storage_state()

    def take(self, shot: Shot, places: Mapping[str, str], folder: Path) -> Path:
        """Returns the file. Raises `PictureFailed`."""
        phone = shot.width == PHONE
        shape: dict[str, Any] = {"viewport": {"width": shot.width, "height": 740 if phone else 640}}
        if phone:
            shape |= {"is_mobile": True, "has_touch": True, "device_scale_factor": 2}
        cookies = self._cookies if shot.who is Who.HOST else None
        with self._browser.new_context(base_url=self._url, storage_state=cookies, **shape, **LOOK) as context:
            context.set_default_timeout(60_000)
            try:
                picture = self._open(context, shot, places).screenshot(full_page=True)
            except Error as error:
                raise PictureFailed(str(error).splitlines()[0]) from None
            path = folder / f"{shot.name}.png"
            path.write_bytes(_small(picture, shot.most * (2 if phone else 1)))
        return path

    def _open(self, context: BrowserContext, shot: Shot, places: Mapping[str, str]) -> Page:
        context.add_init_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
        page = context.new_page()
        page.goto(shot.path.format_map(places))
        if shot.fill:
            page.get_by_label(shot.fill[0]).fill(shot.fill[1])
        if shot.press:
            page.get_by_role("button", name=shot.press).click()
        page.get_by_text(shot.wait).filter(visible=True).first.wait_for()
        page.wait_for_load_state("networkidle")
        return page


@contextmanager
def chromium(executable: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def _small(png: bytes, most: int) -> bytes:
    """The upper part of the picture, if `most` is given, in 256 colours: a fifth of the bytes."""
    with Image.open(io.BytesIO(png)) as picture:
        cut = picture.crop((0, 0, picture.width, min(most or picture.height, picture.height))).convert("RGB")
    written = io.BytesIO()
    cut.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()
