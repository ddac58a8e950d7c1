"""Forms that move the ends of a stay, judged against the stay as it is now. Days and times are wall-clock times at the
property.

Each form carries the ends that its page showed. Sent twice, or from a page that is out of date, it changes nothing that
the person has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.local_time import local_moment
from rentals.models import Booking
from rentals.widgets import ClockField, DayField
from rentals.wording import day_and_time

#: How many hours one press adds.
HOURS = (1, 2)
#: A guest may ask for more time when the stay is already over.
STILL_ASKS = timedelta(hours=24)
#: A year outside these is a slip of the finger.
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


def may_move(booking: Booking, now: datetime) -> bool:
    """Whether to offer these forms: not for a cancelled stay, nor a day after it ended."""
    return booking.status != Booking.Status.CANCELLED and now < booking.check_out + STILL_ASKS


class StayForm(forms.Form):
    """Once the form is valid, `check_in` and `check_out` (UTC) are the new ends of the stay."""

    seen = forms.CharField(max_length=80, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, *, booking: Booking, now: datetime) -> None:
        super().__init__(data, initial=self.shown(booking), auto_id=f"{type(self).__name__.lower()}-%s")
        self.booking, self.now = booking, now
        self.check_in, self.check_out = booking.check_in, booking.check_out
        #: Wall times as they were typed, with the instants that they mean: a clock change may skip or repeat them.
        self.typed: dict[str, tuple[datetime, str]] = {}

    @classmethod
    def shown(cls, booking: Booking) -> dict[str, Any]:
        """What the fields hold at first."""
        return {"seen": f"{booking.check_in.isoformat()} {booking.check_out.isoformat()}"}

    def place(self, cleaned: dict[str, Any]) -> None:
        """Set `check_in` and `check_out`, or add errors."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.booking.status == Booking.Status.CANCELLED:
            raise ValidationError(_("The booking is cancelled. Confirm it first."))
        if self.errors:
            return cleaned
        self.place(cleaned)
        if not self.errors and cleaned["seen"] != self.shown(self.booking)["seen"] and self.moves:
            zone = self.booking.property.zone
            said = _(
                "The stay was changed meanwhile and this was not done. It is from {starts} to {ends} now. Choose again."
            )
            starts, ends = day_and_time(self.booking.check_in, zone), day_and_time(self.booking.check_out, zone)
            raise ValidationError(said.format(starts=starts, ends=ends))
        return cleaned

    @property
    def moves(self) -> bool:
        """Whether the form changes an end of the stay."""
        return (self.check_in, self.check_out) != (self.booking.check_in, self.booking.check_out)


class LateCheckOutForm(StayForm):
    """Some hours more with one button, or a time on the last day."""

    hours = forms.TypedChoiceField(choices=[(str(one), one) for one in HOURS], coerce=int, required=False)
    until = ClockField(
        label=lazy("Check-out at"), required=False, error_messages={"invalid": lazy("Enter a time such as 13:30.")}
    )

    def choices(self) -> list[tuple[int, str]]:
        """The buttons: a number of hours, and the new time of check-out (`13:00`)."""
        zone = self.booking.property.zone
        ends = [(one, self.booking.check_out + timedelta(hours=one)) for one in HOURS]
        return [(one, f"{end.astimezone(zone):%H:%M}") for one, end in ends if end > self.now]

    def place(self, cleaned: dict[str, Any]) -> None:
        if cleaned.get("hours"):
            self._add(int(cleaned["hours"]), str(cleaned["seen"]))
        elif cleaned.get("until"):
            self._set(cleaned["until"])
        else:
            self.add_error("until", _("Enter a time such as 13:30."))

    def _add(self, hours: int, seen: str) -> None:
        """Add to the end that the page showed, so that pressing twice asks for the same end."""
        shown_end = _moment(seen.rpartition(" ")[2])
        if shown_end is None:
            self.add_error(None, _("Open the page again and choose there."))
            return
        self.check_out = shown_end + timedelta(hours=hours)
        if self.check_out <= self.now:
            self._say_past()

    def _say_past(self) -> None:
        when = day_and_time(self.check_out, self.booking.property.zone)
        self.add_error("until", _("{when} is past already. Enter a later time.").format(when=when))

    def _set(self, at: time) -> None:
        prop = self.booking.property
        self.check_out = local_moment(self.booking.departure_date, at, prop.timezone)
        self.typed["departure"] = (self.check_out, f"{at:%H:%M}")
        if self.check_out <= self.booking.check_in:
            when, begins = (day_and_time(one, prop.zone) for one in (self.check_out, self.booking.check_in))
            said = _("{when} is not after the check-in, {begins}. Enter a later time.")
            self.add_error("until", said.format(when=when, begins=begins))
        elif self.check_out <= self.now:
            self._say_past()


class ChangeDaysForm(StayForm):
    """Other days at the same times of day. A stay that has begun keeps its arrival."""

    arrival = DayField(label=lazy("Arrival"))
    departure = DayField(label=lazy("Departure"))

    def __init__(self, data: Mapping[str, Any] | None = None, *, booking: Booking, now: datetime) -> None:
        super().__init__(data, booking=booking, now=now)
        if booking.check_in <= now:
            del self.fields["arrival"]

    @classmethod
    def shown(cls, booking: Booking) -> dict[str, Any]:
        return {**super().shown(booking), "arrival": booking.arrival_date, "departure": booking.departure_date}

    def clean_arrival(self) -> date:
        day = plausible_day(self.cleaned_data["arrival"])
        if day != self.booking.arrival_date and day < self.now.astimezone(self.booking.property.zone).date():
            raise ValidationError(_("That day is past. Choose today or a later day."))
        return day

    def clean_departure(self) -> date:
        return plausible_day(self.cleaned_data["departure"])

    def place(self, cleaned: dict[str, Any]) -> None:
        booking, prop = self.booking, self.booking.property
        first: date = cleaned.get("arrival") or booking.arrival_date
        last: date = cleaned["departure"]
        if last < first:
            self.add_error("departure", _("The departure is before the arrival. Choose a later day."))
            return
        if first != booking.arrival_date:
            self.check_in = local_moment(first, self._time_of("check_in"), prop.timezone)
        if last != booking.departure_date:
            self.check_out = local_moment(last, self._time_of("check_out"), prop.timezone)
        ends, begins = day_and_time(self.check_out, prop.zone), day_and_time(self.check_in, prop.zone)
        if self.check_out <= self.check_in:
            said = _("The stay would end {ends}, before or when it begins, {begins}.")
            self.add_error("departure", said.format(ends=ends, begins=begins))
        elif self.check_out <= self.now and self.moves:
            said = _("The stay would have ended {ends} already. Choose a later day, or revoke the code.")
            self.add_error("departure", said.format(ends=ends))

    def _time_of(self, end: str) -> time:
        if self.booking.follows_property_times:
            usual: time = getattr(self.booking.property, f"{end}_time")
            return usual
        moment: datetime = getattr(self.booking, end)
        return moment.astimezone(self.booking.property.zone).time()


def plausible_day(day: date) -> date:
    """The day. Raises ValidationError for a year that is a slip of the finger."""
    if not EARLIEST <= day < LATEST:
        raise ValidationError(_("Check the year: it should lie between 2000 and 2099."))
    return day


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and EARLIEST <= moment.date() < LATEST else None


#: By the name in the URL.
FORMS: dict[str, type[StayForm]] = {"late_check_out": LateCheckOutForm, "change_days": ChangeDaysForm}
