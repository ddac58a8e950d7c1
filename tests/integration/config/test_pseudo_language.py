"""Every page in a language that nobody speaks: what it shows in another one was never translated.

Single words, which no search of the code tells from names, are found here alone (`tests/unit/config/test_unmarked.py`
finds the rest).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.utils.functional import Promise

from tests.support.pseudo_language import pseudo, spoken, stored_texts, untranslated

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from tests.support.restricted import Village

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

#: The same in all languages: names, what machines read, places in texts that hosts write, and examples of those texts.
SAME: Final = re.compile(
    r"\b(Turnkey|Tedee|Airbnb|Abritel|Agoda|Beds24|Booking\.com|Expedia|Google Calendar|Guesty|HomeAway|Hospitable|"
    r"Hostaway|OwnerRez|Smoobu|Vrbo|English|Polski|iCal|Wi-Fi|HTTP|URL|UTC|GMT|CET|CEST|PIN|ID|OK|True|False|"
    r"[A-Z]+(_[A-Z]+)+|Europe/\w+|example\.com|name, time zone, check-in.*|serial number, name, account.*)|"
    r"https?://\S+|\S+@\S+|/\S+/|\{\{ \w+ \}\}|\{\w+\}|[a-z]+\.[a-z_]+|.* \((en|pl|de|es|fr)\)$"
)
#: Django's names of permissions, which are rows, and of its own tables between tables.
DJANGO_S: Final = re.compile(r" \| Can \w+ |relationship")
#: Addresses of apps of others, whose pages have texts of their own that nobody translated.
NOT_OURS: Final = ("/admin/django_celery_beat/",)


#: Django's own, which want more than a press; and what ends the session.
FORMS: Final = re.compile(r"/(add|change|history|delete|logout|<object_id>)/$|^/admin/\w+/(\w+/)?$|^/(g|webhooks)/")


@pytest.fixture(scope="module")
def _built(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    from tests.support.every_address import build
    from tests.support.restricted import NOW
    from tests.support.shared_rows import shared_rows

    with shared_rows(django_db_blocker, NOW, build):
        yield


@pytest.fixture
def village(_built: None, db: None, clock: object, no_log: None) -> Village:
    from tests.support.restricted import Village

    return Village.again()


def test_every_page_says_everything_in_the_language_of_the_person(village: Village) -> None:
    from tests.support.every_address import addresses

    client = Client(headers={"Accept-Language": "pl"})
    client.force_login(User.objects.create_superuser("somebody-else"))
    written = stored_texts(("rentals", "pins", "auth", "admin", "people"))
    found: dict[str, set[str]] = {}
    read = 0
    with spoken("pl"):
        for line, address in addresses(village, hidden=False).items():
            answer = client.get(address)
            if line.startswith(NOT_OURS) or not answer.headers.get("Content-Type", "").startswith("text/html"):
                continue
            read += 1
            for text in untranslated(answer.content.decode()):
                found.setdefault(text, set()).add(line)
    assert read > 60
    wrong = {text: lines for text, lines in found.items() if _has_words(text, written) and not DJANGO_S.search(text)}
    told = "\n".join(f"{text[:100]!r}: {min(lines)} and {len(lines) - 1} more" for text, lines in sorted(wrong.items()))
    if wrong:
        pytest.fail(f"{len(wrong)} texts:\n{told}", pytrace=False)


def _has_words(text: str, written: list[str]) -> bool:
    for one in written:
        text = text.replace(one, " ")
    return bool(re.search(r"[^\W\d_]{2,}", SAME.sub(" ", text)))


def test_pages_without_a_login_do_so_too(client: Client) -> None:
    with spoken("pl"):
        for address in ("/admin/login/", "/nothing-here/", "/admin/choose-password/MQ/x/"):
            page = client.get(address, headers={"Accept-Language": "pl"}).content.decode()
            assert "⟦" in page
            assert [one for one in untranslated(page) if _has_words(one, [])] == []


def test_names_of_tables_are_translated_when_they_are_shown() -> None:
    """Django makes them of the names of classes where nobody gives any; those are English for ever."""
    ours = [model for model in admin.site._registry if model._meta.app_label in ("rentals", "pins")]
    named = [model for model in ours if isinstance(model._meta.verbose_name, Promise)]
    assert [model._meta.label for model in ours if model not in named] == []
    assert [model._meta.label for model in ours if not isinstance(model._meta.verbose_name_plural, Promise)] == []
    for label in ("rentals", "pins", "people"):
        assert isinstance(apps.get_app_config(label).verbose_name, Promise), label


def test_what_is_translated_is_told_from_what_is_not() -> None:
    assert pseudo("Two %(number)s words {a}, 5 %%") == "⟦Two ⟧%(number)s⟦ words ⟧{a}, 5 %%"
    page = '<p title="Here">⟦There is <b>a ⟧Word⟦ here</b>⟧ again<script>no</script><i lang="pl">Nie</i> 5 ⟦x⟧</p>'
    assert untranslated(page) == ["Here", "Word", "again"]
    assert untranslated("<p>⟦yes</p><p>Word</p>") == ["Word"]
    assert pseudo("✓ yes,✕ no,unknown") == "⟦✓ yes⟧,⟦✕ no⟧,⟦unknown⟧"


def test_what_is_stored_stays_english(village: Village) -> None:
    """A row outlives the language of whoever made it; what it says is translated where it is shown."""
    from tests.support.every_address import addresses

    client = Client(headers={"Accept-Language": "pl"})
    client.force_login(User.objects.create_superuser("somebody-else"))
    answered = 0
    with spoken("pl"):
        for line, address in addresses(village, hidden=False).items():
            if not FORMS.search(line):
                answered += client.post(address, {"post": "yes"}).status_code in (200, 302)
    assert answered > 40
    wrong = [one for one in stored_texts(("rentals", "pins", "auth", "admin", "people")) if "⟦" in one]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
