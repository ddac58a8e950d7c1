"""The migration that makes incidents urgent if they were opened before severities and their kind is always urgent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.models import Incident, IncidentNotice, NotificationChannel
from pins.notify import collecting
from rentals.models import LockAccount

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, AFTER = [("pins", "0008_channel_secret_rotation")], [("pins", "0009_severities_of_former_incidents")]
Kind = Incident.Kind
ALWAYS_URGENT = {Kind.CODE_CHANGED, Kind.DEAD_KEY, Kind.BUDGET_SPENT}  # of the kinds that there were


def migrate(to: list[tuple[str, str]]) -> int:
    """Queries that it took."""
    with CaptureQueriesContext(connection) as queries:
        MigrationExecutor(connection).migrate(to)
    return len(queries)


def back() -> None:
    """To the time before. What follows the squash goes first: SQLite builds tables anew, and would drop its columns."""
    migrate([("pins", "0001_squashed_0_2")])
    migrate(BEFORE)


def to_the_newest() -> None:
    """What runs today needs today's columns."""
    migrate([("pins", "0012_plain_words")])
    call_command("migrate", "pins", verbosity=0)


def test_what_is_always_urgent_becomes_so_and_nobody_is_told_of_it() -> None:
    """One journey for all of it: each way through the migrations takes seconds."""
    long_ago = timezone.now() - timedelta(days=9)
    channel = NotificationChannel.objects.create(
        name="Anna", target="anna@example.com", severity="urgent", listens_from=long_ago - timedelta(days=1)
    )
    accounts = [LockAccount.objects.create(name=f"Office {n}", secret="x") for n in range(2)]
    for kind in Kind:
        for account, resolved_at in zip(accounts, (None, long_ago), strict=True):
            Incident.objects.create(
                kind=kind,
                subject=f"account:{account.pk}",
                account=account,
                severity="warning",
                opened_at=long_ago,
                resolved_at=resolved_at,
            )
    collecting.collect(timezone.now())
    assert not channel.deliveries.exists()
    try:
        back()
        for_few = migrate(AFTER)
        migrate(BEFORE)  # and back again, which forgets nothing
        of_then = MigrationExecutor(connection).loader.project_state(BEFORE).apps.get_model("pins", "Incident")
        for n in range(50):
            of_then.objects.create(
                kind=Kind.CODE_CHANGED,
                subject=f"pin:{n}",
                account_id=accounts[0].pk,
                severity="warning",
                opened_at=long_ago,
            )
        for_many = migrate(AFTER)
    finally:
        migrate(AFTER)
        to_the_newest()
    assert for_many == for_few  # queries
    many = Incident.objects.filter(subject__startswith="pin:")
    assert many.filter(severity="urgent").count() == 50
    many.delete()
    urgent = Incident.objects.filter(severity="urgent")
    assert set(urgent.values_list("kind", flat=True)) == ALWAYS_URGENT
    assert not urgent.filter(resolved_at__isnull=False).exists()
    assert IncidentNotice.objects.filter(urgent=True).count() == len(ALWAYS_URGENT)
    collecting.collect(timezone.now())
    assert not channel.deliveries.exists()
    assert mail.outbox == []
    Incident.resolve(timezone.now(), about=accounts[0], kinds=(Kind.DEAD_KEY,))
    collecting.collect(timezone.now())
    assert not channel.deliveries.exists()  # nor of the end of what it was not told of
