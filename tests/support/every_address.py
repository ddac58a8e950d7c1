"""A site with a row for each page, and the addresses of all pages about those rows."""

from __future__ import annotations

from datetime import timedelta

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from pins.actions.stays import ACTIONS
from pins.admin.setup.steps import Key
from pins.models import CodeTry, Delivery, GuestGuide, GuestPage, Incident, NotificationChannel
from rentals import access
from rentals.models import CalendarFeed, LockAccount, PublishedCalendar
from rentals.stay_forms import FORMS
from tests.support import site_walk
from tests.support.restricted import HIDDEN, NOW, Village


def build() -> None:
    """A village in which each model that has pages has a row of either property."""
    village = Village()
    channel = NotificationChannel.objects.create(name="Office mail", target="office@example.com")
    user = User.objects.create_user("somebody")
    for number, flat in enumerate((village.own, village.other)):
        CodeTry.objects.create(property=flat, user_name="somebody", taken=False, at=NOW)
        incident = Incident.objects.filter(feed__property=flat).first()
        word = "Own" if flat == village.own else HIDDEN
        GuestGuide.objects.create(property=flat, address=f"{word} street 1", wifi_name=f"{word} net")
        GuestPage.objects.create(booking=flat.bookings.order_by("check_in")[1])
        Delivery.objects.create(
            channel=channel,
            key=f"incident:{number}",
            event="incident.opened",
            incident=incident,
            payload={"title": f"{word} flat"},
            happened_at=NOW,
            expires_at=NOW + timedelta(days=1),
        )
        LogEntry.objects.log_actions(user.pk, [flat], CHANGE, "Changed", single_object=True)
    task = PeriodicTask.objects.create(
        name="A task", task="pins.tasks.sweep", interval=IntervalSchedule.objects.create(every=1, period="days")
    )
    assert task.pk
    CrontabSchedule.objects.get_or_create(hour="4")
    ClockedSchedule.objects.create(clocked_time=NOW)
    SolarSchedule.objects.create(event="sunset", latitude=1, longitude=1)


def addresses(village: Village, *, hidden: bool) -> dict[str, str]:
    """Each line of the table with the address that is asked."""
    flat = village.other if hidden else village.own
    published = PublishedCalendar.objects.get(property=flat)
    shared = {
        "booking_id": row("rentals.booking", village, hidden=hidden),
        "item_id": row("rentals.feeditem", village, hidden=hidden),
        "lock_id": row("rentals.lock", village, hidden=hidden),
        "content_type_id": str(ContentType.objects.get_for_model(type(flat)).pk),
        "uidb64": "MQ",
        "passkey_id": "1",
        "picture_id": "1",
        "property_id": str(flat.pk),
        "url": "nowhere",
        "rest": "nowhere",
    }
    tokens = {
        "/calendars/": published.token,
        "/webhooks/ical/": CalendarFeed.objects.get(property=flat).token,
        "/webhooks/tedee/": LockAccount.objects.get(name="Office").webhook_token,
    }
    choices = {
        "action": (*ACTIONS, *FORMS, "no-such-action"),
        "step": (*Key, "no-such-step"),
        "app_label": ("rentals", "pins", "auth", "admin", "django_celery_beat"),
    }
    found: dict[str, str] = {}
    for pattern in site_walk.patterns():
        model = site_walk.model_of(pattern)
        token = next((one for begins, one in tokens.items() if pattern.startswith(begins)), "x")
        one = row(model, village, hidden=hidden) if model else str(flat.pk)
        values = {**shared, "token": token, "object_id": one, "id": one}
        found |= {line: site_walk.fill(line, values) for line in site_walk.spread(pattern, choices)}
    return found


def row(label: str, village: Village, *, hidden: bool) -> str:
    """The id of a row of this model: of the own property, or hidden from who sees that one."""
    model = apps.get_model(label)
    rows = model._default_manager.order_by("pk")
    if not access.is_governed(model):
        return str(rows.first().pk)
    shown = access.visible(rows, access.Scope(frozenset({village.own.pk})))
    wanted = rows.exclude(pk__in=shown.values("pk")) if hidden else shown
    return str((wanted.first() or rows.first()).pk)  # some models are closed to restricted people altogether
