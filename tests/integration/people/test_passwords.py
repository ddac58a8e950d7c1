"""Passwords: how long they are, how people choose them by a one-time link, and that asking tells nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client

from config.people import second_step, tasks, throttle
from config.people.models import SecondStep
from tests.support.logins import PASSWORD, is_in, log_in
from tests.support.pages import content, text

pytestmark = pytest.mark.django_db

ASK = "/admin/forgotten-password/"
NEW = "another long pass-phrase"
PEOPLE = "/admin/auth/user/"
#: Of the form of a person, whose restriction to properties is empty.
NO_INLINE = {"property_access-TOTAL_FORMS": "0", "property_access-INITIAL_FORMS": "0"}


@pytest.fixture
def letters(settings: LazySettings) -> Iterator[list[Any]]:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail.example.com", "https://codes.example.com"
    from config.celery import app

    app.conf.task_always_eager = True
    yield mail.outbox
    app.conf.task_always_eager = False


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna", "anna@example.com", PASSWORD, is_staff=True)


def choose(client: Client, link: str, password: str = NEW) -> Any:
    """Open the link, and type the password twice."""
    page = client.get(link.replace("https://codes.example.com", ""), follow=True)
    where = page.redirect_chain[-1][0] if page.redirect_chain else link
    return client.post(where, {"new_password1": password, "new_password2": password})


def link_in(words: str) -> str:
    found = re.search(r"https?://\S*/choose-password/[\w/=-]+", words)
    assert found, words
    return found[0]


@pytest.mark.parametrize("weak", ["elevenchars", "1234567890123456", "password1234"])
def test_weak_passwords_are_refused(weak: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(weak)


def test_a_link_by_mail_lets_a_person_choose_a_password_once(client: Client, anna: User, letters: list[Any]) -> None:
    assert "a letter with a link is on its way" in text(client.post(ASK, {"email": "Anna@Example.com"}))
    (letter,) = letters
    assert letter.to == ["anna@example.com"]
    link = link_in(letter.body)
    assert link.startswith("https://codes.example.com/admin/choose-password/")
    assert choose(client, link).status_code == 302
    assert is_in(log_in(client, "anna", NEW))
    assert not is_in(log_in(Client(), "anna", PASSWORD))
    assert "Password reset unsuccessful" in text(Client().get(link.removeprefix("https://codes.example.com")))


def test_the_host_of_a_request_does_not_choose_where_the_link_leads(
    client: Client, anna: User, letters: list[Any], settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    client.post(ASK, {"email": anna.email}, HTTP_HOST="evil.example")
    assert "evil" not in letters[0].body


def test_asking_tells_nothing_and_is_limited(client: Client, anna: User, letters: list[Any]) -> None:
    known, unknown = (content(client.post(ASK, {"email": one})) for one in (anna.email, "nobody@example.com"))
    token = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
    assert token.sub("", known) == token.sub("", unknown)
    for n in range(8):
        client.post(ASK, {"email": anna.email}, REMOTE_ADDR=f"10.0.0.{n}")
    assert len(letters) == throttle.LINKS_TO.amount
    many = [client.post(ASK, {"email": f"{n}@example.com"}, REMOTE_ADDR="10.9.9.9").status_code for n in range(12)]
    assert many == [200] * throttle.LINKS_FROM.amount + [429, 429]


def test_a_link_is_not_sent_to_somebody_who_may_not_log_in(client: Client, letters: list[Any]) -> None:
    User.objects.create_user("guest", "guest@example.com")
    User.objects.create_user("gone", "gone@example.com", is_staff=True, is_active=False)
    for address in ("guest@example.com", "gone@example.com"):
        client.post(ASK, {"email": address})
    assert letters == []


def test_without_mail_there_is_no_such_page(client: Client) -> None:
    assert client.get(ASK).status_code == 404
    assert "Forgotten" not in text(client.get("/admin/login/"))


def test_with_mail_the_login_page_leads_there(client: Client, letters: list[Any]) -> None:
    assert ASK in text(client.get("/admin/login/"))
    assert client.get(ASK).status_code == 200


def test_a_link_ends_after_its_hours(client: Client, anna: User, letters: list[Any]) -> None:
    with time_machine.travel("2027-03-01T09:00Z", tick=False) as clock:
        client.post(ASK, {"email": anna.email})
        link = link_in(letters[0].body).removeprefix("https://codes.example.com")
        clock.shift(timedelta(hours=24, seconds=1))
        assert "Password reset unsuccessful" in text(client.get(link))


def test_a_message_in_the_broker_carries_no_link(anna: User) -> None:
    """Only ids: the link is made by the worker."""
    import inspect

    assert list(inspect.signature(tasks.mail_link.run).parameters) == ["user_id", "language", "kwargs"]


# -- invitations -------------------------------------------------------------------------------------------------


def test_an_invited_person_chooses_their_password_themselves(host: Client) -> None:
    added = host.post("/admin/auth/user/add/", {"username": "ben", "email": "ben@example.com"}, follow=True)
    assert "make a one-time link" in text(added)
    ben = User.objects.get(username="ben")
    assert (ben.is_staff, ben.has_usable_password()) == (True, False)
    page = text(host.get(f"/admin/auth/user/{ben.pk}/change/"))
    assert "Not chosen yet" in page
    shown = host.post(f"/admin/auth/user/{ben.pk}/password-link/")
    assert "no-store" in shown["Cache-Control"]
    link = link_in(text(shown)).replace("http://testserver", "")
    guest = Client()
    assert choose(guest, link).status_code == 302
    assert "Your password is set" in text(guest.get("/admin/login/"))
    assert is_in(log_in(guest, "ben", NEW))
    made = LogEntry.objects.filter(object_id=str(ben.pk)).values_list("change_message", flat=True)
    assert any("Made a one-time link" in one for one in made)
    assert not any("choose-password" in one for one in made)


def test_a_short_password_is_refused_by_the_link_too(host: Client, anna: User) -> None:
    link = link_in(text(host.post(f"/admin/auth/user/{anna.pk}/password-link/"))).replace("http://testserver", "")
    assert "at least 12 characters" in text(choose(Client(), link, "short-one"))


def test_nobody_makes_a_link_for_somebody_who_may_do_more(client: Client, anna: User) -> None:
    anna.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    chief = User.objects.create_superuser("chief")
    client.force_login(anna)
    assert client.post(f"/admin/auth/user/{chief.pk}/password-link/").status_code == 403
    assert client.post(f"/admin/auth/user/{chief.pk}/drop-second-step/").status_code == 403
    assert client.get(f"/admin/auth/user/{anna.pk}/password-link/").status_code == 405
    assert client.post(f"/admin/auth/user/{anna.pk}/password-link/").status_code == 200
    anna.user_permissions.clear()
    client.force_login(User.objects.get(pk=anna.pk))
    assert client.post(f"/admin/auth/user/{anna.pk}/password-link/").status_code == 403


def test_nobody_but_superusers_changes_superusers_or_makes_them(client: Client, anna: User) -> None:
    """Another password or address of one would be a way to become that person."""
    anna.groups.add(Group.objects.get(name="administrator"))
    chief = User.objects.create_superuser("chief", "chief@example.com", NEW)
    theirs = f"/admin/auth/user/{chief.pk}"
    client.force_login(anna)
    mine = f"/admin/auth/user/{anna.pk}/change/"
    assert 'name="username"' in text(client.get(mine))
    assert 'name="is_superuser"' not in text(client.get(mine))
    assert "chief@example.com" in text(client.get(f"{theirs}/change/"))
    for path in ("change", "password", "delete"):
        assert client.post(f"{theirs}/{path}/", {"email": "anna@example.com", "post": "yes"}).status_code == 403
    client.post(PEOPLE, {"action": "delete_selected", "_selected_action": [chief.pk], "post": "yes"})
    client.post(mine, {"username": "anna", "is_staff": "on", "is_active": "on", "is_superuser": "on", **NO_INLINE})
    anna.refresh_from_db()
    assert not anna.is_superuser
    kept = User.objects.get(pk=chief.pk)
    assert (kept.email, kept.check_password(NEW)) == ("chief@example.com", True)


def test_the_command_lets_in_who_lost_everything(anna: User) -> None:
    second_step.prepared(anna)
    SecondStep.objects.update(confirmed_at="2027-01-01T00:00Z")
    out = StringIO()
    call_command("password_link", "anna", "--drop-second-step", stdout=out)
    assert "/admin/choose-password/" in out.getvalue()
    assert not SecondStep.objects.exists()
