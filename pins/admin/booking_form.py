"""The form of a stay: days and wall times at the property instead of instants, and a code that goes in and never comes
out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pins.admin import own_code
from pins.admin.own_code import Asker, OwnCodeField
from rentals.admin.property_choice import PropertyChoice
from rentals.ending import RunningStay, running, would_end
from rentals.local_time import local_moment
from rentals.models import Booking, Property
from rentals.phrases import mark
from rentals.stay_forms import plausible_day
from rentals.widgets import ClockField, DayField
from rentals.wording import day_and_time

if TYPE_CHECKING:
    _Form = forms.ModelForm[Booking]
else:
    _Form = forms.ModelForm

_WHEN = {"arrival": "check_in", "departure": "check_out"}
#: The answer to the question whether a running stay shall end.
ANSWER, KEEP, END = "running_stay", "keep", "end"


class BookingForm(_Form):
    """An end of the stay that nobody touched keeps its instant to the second, also where the page cannot show it:
    seconds, the second 02:30 of an autumn night, a check-in that had passed when the property's times changed."""

    property = PropertyChoice(
        label=lazy("Property"),
        queryset=Property.objects.order_by("name", "pk"),
        error_messages={"required": lazy("Choose a property.")},
    )
    arrival_date = DayField(label=lazy("Arrival"))
    arrival_time = ClockField(label=lazy("at"), required=False)
    departure_date = DayField(label=lazy("Departure"))
    departure_time = ClockField(label=lazy("at"), required=False)
    own_code = OwnCodeField(
        help_text=lazy(
            "Leave it empty and Turnkey chooses one. Enter 5 to 8 digits to give the guest a code that you know; "
            "it is not shown here again, so note it. Once set, it can only be replaced after “Revoke”."
        ),
    )

    #: Who fills the form in. The page sets it for each request.
    asker: Asker

    class Meta:
        fields = ("property", "guest_name", "status", "guest_email", "guest_phone", "guest_language")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.former = (self.instance.check_in, self.instance.check_out)
        #: A running stay that this would end, until the person says so; and what is said if they keep it.
        self.asks: RunningStay | None = None
        self.kept = ""
        if self.instance.pk:
            self.initial.update(self._stored_ends())
        if "arrival_time" in self.fields:
            self._explain_times()
        if "property" in self.fields and not self.instance.pk and not Property.objects.exists():
            add = format_html('<a href="{}">{}</a>', reverse("admin:rentals_property_add"), _("add one first"))
            self.fields["property"].help_text = format_html(_("There is no property yet: {link}."), link=add)

    def _stored_ends(self) -> dict[str, Any]:
        """The stay on the clock of its property; times stay empty where the property's times apply."""
        found: dict[str, Any] = {}
        for end, name in _WHEN.items():
            local = getattr(self.instance, name).astimezone(self.instance.property.zone)
            found[f"{end}_date"] = local.date()
            if not self.instance.follows_property_times:
                found[f"{end}_time"] = local.time().replace(second=0, microsecond=0)
        return found

    def _explain_times(self) -> None:
        if not self.instance.pk:
            self.fields["arrival_time"].help_text = _(
                "Empty means the property's check-in time, in the property's zone."
            )
            self.fields["departure_time"].help_text = _("Empty means the property's check-out time.")
            return
        prop = self.instance.property
        for name, usual, text in (
            (
                "arrival_time",
                prop.check_in_time,
                _("{zone} time. Empty means {time}, the property's check-in time."),
            ),
            (
                "departure_time",
                prop.check_out_time,
                _("{zone} time. Empty means {time}, the property's check-out time."),
            ),
        ):
            self.fields[name].help_text = text.format(zone=prop.timezone, time=f"{usual:%H:%M}")

    def clean_arrival_date(self) -> date:
        return plausible_day(self.cleaned_data["arrival_date"])

    def clean_departure_date(self) -> date:
        return plausible_day(self.cleaned_data["departure_date"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        prop, first, last = (cleaned.get(name) for name in ("property", "arrival_date", "departure_date"))
        if prop is None or first is None or last is None or {"arrival_time", "departure_time"} & set(self.errors):
            return cleaned
        from_time, until_time = cleaned.get("arrival_time"), cleaned.get("departure_time")
        check_in = self._instant("arrival", prop, first, from_time or prop.check_in_time)
        check_out = self._instant("departure", prop, last, until_time or prop.check_out_time)
        if check_out <= check_in:
            self.add_error("departure_date", _order_error(first, last, prop, from_time, until_time))
            return cleaned
        if self._keeps_running_stay(cleaned, check_in, check_out):
            return cleaned
        # Set only when they are good: otherwise the model would report errors on fields that this form does not have.
        self.instance.check_in, self.instance.check_out = check_in, check_out
        self.instance.follows_property_times = from_time is None and until_time is None
        return cleaned

    def _post_clean(self) -> None:
        """The digits are judged last, and only of a stay that could be saved: the answer is a secret of its own."""
        super()._post_clean()  # type: ignore[misc]
        if not self.errors and not self.kept and self.cleaned_data.get("own_code"):
            refusal = own_code.refusal(self.asker, self.instance, str(self.cleaned_data["own_code"]), timezone.now())
            if refusal:
                self.add_error("own_code", refusal)

    def _keeps_running_stay(self, cleaned: dict[str, Any], check_in: datetime, check_out: datetime) -> bool:
        """Whether the person keeps a stay that runs until its check-out, instead of what was typed. Raises
        ValidationError with the question, until they decide."""
        now = timezone.now()
        stay = running(self.instance, now) if self.instance.pk else None
        status = str(cleaned.get("status", Booking.Status.CONFIRMED))
        if stay is None or not (
            would_end(status, check_in, check_out, now) or cleaned["property"].pk != stay.property_id
        ):
            return False
        answer = self.data.get(ANSWER)
        if answer == KEEP:
            cleaned |= {"status": Booking.Status.CONFIRMED.value, "property": self.instance.property}
            self.kept = stay.kept
            return True
        if answer != END:
            self.asks = stay
            raise ValidationError(_("Nothing is saved yet. Choose above what happens to the guest."))
        return False

    def changes(self) -> str:
        """What was changed, for the history of a stay that is saved already: kept in English. Names no guest and no
        code."""
        if self.kept:
            return mark("Kept the stay until check-out.")
        zone = self.instance.property.zone
        said = [
            f"the {end} from {day_and_time(before, zone)} to {day_and_time(after, zone)}"
            for end, before, after in (
                ("arrival", self.former[0], self.instance.check_in),
                ("departure", self.former[1], self.instance.check_out),
            )
            if before != after
        ]
        if "status" in self.changed_data:
            labels = [
                Booking.Status(one).label.partition(" (")[0].lower()
                for one in (self.initial["status"], self.instance.status)
            ]
            said.append(f"the status from {labels[0]} to {labels[1]}")
        # Without the properties' names: a person who sees the stay now may not see the property where it was before.
        words = {"property": "the property", "guest_name": "the guest's name", "own_code": "the code"}
        words |= {"guest_email": "the guest's e-mail", "guest_phone": "the guest's phone"}
        words |= {"guest_language": "the guest's language"}
        said += [text for name, text in words.items() if name in self.changed_data]
        return f"Changed {', '.join(said)}." if said else ""

    def _instant(self, end: str, prop: Property, day: date, at: time) -> datetime:
        untouched = not {f"{end}_date", f"{end}_time"} & set(self.changed_data)
        if self.instance.pk and untouched and self.initial.get("property") == prop.pk:
            stored: datetime = getattr(self.instance, _WHEN[end])
            return stored
        return local_moment(day, at, prop.timezone).astimezone(UTC)


def _order_error(first: date, last: date, prop: Property, from_time: time | None, until_time: time | None) -> str:
    if last < first:
        return _("The departure is before the arrival. Choose a later day.")
    starts, ends = from_time or prop.check_in_time, until_time or prop.check_out_time
    return _(
        "The stay would end at {ends}, not after it begins at {starts} on the same day. "
        "Choose a later day, or enter times."
    ).format(ends=f"{ends:%H:%M}", starts=f"{starts:%H:%M}")
