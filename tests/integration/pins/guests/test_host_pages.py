"""What hosts see and do about guests: the guide in the admin, the section of a stay, personal data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from pins.guests import links
from pins.models import GuestGuide, GuestMessage, GuestPage, GuestPicture, Incident
from pins.retention import records
from pins.stack.checkup.notifications import notifications
from rentals import purging
from rentals.models import Booking, Property
from tests.support.guests import DAY, HOUR, guide_of, path_of, stay_of, tick
from tests.support.house import House
from tests.support.people import staff
from tests.support.pictures import picture

pytestmark = pytest.mark.django_db
ADD = "/admin/pins/guestguide/add/"


@pytest.fixture(autouse=True)
def _address(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://codes.example.com"


def form(flat: Property, **changes: Any) -> dict[str, Any]:
    return {
        "property": flat.pk,
        "is_active": "on",
        "code_hours": "24",
        "message_hours": "48",
        "grace_hours": "24",
        "texts-TOTAL_FORMS": "1",
        "texts-INITIAL_FORMS": "0",
        "texts-0-language": "en",
        "texts-0-message": "See {{ link }}",
        "pictures-TOTAL_FORMS": "1",
        "pictures-INITIAL_FORMS": "0",
        "pictures-0-place": "0",
        "pictures-0-caption": "The gate",
        "pictures-0-upload": SimpleUploadedFile("gate.png", picture("PNG")),
        **changes,
    }


class TestGuide:
    def test_a_guide_with_texts_and_pictures(self, host: Client, flat: Property) -> None:
        page = host.get(reverse("admin:rentals_property_change", args=[flat.pk])).content.decode()
        assert f"{ADD}?property={flat.pk}" in page
        typed = form(flat, wifi_password="blue-door", new_service="clicksend://user:h1dden@{phone}")
        assert host.post(ADD, typed).status_code == 302
        guide = GuestGuide.objects.get()
        assert guide.sends_texts
        stored = GuestPicture.objects.get()
        assert stored.content_type == "image/jpeg"
        assert bytes(stored.data).startswith(b"\xff\xd8")
        text = host.get(f"/admin/pins/guestguide/{guide.pk}/change/").content.decode()
        assert "See https://…/g/…/" in text  # the preview
        assert "ClickSend" in text
        assert "h1dden" not in text

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"texts-0-message": "Hello"}, "Put {{ link }} into the text"),
            ({"texts-0-message": "{{ link }} {{ user.password }}"}, "is not known"),
            ({"texts-0-message": "{{ link }} {{ code }}"}, "needs “Code in the message”"),
            ({"texts-0-subject": "{{ code }}", "code_in_message": "on"}, "needs “Code in the message”"),
            ({"pictures-0-upload": SimpleUploadedFile("x.svg", b"<svg onload='x'>")}, "no JPEG, PNG or WebP"),
            ({"pictures-0-upload": ""}, "Choose the file"),
            ({"new_service": "json://127.0.0.1/{phone}"}, "choose “Webhook”"),
            ({"new_service": "clicksend://user:key@48601"}, "Write {phone}"),
        ],
    )
    def test_what_is_wrong_is_said(self, host: Client, flat: Property, changes: dict[str, Any], said: str) -> None:
        answer = host.post(ADD, form(flat, **changes))
        assert answer.status_code == 200
        assert said in answer.content.decode().replace("&#x27;", "'")
        assert not GuestGuide.objects.exists()

    def test_what_keeps_messages_from_going_out_is_said(self, host: Client, flat: Property, settings: Settings) -> None:
        settings.PUBLIC_URL = ""
        answer = host.post(ADD, form(flat), follow=True).content.decode()
        assert "must set PUBLIC_URL" in answer
        (finding,) = notifications()
        assert finding.subject == "guests"
        assert "PUBLIC_URL" in finding.remedy
        settings.PUBLIC_URL = "https://codes.example.com"
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
        (finding,) = notifications()
        assert "EMAIL_URL" in finding.remedy


class TestStay:
    def test_the_link_is_for_those_who_may_see_codes(self, house: House, flat: Property, host: Client) -> None:
        guide_of(flat)
        stay = stay_of(house, flat, DAY)
        address = reverse("stay", args=[stay.pk])
        assert "Make the guest" in host.get(address).content.decode()
        host.post(reverse("stay-action", args=[stay.pk, "make_guest_page"]))
        token = GuestPage.objects.get().token
        assert token in host.get(address).content.decode()
        clerk = Client()
        clerk.force_login(staff("clerk", "view_booking", "change_booking"))
        assert token not in clerk.get(address).content.decode()
        host.post(reverse("stay-action", args=[stay.pk, "new_guest_link"]))
        assert token not in host.get(address).content.decode()

    def test_release_and_send(self, house: House, flat: Property, host: Client) -> None:
        guide_of(flat, needs_release=True)
        stay = stay_of(house, flat, DAY)
        house.settle()
        assert "until you release the stay" in host.get(reverse("stay", args=[stay.pk])).content.decode()
        host.post(reverse("stay-action", args=[stay.pk, "release_guest"]))
        assert len(tick()) == 1
        host.post(reverse("stay-action", args=[stay.pk, "tell_guest"]))
        assert len(tick()) == 1
        assert GuestMessage.objects.filter(state="sent").count() == 2
        assert "by e-mail: sent" in host.get(reverse("stay", args=[stay.pk])).content.decode()

    def test_a_call_for_help_stands_on_the_stay_and_ends_there(
        self, house: House, flat: Property, host: Client
    ) -> None:
        guide_of(flat)
        stay = stay_of(house, flat, -HOUR)
        Client().post(path_of(stay, "guest-help"))
        text = host.get(reverse("stay", args=[stay.pk])).content.decode()
        assert "The guest cannot get in" in text
        assert "the code is not on every lock" in text
        assert "A guest says that they cannot get in" in host.get("/").content.decode()
        house.settle()
        headline = "1 guest says that they cannot get in"
        assert headline in host.get("/").content.decode()  # although every lock has the code
        host.post(reverse("stay-action", args=[stay.pk, "guest_is_in"]))
        assert headline not in host.get("/").content.decode()
        assert not Incident.objects.filter(kind="guest_shut_out", resolved_at=None).exists()
        assert "The guest cannot get in" not in host.get(reverse("stay", args=[stay.pk])).content.decode()

    def test_nothing_is_said_where_the_property_has_no_guide(self, house: House, flat: Property, host: Client) -> None:
        stay = stay_of(house, flat, DAY)
        assert "The guest's page" not in host.get(reverse("stay", args=[stay.pk])).content.decode()


class TestPersonalData:
    def test_who_may_only_look_sees_none(self, house: House, flat: Property, host: Client) -> None:
        guide_of(flat)
        stay = stay_of(house, flat, DAY, guest_phone="+48 601 234 567")
        viewer = Client()
        viewer.force_login(staff("viewer", "view_booking"))
        pages = [
            "/",
            reverse("stay", args=[stay.pk]),
            "/admin/rentals/booking/",
            reverse("admin:rentals_booking_change", args=[stay.pk]),
        ]
        for path in pages:
            text = viewer.get(path).content.decode()
            assert "anna@example.com" not in text, path
            assert "601 234" not in text, path
        assert "anna@example.com" in host.get(pages[-1]).content.decode()
        for asked in ("guest_email__startswith=a", "guest_phone__contains=601"):
            assert viewer.get(f"/admin/rentals/booking/?{asked}").status_code == 400

    def test_the_history_names_no_address(self, house: House, flat: Property, host: Client) -> None:
        stay = stay_of(house, flat, DAY)
        path = reverse("admin:rentals_booking_change", args=[stay.pk])
        typed = {**dict(host.get(path).context["adminform"].form.initial), "guest_email": "ben@example.com"}
        host.post(path, {name: value for name, value in typed.items() if value is not None})
        stay.refresh_from_db()
        assert stay.guest_email == "ben@example.com"
        history = host.get(reverse("admin:rentals_booking_history", args=[stay.pk])).content.decode()
        assert "Changed the guest&#x27;s e-mail" in history
        assert "ben@example.com" not in history

    def test_a_phone_is_a_phone(self, flat: Property) -> None:
        stay = Booking(property=flat, check_in=timezone.now(), check_out=timezone.now() + DAY)
        stay.guest_phone = "601/{phone}?x"
        with pytest.raises(Exception, match="Enter a telephone number"):
            stay.full_clean()

    def test_all_goes_with_the_stay(self, house: House, flat: Property) -> None:
        guide_of(flat)
        stay = stay_of(house, flat, DAY)
        links.page_of(stay.pk)
        stay.delete()
        assert not GuestPage.objects.exists()

    def test_and_is_deleted_when_the_stay_is_long_over(
        self, house: House, flat: Property, clock: time_machine.Traveller, settings: Settings
    ) -> None:
        guide_of(flat)
        stay = stay_of(house, flat, DAY, guest_phone="+48 601 234 567", guest_language="pl")
        coming = stay_of(house, flat, 200 * DAY)
        for one in (stay, coming):
            links.page_of(one.pk)
        clock.move_to(stay.check_out + timedelta(days=settings.FEED_KEEP_DAYS))
        purging.purge(timezone.now())
        records.purge_guest_pages(timezone.now())
        stay.refresh_from_db()
        assert (stay.guest_email, stay.guest_phone, stay.guest_language) == ("", "", "")
        coming.refresh_from_db()
        assert coming.guest_email
        assert [page.booking for page in GuestPage.objects.all()] == [coming]
