"""The form of somebody who works in the flats: days in place of instants, weekdays to tick, and a code that goes in and
never comes out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Count
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pins.admin import own_code
from pins.admin.own_code import Asker, OwnCodeField
from pins.models import StaffAccess
from pins.tedee.messages import EVERY_DAY
from rentals.local_time import local_moment
from rentals.models import Lock, Property
from rentals.widgets import ClockField, DayField

if TYPE_CHECKING:
    _Form = forms.ModelForm[StaffAccess]
else:
    _Form = forms.ModelForm

_DAY: Final = timedelta(days=1)


class StaffForm(_Form):
    """An end of the period that nobody touched keeps its instant."""

    weekdays = forms.MultipleChoiceField(
        label=lazy("Weekdays"),
        choices=[(str(1 << day), name) for day, name in WEEKDAYS.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": lazy("Choose at least one weekday.")},
    )
    day_start = ClockField(label=lazy("From"), required=False, example="08:00")
    day_end = ClockField(
        label=lazy("Until"), required=False, example="16:00", help_text=lazy("00:00 is midnight. Empty: all day.")
    )
    first_day = DayField(label=lazy("First day"), required=False, help_text=lazy("Empty: from now on."))
    last_day = DayField(label=lazy("Last day"), required=False, help_text=lazy("Empty: no end."))
    own_code = OwnCodeField(
        help_text=lazy(
            "Leave it empty and Turnkey chooses one, and keeps it. Enter 5 to 8 digits to replace it; they are "
            "not shown here again, so note them."
        ),
    )

    #: Who fills the form in. The page sets it for each request.
    asker: Asker

    class Meta:
        fields = (
            *("name", "kind", "is_active", "properties", "locks", "mode", "weekdays", "day_start", "day_end"),
            *("two_codes", "after_check_out", "before_check_in"),
        )
        labels = {"two_codes": lazy("Two codes"), "after_check_out": lazy("Minutes after check-out")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "weekdays" not in self.fields:
            return  # a person who may only look
        flags = int(self.instance.weekdays) if self.instance.pk else EVERY_DAY
        self.initial["weekdays"] = [str(1 << day) for day in range(len(WEEKDAYS)) if flags >> day & 1]
        if self.instance.pk:
            zone = zone_of(list(self.instance.properties.all()), list(self.instance.locks.all())) or ZoneInfo("UTC")
            begins, ends = self.instance.valid_from, self.instance.valid_until
            self.initial["first_day"] = begins.astimezone(zone).date() if begins else None
            self.initial["last_day"] = (ends - timedelta(seconds=1)).astimezone(zone).date() if ends else None

    def clean_weekdays(self) -> int:
        return sum(int(flag) for flag in self.cleaned_data["weekdays"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        homes, doors = list(cleaned.get("properties") or ()), list(cleaned.get("locks") or ())
        if not homes and not doors and not {"properties", "locks"} & set(self.errors):
            self.add_error("properties", _("Choose a property or a lock: without one the code opens nothing."))
        if cleaned.get("mode") == StaffAccess.Mode.TURNOVER:
            self._judge_turnover(cleaned, homes, doors)
        self._take_period(cleaned, homes, doors)
        return cleaned

    def _judge_turnover(self, cleaned: dict[str, Any], homes: list[Property], doors: list[Lock]) -> None:
        if not homes and "properties" not in self.errors:
            self.add_error("properties", _("Choose the property between whose stays the work is done."))
        everywhere = cleaned.get("day_start") is None and cleaned.get("weekdays") == EVERY_DAY
        shared = sorted({*(one.name for one in doors), *shared_names(homes)}) if everywhere else []
        if shared and not {"day_start", "day_end", "weekdays"} & set(self.errors):
            names = ", ".join(_("“{name}”").format(name=name) for name in shared)
            why = _(
                "{names} cannot follow the stays of one property, so the code works there at fixed hours. Enter the "
                "hours, or choose weekdays."
            )
            self.add_error("day_start", why.format(names=names))

    def _take_period(self, cleaned: dict[str, Any], homes: list[Property], doors: list[Lock]) -> None:
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if first is not None and last is not None and last < first:
            self.add_error("last_day", _("The last day is before the first one."))
            return
        zone = zone_of(homes, doors)
        if zone is None and (first is not None or last is not None):
            self.add_error(
                "first_day", _("These properties are in different time zones. Make one access for each zone.")
            )
            return
        for name, field, day in (("valid_from", "first_day", first), ("valid_until", "last_day", last)):
            if field in self.errors or (self.instance.pk and field not in self.changed_data and not self._moved()):
                continue
            setattr(self.instance, name, _midnight(day, zone, after=field == "last_day"))

    def _moved(self) -> bool:
        return bool({"properties", "locks"} & set(self.changed_data))

    def _post_clean(self) -> None:
        """The digits are judged last, and only of an access that could be saved: the answer is a secret of its own."""
        super()._post_clean()  # type: ignore[misc]
        value = str(self.cleaned_data.get("own_code") or "")
        if value and not self.errors and not (self.instance.pk and value == self.instance.code):
            refusal = own_code.refusal_for_staff(
                self.asker,
                value,
                self.instance,
                list(self.cleaned_data["properties"]),
                list(self.cleaned_data["locks"]),
                timezone.now(),
            )
            if refusal:
                self.add_error("own_code", refusal)


def zone_of(homes: list[Property], doors: list[Lock]) -> ZoneInfo | None:
    """The time zone of the days of an access: that of its properties, or of its locks where there is none; `None`:
    they differ."""
    zones = {one.timezone for one in homes} or {one.time_zone for one in doors if one.time_zone} or {"UTC"}
    return ZoneInfo(zones.pop()) if len(zones) == 1 else None


def shared_names(homes: list[Property]) -> list[str]:
    """Locks of these properties that other active ones use, too."""
    locks = Lock.objects.filter(properties__in=homes, is_active=True).values("pk")
    used = Lock.objects.filter(pk__in=locks, properties__is_active=True).annotate(users=Count("properties"))
    return list(used.filter(users__gt=1).order_by("name").values_list("name", flat=True))


def _midnight(day: date | None, zone: ZoneInfo | None, *, after: bool) -> datetime | None:
    """The beginning of a day, or the end of it, UTC."""
    if day is None or zone is None:
        return None
    return local_moment(day + _DAY if after else day, time(), zone.key).astimezone(UTC)
