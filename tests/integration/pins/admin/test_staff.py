"""The pages of people who work in the flats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from pins.board import incident_rows
from pins.core.pin_state import State
from pins.core.staff import OVER_MIDNIGHT
from pins.incidents import sweep_checks
from pins.incidents.texts import text_of
from pins.models import AccessGrant, CodeTry, Incident, Pin, PinReveal, StaffAccess
from pins.notify import payloads, texts
from rentals.access import EVERYTHING, Scope, visible
from rentals.models import Property, PropertyAccess
from tests.support.house import House
from tests.support.pages import content, text, told
from tests.support.people import staff
from tests.support.staff import grants_of, pins_of, works

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

LIST = "/admin/pins/staffaccess/"
ADD = f"{LIST}add/"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORKDAYS = ["1", "2", "4", "8", "16"]


def page(access: StaffAccess) -> str:
    return f"{LIST}{access.pk}/change/"


def form(flat: Property | None, **changes: object) -> dict[str, Any]:
    return {
        "name": "Maria Kowalska",
        "kind": "cleaner",
        "is_active": "on",
        "properties": [flat.pk] if flat is not None else [],
        "locks": [],
        "mode": "schedule",
        "weekdays": WORKDAYS,
        "day_start": "08:00",
        "day_end": "16:00",
        "first_day": "",
        "last_day": "",
        "after_check_out": "0",
        "before_check_in": "0",
        "own_code": "",
        **changes,
    }


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(found) for name, found in response.context["adminform"].form.errors.items()}


def test_a_cleaner_is_entered_and_shown(host: Client, house: House, flat: Property) -> None:
    answer = host.post(ADD, form(flat, first_day="2027-03-05", last_day="2027-03-31"))
    assert answer.status_code == 302, errors(answer)
    access = StaffAccess.objects.get()
    assert (access.weekdays, access.valid_from, access.valid_until) == (
        31,
        datetime(2027, 3, 4, 23, tzinfo=UTC),
        datetime(2027, 3, 31, 22, tzinfo=UTC),
    ), "days of Warsaw, the last one included, after the clocks changed"
    house.settle()
    shown = text(host.get(page(access)))
    assert "Mon to Fri, 08:00 to 16:00" in shown
    assert "Ready" in shown
    assert access.code not in shown
    listed = text(host.get(LIST))
    assert "Mon to Fri, 08:00 to 16:00" in listed
    assert "Ready" in listed
    assert host.post(page(access), form(flat, first_day="2027-03-05", last_day="2027-03-31")).status_code == 302
    assert StaffAccess.objects.get().valid_until == access.valid_until


def test_what_cannot_be_is_said_at_its_field(host: Client, house: House, flat: Property) -> None:
    for changes, field, said in (
        ({"day_start": "22:00", "day_end": "06:00"}, "day_end", OVER_MIDNIGHT),
        ({"day_end": ""}, "day_end", "Enter both times"),
        ({"weekdays": []}, "weekdays", "Choose at least one weekday."),
        ({"first_day": "2027-03-05", "last_day": "2027-03-04"}, "last_day", "before the first one"),
        ({"properties": []}, "properties", "Choose a property or a lock"),
        ({"own_code": "12345"}, "own_code", "Mix the order"),
        ({"mode": "turnover", "properties": [], "locks": [flat.locks.get().pk]}, "properties", "Choose the property"),
        ({"after_check_out": "-500"}, "after_check_out", "-120"),
    ):
        answer = host.post(ADD, form(flat, **changes))
        assert answer.status_code == 200, changes
        assert any(said in one for one in errors(answer)[field]), (field, errors(answer))
    assert not StaffAccess.objects.exists()
    assert host.post(ADD, form(flat, day_start="22:00", day_end="06:00", two_codes="on")).status_code == 302
    assert len(grants_of(StaffAccess.objects.get())) == 2


def test_a_shared_entrance_needs_hours(host: Client, house: House, flat: Property) -> None:
    entrance = house.lock("Entrance")
    house.flat(entrance, name="Other")
    flat.locks.add(entrance)
    everywhere = {"mode": "turnover", "day_start": "", "day_end": "", "weekdays": [*WORKDAYS, "32", "64"]}
    answer = host.post(ADD, form(flat, **everywhere))
    assert "“Entrance” cannot follow the stays" in errors(answer)["day_start"][0]
    assert host.post(ADD, form(flat, **{**everywhere, "weekdays": WORKDAYS})).status_code == 302


def test_properties_in_two_zones_have_no_common_days(host: Client, house: House, flat: Property) -> None:
    far = house.flat(house.lock(), name="Far", timezone="America/New_York")
    both = {"properties": [flat.pk, far.pk]}
    answer = host.post(ADD, form(flat, **both, first_day="2027-03-05"))
    assert "different time zones" in errors(answer)["first_day"][0]
    assert host.post(ADD, form(flat, **both)).status_code == 302


def test_an_own_code_is_judged_and_written_down(host: Client, house: House, flat: Property) -> None:
    guest = AccessGrant.objects.get(booking=house.stay(flat, HOUR, DAY))
    answer = host.post(ADD, form(flat, own_code=guest.code))
    assert "has these digits already" in errors(answer)["own_code"][0]
    assert guest.code not in content(answer)
    assert CodeTry.objects.get().taken
    answer = host.post(ADD, form(flat, own_code="735182"))
    assert answer.status_code == 302
    access = StaffAccess.objects.get()
    assert grants_of(access)[0].code == access.code == "735182"
    assert host.post(page(access), form(flat, own_code="735182")).status_code == 302
    assert host.post(page(access), form(flat, own_code="918264")).status_code == 302
    assert grants_of(access)[0].code == "918264"
    assert "735182" not in text(host.get(f"{LIST}{access.pk}/history/"))


def test_a_code_is_shown_after_a_press_and_on_record(host: Client, house: House, flat: Property) -> None:
    access = works(flat)
    house.settle()
    url = f"{LIST}{access.pk}/reveal/"
    assert host.get(url).status_code == 405
    shown = host.post(url)
    assert access.code in text(shown)
    assert "no-store" in shown["Cache-Control"]
    reveal = PinReveal.objects.get()
    assert (reveal.user_name, reveal.grant.disclosed_at) == ("host", timezone.now())
    assert "Maria Kowalska (cleaner)" in text(host.get("/admin/pins/pinreveal/"))
    assert "Shown to host" in text(host.get(page(access)))
    client = Client()
    client.force_login(staff("looker", "view_staffaccess", "change_staffaccess"))
    assert client.post(url).status_code == 403
    assert "Show the code" not in text(client.get(page(access)))
    access.is_active = False
    access.save()
    assert "no code on a lock" in content(host.post(url))


def test_buttons(host: Client, house: House, flat: Property) -> None:
    access = works(flat)
    assert "trying 1 lock again now" in told(host.post(f"{LIST}{access.pk}/try-again/"))
    before = access.code
    answer = host.post(f"{LIST}{access.pk}/new-code/")
    assert "a new code was chosen" in told(answer)
    access.refresh_from_db()
    assert access.code != before
    client = Client()
    client.force_login(staff("looker", "view_staffaccess"))
    assert client.post(f"{LIST}{access.pk}/new-code/").status_code == 403
    assert "Maria" in text(client.get(page(access)))


def test_who_sees_some_properties_sees_their_people_only(house: House, flat: Property) -> None:
    other = house.flat(house.lock(), name="Other")
    mine, theirs, both = works(flat), works(other, name="Jan"), works(flat, other, name="Ewa")
    single = works(flat.locks.get(), name="Ola")
    scope = Scope(frozenset({flat.pk}))
    assert set(visible(StaffAccess.objects.all(), scope)) == {mine, single}
    assert set(visible(StaffAccess.objects.all(), EVERYTHING)) == {mine, theirs, both, single}
    assert {one.staff for one in visible(AccessGrant.objects.all(), scope)} == {mine, single}
    assert {one.grant.staff for one in visible(Pin.objects.all(), scope)} == {mine, single}
    user = staff("keeper", "view_staffaccess", "change_staffaccess", "add_staffaccess", "reveal_code")
    PropertyAccess.objects.create(user=user).properties.set([flat])
    client = Client()
    client.force_login(user)
    listed = text(client.get(LIST))
    assert "Maria" in listed
    assert "Jan" not in listed
    assert "Ewa" not in listed
    assert client.post(f"{LIST}{both.pk}/reveal/").status_code == 404
    answer = client.post(ADD, form(flat, properties=[other.pk]))
    assert "properties" in errors(answer)


# -- troubles ----------------------------------------------------------------------------------------------------------


def _late(house: House, access: StaffAccess) -> Incident:
    pin = pins_of(access)[0]
    past = timezone.now() - HOUR
    Pin.objects.filter(pk=pin.pk).update(state=State.SETTING, wished_at=past, deadline_at=past, state_changed_at=past)
    sweep_checks.check(timezone.now())
    return Incident.objects.get(pin=pin)


def test_a_late_code_is_an_incident_that_never_speaks_of_a_guest(host: Client, house: House, flat: Property) -> None:
    access = works(flat)
    incident = _late(house, access)
    assert (incident.kind, incident.severity) == (Incident.Kind.CODE_LATE, Incident.Severity.WARNING)
    board = text(host.get("/"))
    assert "Maria Kowalska (cleaner)" in board
    assert page(access) in board
    data = payloads.incident_data(payloads.incidents().get())
    assert data["stay"] is None
    assert data["staff"] == {"id": access.pk, "who": "Maria Kowalska (cleaner)", "property": None}
    assert data["path"] == page(access)
    assert texts.subject(data) == "Maria Kowalska (cleaner), Door"
    for said in (data["what"], data["remedy"], text(host.get("/admin/pins/incident/")).partition("<tbody>")[2]):
        assert "guest" not in said.lower().partition("</table>")[0]
        assert "deleted" not in said.partition("</table>")[0]
    (row,) = incident_rows.open_incidents(EVERYTHING)
    assert incident_rows.subject_of(row, timezone.now()) == "Maria Kowalska (cleaner), Door"
    assert incident_rows.when_of(row, timezone.now()) == ""


@pytest.mark.parametrize("kind", list(Incident.Kind))
def test_no_text_about_such_a_code_speaks_of_a_guest_or_a_stay(kind: Incident.Kind) -> None:
    about_pins = {"code_late", "outcome_unknown", "code_stays", "value_refused", "value_taken", "code_changed"}
    if kind.value in about_pins | {"changed_in_app", "created_often", "second_code"}:
        for edited in (False, True):
            said = text_of(kind, staff=True, edited_again=edited)
            assert not {"guest", "stay", "check-out"} & set(
                f"{said.what} {said.remedy}".lower().replace(".", " ").split()
            )


def test_the_pages_of_locks_and_codes_name_them(host: Client, house: House, flat: Property) -> None:
    house.stay(flat, -DAY, DAY + HOUR)
    access = works(flat, mode="turnover")
    house.settle()
    lock = text(host.get(f"/locks/{flat.locks.get().pk}/"))
    assert "Maria Kowalska (cleaner), Flat" in lock
    assert page(access) in lock
    for path in ("/admin/pins/accessgrant/", "/admin/pins/pin/"):
        assert "Maria Kowalska" in text(host.get(path))
    grant = grants_of(access)[0]
    assert "Maria Kowalska (cleaner)" in text(host.get(f"/admin/pins/accessgrant/{grant.pk}/change/"))
    access.delete()
    assert "deleted" in text(host.get(f"/admin/pins/accessgrant/{grant.pk}/change/"))


def test_the_board_says_who_works_between_stays(host: Client, house: House, flat: Property) -> None:
    assert "Working between stays" not in text(host.get("/"))
    house.stay(flat, -DAY, DAY + HOUR)
    access = works(flat, mode="turnover")
    house.settle()
    board = text(host.get("/")).partition("Working between stays")[2].partition("</section>")[0]
    for said in ("Maria Kowalska (cleaner)", "Flat", "Mon 1 Mar, 11:00 CET", "Ready", page(access)):
        assert said in board
    client = Client()
    client.force_login(staff("looker", "view_booking"))
    board = text(client.get("/")).partition("Working between stays")[2].partition("</section>")[0]
    assert "Maria Kowalska (cleaner)" in board
    assert page(access) not in board


def test_a_permanent_code_that_stays_is_urgent(house: House, flat: Property) -> None:
    access = works(flat)
    house.settle()
    access.delete()
    Pin.objects.update(wished_at=timezone.now() - HOUR)
    sweep_checks.check(timezone.now())
    found = Incident.objects.get(kind=Incident.Kind.CODE_STAYS)
    assert found.severity == Incident.Severity.URGENT
