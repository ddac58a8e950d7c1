"""The language of a person: asked of the browser, chosen, kept with the person, and on every page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django.views import defaults

from config.celery import app as celery_app
from config.people import tasks
from config.people.models import Preference
from tests.support.logins import LOGIN, PASSWORD, is_in, log_in
from tests.support.pages import content, text

pytestmark = pytest.mark.django_db

CHOOSE = "/admin/language/"
PAGE = "/timeline/"


@pytest.fixture
def anna(settings: LazySettings) -> User:
    settings.PASSWORD_HASHERS = ["tests.support.logins.Counting"]
    return User.objects.create_superuser("anna", "anna@example.com", PASSWORD)


@pytest.fixture
def inside(client: Client, anna: User) -> Client:
    client.force_login(anna)
    return client


@pytest.fixture
def at_once() -> Iterator[None]:
    """Tasks run where they are sent."""
    celery_app.conf.task_always_eager = True
    yield
    celery_app.conf.task_always_eager = False


def language_of(page: Any) -> str:
    """As the page says it, in its head and in its first tag alike."""
    said = str(page.headers["Content-Language"])
    assert f'<html lang="{said}"' in content(page)
    assert {"Accept-Language", "Cookie"} <= {one.strip() for one in page.headers["Vary"].split(",")}
    return said


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", "en-gb"),
        ("pl", "pl"),
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("de,en;q=0.5,pl;q=0.7", "pl"),
        ("en-US,en;q=0.9,pl;q=0.8", "en-gb"),
        ("pl;q=0, en", "en-gb"),
        ("de, fr;q=0.9", "en-gb"),
        ("../../pl", "en-gb"),
        ("p" * 5000, "en-gb"),
    ],
)
def test_a_stranger_reads_what_the_browser_asks_for(client: Client, asked: str, found: str) -> None:
    page = client.get(LOGIN, headers={"Accept-Language": asked})
    assert language_of(page) == found


@pytest.mark.parametrize("path", [PAGE, "/admin/", "/admin/rentals/booking/", "/nothing-here/"])
def test_a_choice_holds_on_all_pages(inside: Client, path: str) -> None:
    assert language_of(inside.get(path)) == "en-gb"
    answer = inside.post(CHOOSE, {"language": "pl", "next": path})
    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    page = inside.get(path, headers={"Accept-Language": "en"})
    assert language_of(page) == "pl"


def test_the_head_of_a_page_offers_the_other_language_and_comes_back(inside: Client) -> None:
    for path in (PAGE, "/admin/rentals/booking/?q=an%26na"):
        page = content(inside.get(path))
        assert f'name="next" value="{path}"' in page
        assert 'value="pl" lang="pl" class="plain">Polski<' in page
        assert ">English<" not in page
    inside.post(CHOOSE, {"language": "pl"})
    assert 'value="en-gb" lang="en-gb" class="plain">English<' in content(inside.get(PAGE))


def test_a_choice_outlives_the_session_and_the_browser(inside: Client, anna: User) -> None:
    inside.post(CHOOSE, {"language": "pl"})
    inside.post("/admin/logout/")
    assert language_of(inside.get(LOGIN)) == "pl"

    other = Client(headers={"Accept-Language": "en"})
    assert language_of(other.get(LOGIN)) == "en-gb"
    assert is_in(log_in(other, "anna", PASSWORD))
    assert language_of(other.get(PAGE)) == "pl"
    other.post(CHOOSE, {"language": "en-gb"})
    assert language_of(other.get(PAGE)) == "en-gb"
    assert Preference.objects.get().language == "en-gb"


def test_a_stranger_s_choice_is_the_browser_s(client: Client, anna: User) -> None:
    client.post(CHOOSE, {"language": "pl", "next": LOGIN})
    assert language_of(client.get(LOGIN)) == "pl"
    assert is_in(log_in(client, "anna", PASSWORD))
    assert language_of(client.get(PAGE)) == "pl"
    assert not Preference.objects.exists()
    cookie = client.cookies["turnkey_language"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


@pytest.mark.parametrize("hostile", ["", "de", "PL", "pl\n", "../pl", "pl; Secure", "x" * 5000, "<script>"])
def test_what_is_no_language_is_refused(inside: Client, hostile: str) -> None:
    inside.post(CHOOSE, {"language": "pl"})
    answer = inside.post(CHOOSE, {"language": hostile})
    assert answer.status_code == 400
    assert not answer.cookies
    assert Preference.objects.get().language == "pl"


@pytest.mark.parametrize("hostile", ["de", "xx", "x" * 4000, "../../pl", "pl\x00"])
def test_a_cookie_that_is_no_language_says_nothing(client: Client, hostile: str) -> None:
    client.cookies["turnkey_language"] = hostile
    assert language_of(client.get(LOGIN, headers={"Accept-Language": "pl"})) == "pl"


@pytest.mark.parametrize("hostile", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "\\\\evil", ""])
def test_the_way_back_stays_on_this_site(inside: Client, hostile: str) -> None:
    assert inside.post(CHOOSE, {"language": "pl", "next": hostile}).headers["Location"] == "/"


def test_only_a_form_of_this_site_changes_it(inside: Client, anna: User) -> None:
    assert inside.get(CHOOSE, {"language": "pl"}).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna)
    assert strict.post(CHOOSE, {"language": "pl"}).status_code == 403
    assert not Preference.objects.exists()


def test_pages_do_not_ask_the_database_for_it(inside: Client) -> None:
    inside.get(PAGE)
    with CaptureQueriesContext(connection) as english:
        inside.get(PAGE)
    inside.post(CHOOSE, {"language": "pl"})
    inside.get(PAGE)
    with CaptureQueriesContext(connection) as polish:
        inside.get(PAGE)
    assert len(polish) == len(english)
    assert not [one for one in polish.captured_queries if "people_preference" in one["sql"]]


def test_no_language_stays_behind(inside: Client) -> None:
    inside.get(PAGE, headers={"Accept-Language": "pl"})
    assert translation.get_language() == "en-gb"


def test_answers_for_machines_have_no_language(client: Client) -> None:
    answer = client.get("/healthz", headers={"Accept-Language": "pl"})
    assert "Content-Language" not in answer.headers
    assert "Accept-Language" not in answer.headers.get("Vary", "")


# -- words -------------------------------------------------------------------------------------------------------------


def test_the_login_speaks_polish(client: Client) -> None:
    page = text(client.get(LOGIN, headers={"Accept-Language": "pl"}))
    assert "Zaloguj się kluczem logowania" in page
    assert ">Hasło:<" in page
    assert "Log in" not in page


@pytest.mark.parametrize(
    ("asked", "chosen", "subject"),
    [
        ("pl", "", "Turnkey: ustaw swoje hasło"),
        ("en", "pl", "Turnkey: ustaw swoje hasło"),
        ("pl", "en-gb", "Turnkey: choose your password"),
        ("de", "", "Turnkey: choose your password"),
    ],
)
def test_a_letter_is_in_the_language_of_whoever_gets_it(
    anna: User, settings: LazySettings, asked: str, chosen: str, subject: str
) -> None:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail.example.com", "https://codes.example.com"
    if chosen:
        Preference.objects.create(user=anna, language=chosen)
    tasks.mail_link.run(user_id=anna.pk, language=asked)
    (letter,) = mail.outbox
    assert letter.subject == subject
    assert "https://codes.example.com/admin/choose-password/" in letter.body
    assert ("przez 24 godziny" in letter.body) == ("ustaw" in subject)


def test_whoever_asks_for_a_letter_hands_on_the_language_of_the_page(
    client: Client, anna: User, settings: LazySettings, at_once: None
) -> None:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail.example.com", "https://codes.example.com"
    client.post("/admin/forgotten-password/", {"email": anna.email}, headers={"Accept-Language": "pl"})
    assert mail.outbox[0].subject == "Turnkey: ustaw swoje hasło"


def test_pages_of_errors_speak_polish_too(inside: Client) -> None:
    inside.post(CHOOSE, {"language": "pl"})
    assert "Pod tym adresem nic nie ma" in content(inside.get("/nothing-here/"))
    # Without a request or its context: Django has none when all else fails.
    with translation.override("pl"):
        assert "Coś poszło tu nie tak" in defaults.server_error(RequestFactory().get("/")).content.decode()
    strict = Client(enforce_csrf_checks=True, headers={"Accept-Language": "pl"})
    assert "Ta strona jest zbyt stara" in content(strict.post(CHOOSE, {"language": "pl"}))


def test_what_somebody_did_is_stored_in_english_and_shown_in_polish(inside: Client, anna: User) -> None:
    inside.post(CHOOSE, {"language": "pl"})
    other = User.objects.create_user("bob", is_staff=True)
    inside.post(f"/admin/auth/user/{other.pk}/password-link/")
    assert LogEntry.objects.get(object_id=str(other.pk)).change_message == "Made a one-time link to choose a password."
    shown = content(inside.get(f"/admin/auth/user/{other.pk}/history/"))
    assert "Utworzono link jednorazowy do ustawienia hasła." in shown
