"""What people may do with feeds."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from rentals.models import Booking, Property
from tests.support.feed_pages import ACTIONS, LIST, SECRET, action, feed_of, held, page
from tests.support.pages import content, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_who_may_only_look_sees_no_buttons_and_no_secrets(viewer: Client, flat: Property) -> None:
    feed, _ = held(flat)
    feed.signing_secret = SECRET
    feed.save()
    response = viewer.get(page(feed))
    shown = text(response)
    assert "Your decision is needed" in shown
    assert "HMTEST0002" in shown
    main = shown.partition('id="content"')[2].partition('id="footer"')[0]
    for hidden in ("<button", 'type="checkbox"', "Fetch now", "Push address"):
        assert hidden not in main
    for secret in ("very-secret", "hunter2", SECRET, feed.token):
        assert secret not in shown
    for name in ACTIONS:
        assert viewer.post(action(feed, name), {"item": "1", "confirmed": "yes"}).status_code == 403
    assert viewer.get(LIST).status_code == 200
    assert viewer.get("/admin/rentals/feeditem/").status_code == 200
    assert Booking.objects.filter(status="cancelled").count() == 0


def test_actions_need_post_the_token_and_a_login(flat: Property) -> None:
    feed = feed_of(flat)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("host"))
    for name in ACTIONS:
        loaded = strict.get(action(feed, name))  # as after a login in between
        assert (loaded.status_code, loaded["Allow"]) == (405, "POST")
        assert "press the button once more" in content(loaded)
        assert page(feed) in content(loaded)
        assert strict.post(action(feed, name)).status_code == 403
        assert Client().post(action(feed, name)).status_code == 302
    strict_host = Client()
    strict_host.force_login(User.objects.get())
    assert strict_host.post(f"{LIST}99999/fetch/").status_code == 404
