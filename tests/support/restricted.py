"""Two properties, and a person who sees one of them only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from pins.models import Incident, LockState, Pin, PinAttempt, PinReveal
from rentals.models import (
    CalendarFeed,
    FeedItem,
    Lock,
    LockAccount,
    Property,
    PropertyAccess,
    PublishedCalendar,
)
from tests.support.house import House
from tests.support.pages import content
from tests.support.staff import works

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: In every name that belongs to the other property, and nowhere else: long enough to be in no random token either.
HIDDEN = "Zyxwold"


class Village:
    """Two properties with a shared entrance; each has everything that a property can have."""

    def __init__(self) -> None:
        self.house = House()
        self.entrance = self.house.lock("Entrance")
        self.own = self._property("Own", "Anna")
        self.other = self._property(HIDDEN, f"{HIDDEN}elda")
        for prop, word in ((self.own, "Own"), (self.other, HIDDEN)):
            works(prop, name=f"{word} cleaner", mode="turnover", weekdays=31)
        self.house.settle()
        for prop, word in ((self.own, "Own"), (self.other, HIDDEN)):
            self._traces(prop, word)
        names = ["Cleaner", f"{HIDDEN}elda's sister"]
        LockState.objects.filter(lock=self.entrance).update(foreign_pins=2, foreign_names=names, looked_at=NOW)
        Lock.objects.update(is_connected=False, battery_level=5)  # the board lists those
        LockAccount.objects.create(name="Spare", secret="spare-key")
        apart = LockAccount.objects.create(name=f"{HIDDEN} account", secret="another-key", observe_only=True)
        Lock.objects.filter(name__startswith=HIDDEN).update(account=apart)
        Incident.open(Incident.Kind.DEAD_KEY, NOW, about=apart)

    @classmethod
    def again(cls) -> Village:
        """The one that stands in the database, without its cloud."""
        village = cls.__new__(cls)
        village.entrance = Lock.objects.select_related("account").get(name="Entrance")
        village.own, village.other = (Property.objects.get(name=f"{word} flat") for word in ("Own", HIDDEN))
        return village

    def _property(self, word: str, guest: str) -> Property:
        prop = self.house.flat(self.entrance, self.house.lock(f"{word} door"), name=f"{word} flat")
        self.house.stay(prop, HOUR, 2 * DAY, f"{guest} Nowak")
        self.house.stay(prop, -DAY, DAY + HOUR / 2, f"{guest} Leaving")
        self.house.stay(prop, 60 * DAY, DAY, f"{guest} Later")
        return prop

    def _traces(self, prop: Property, word: str) -> None:
        feed = CalendarFeed.objects.create(property=prop, name=f"{word} Airbnb", channel="airbnb")
        PublishedCalendar.objects.create(property=prop, name=f"{word} cleaners")
        stay = prop.bookings.order_by("check_in")[1]
        period = {"starts_at": stay.check_in, "ends_at": stay.check_out}
        days = {"starts_on": stay.check_in.date(), "ends_on": stay.check_out.date()}
        kinds: tuple[dict[str, Any], ...] = ({"booking": stay}, {"awaits_approval": True, "booking": stay}, {})
        for number, more in enumerate(kinds):
            FeedItem.objects.create(
                feed=feed,
                uid=f"{word}-{number}",
                summary=f"{word} event",
                guest_name=f"{word} guest",
                verdict="stay" if more else "review",
                first_seen_at=NOW,
                changed_at=NOW,
                **period,
                **days,
                **more,
            )
        pin = Pin.objects.filter(grant__booking=stay).exclude(lock=self.entrance).get()
        shared = Pin.objects.get(grant__booking=stay, lock=self.entrance)
        for about in (pin, shared, pin.lock, feed):
            for kind in (Incident.Kind.CODE_LATE, Incident.Kind.NO_ROOM):
                Incident.open(kind, NOW, about=about)
        PinReveal.objects.create(grant=pin.grant, user_name="somebody")
        PinAttempt.objects.create(pin=shared, op="post", rev=1, outcome="refused", correlation_id=f"{word}-trace")


def keeper(*properties: Property, **more: Any) -> User:
    """May do everything, for these properties only."""
    user = User.objects.create_user("keeper", password="keeper-pass", is_staff=True, **more)
    user.user_permissions.set(Permission.objects.all())
    access = PropertyAccess.objects.create(user=user)
    access.properties.set(properties)
    return user


def assert_nothing_hidden(client: Client, url: str, data: dict[str, Any] | None = None, *, posted: bool = False) -> Any:
    """Ask and look at what comes, where it leads to, and what is told there."""
    response = client.post(url, data or {}, follow=True) if posted else client.get(url, data or {}, follow=True)
    assert HIDDEN.lower() not in content(response).lower(), f"{url} {data or ''} tells of the other property"
    assert response.status_code < 500, url
    return response
