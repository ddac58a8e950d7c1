"""Every address of the site, asked by everybody: who gets what stands in `every_page.txt`, one line an address.

Rows of models are of the property that the restricted person sees, in the column `hidden` of one that is hidden from
them; for all others it makes no difference. In each answer: no code, nothing of what is hidden, a content security
policy and nothing that it would stop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.support import site_walk

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from tests.support.restricted import Village

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

TABLE = Path(__file__).with_name("every_page.txt")
PERSONS = ("anonymous", "nobody", "viewer", "operator", "administrator", "own", "hidden")
#: They may change nothing, whatever they send.
HARMLESS = ("anonymous", "nobody", "viewer", "hidden")


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


def log_in(person: str, village: Village) -> Client:
    from tests.support.restricted import keeper

    client = Client(raise_request_exception=False)
    if person == "anonymous":
        return client
    if person in ("own", "hidden"):
        user = keeper(village.own)
    else:
        user = User.objects.create_user(person, is_staff=True)
        user.groups.set(Group.objects.filter(name=person))
    client.force_login(user)
    return client


def expected(method: str, person: str) -> dict[str, str]:
    """This person's column of the table."""
    lines = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    column = 2 + (PERSONS if method == "GET" else HARMLESS).index(person)
    return {line[1]: line[column] for line in lines if line[0] == method}


def stored() -> dict[str, Any]:
    """All rows about business, codes, people and timetable."""
    return {
        model._meta.label: sorted(map(repr, model._base_manager.values_list()))
        for app in ("rentals", "pins", "auth", "django_celery_beat")
        for model in apps.get_app_config(app).get_models()
    }


class Inspection:
    """What may stand in no answer."""

    def __init__(self, person: str) -> None:
        from pins.models import AccessGrant
        from tests.support.restricted import HIDDEN

        codes = {code for code in AccessGrant.objects.values_list("code", flat=True) if code}
        assert len(codes) >= 4
        self._codes = re.compile(rf"(?<!\d)({'|'.join(codes)})(?!\d)")
        self._hidden = HIDDEN.lower() if person in ("anonymous", "nobody", "own", "hidden") else "\0"

    def complaints(self, answer: Any) -> list[str]:
        said = str(dict(answer.headers)) + answer.content.decode()
        wrong = []
        if self._codes.search(said):
            wrong.append("a door code")
        if self._hidden in said.lower():
            wrong.append("what is hidden")
        policy = answer.headers.get("Content-Security-Policy", "")
        directives = dict(one.strip().partition(" ")[::2] for one in policy.split(";"))
        scripts = directives.get("script-src", "'self'")  # without the directive the default counts
        if directives.get("default-src") != "'none'" or scripts != "'self'" or "unsafe" in policy or "*" in policy:
            wrong.append("no content security policy")
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            wrong += site_walk.inline_parts(answer.content.decode())
        return wrong


@pytest.mark.parametrize("person", PERSONS)
def test_everybody_gets_what_the_table_says(person: str, village: Village) -> None:
    from tests.support.every_address import addresses
    from tests.support.restricted import HIDDEN

    client, inspection = log_in(person, village), Inspection(person)
    found, wrong, told = {}, [], 0
    for line, address in addresses(village, hidden=person == "hidden").items():
        answer = client.get(address)
        found[line] = str(answer.status_code)
        told += HIDDEN in answer.content.decode()
        # A published calendar is for whoever has its secret address, and names its property to them.
        if line != "/calendars/<token>.ics":
            wrong += [f"{line}: {one}" for one in inspection.complaints(answer)]
    assert wrong == []
    assert found == expected("GET", person), "GET" + difference(found, expected("GET", person))
    if person == "administrator":  # what is looked for does stand on pages, for who may see it
        assert told > 10


@pytest.mark.parametrize("person", HARMLESS)
def test_who_may_change_nothing_changes_nothing(person: str, village: Village) -> None:
    from tests.support.every_address import addresses

    client, inspection = log_in(person, village), Inspection(person)
    before = stored()
    found, wrong = {}, []
    for line, address in addresses(village, hidden=person == "hidden").items():
        if line == "/admin/logout/":
            continue
        answer = client.post(address, {"post": "yes"})
        found[line] = str(answer.status_code)
        wrong += [f"{line}: {one}" for one in inspection.complaints(answer)]
    assert wrong == []
    assert found == expected("POST", person), "POST" + difference(found, expected("POST", person))
    after = stored()
    assert [model for model in before if before[model] != after[model]] == []


def difference(found: dict[str, str], wanted: dict[str, str]) -> str:
    lines = [f"{line}: {status}, in the table {wanted.get(line, 'missing')}" for line, status in found.items()]
    return "\n" + "\n".join(one for one, line in zip(lines, found, strict=True) if wanted.get(line) != found[line])


@pytest.mark.parametrize(
    "page",
    [
        "<script>1</script>",
        "<style></style>",
        '<p style="color: red">',
        '<p onclick="1">',
        '<a href=" javascript:1">',
    ],
)
def test_parts_within_a_page_are_found(page: str) -> None:
    assert site_walk.inline_parts(f"<body>{page}</body>")
    assert not site_walk.inline_parts('<script src="/a.js"></script><script type="application/json">1</script>')
