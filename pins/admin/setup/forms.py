"""The forms of the first run: those of the admin, with the few fields that a beginning needs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from pins.admin.booking_form import BookingForm
from pins.admin.setup.known import Facts
from pins.status.locks import zone_of_lock
from rentals.admin.account import LockAccountForm
from rentals.admin.feed_form import CalendarFeedForm
from rentals.admin.feed_secrets import has_secret
from rentals.admin.property import PropertyForm
from rentals.models import Booking, CalendarFeed, Lock, LockAccount, Property
from rentals.wording import day_and_time


class AccountForm(LockAccountForm):
    """A name and a key. An account that is connected here is observed until the last step."""

    class Meta(LockAccountForm.Meta):
        model = LockAccount
        fields = ("name",)

    def clean(self) -> dict[str, Any]:
        """A key is never sent back to the browser, so a good one must be entered again beside a wrong name."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors and cleaned.get("secret"):
            self.add_error("secret", _("This key is fine and is not stored yet: enter it once more."))
        return cleaned


class KeyForm(LockAccountForm):
    """Another key for an account, which keeps its name and all that hangs on it."""

    class Meta(LockAccountForm.Meta):
        model = LockAccount
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["secret"].required = self.fields["secret"].widget.is_required = True
        self.fields["secret"].help_text = _("It takes the place of the stored one. Name and locks of the account stay.")

    def clean_name(self) -> str:
        return self.instance.name


class FlatForm(PropertyForm):
    class Meta(PropertyForm.Meta):
        model = Property
        fields = ("name", "timezone", "check_in_time", "check_out_time", "locks")
        widgets = {**PropertyForm.Meta.widgets, "locks": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, facts: Facts, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        locks = Lock.objects.filter(pk__in=facts.usable).order_by("name", "pk")
        doors = forms.ModelMultipleChoiceField(
            locks,
            label=_("Locks"),
            widget=forms.CheckboxSelectMultiple,
            help_text=_(
                "Every door that a guest must open, the building's entrance included. A lock may serve several flats."
            ),
            error_messages={"required": _("Choose at least one lock: without one its guests get no code.")},
        )
        self.fields["locks"] = doors
        zones = sorted({zone_of_lock(one).key for one in locks if one.time_zone})
        if zones:
            theirs = _("Your locks are set to {zones}.").format(zones=", ".join(zones[:3]))
            self.fields["timezone"].help_text = f"{self.fields['timezone'].help_text} {theirs}"


class CalendarForm(CalendarFeedForm):
    """A calendar that has an address. What is typed is kept, and nothing is imported before the preview."""

    class Meta(CalendarFeedForm.Meta):
        model = CalendarFeed
        fields = ("name", "property")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose_from(self, "property", Property.objects.filter(is_active=True))
        self.fields["property"].label = _("Flat")
        self.fields["name"].help_text = _("What you call it, such as “Airbnb”.")
        if not self.instance.pk:
            self.fields["url"].help_text = _(
                "The calendar's export link (https or webcal). It is a secret: with it, anybody can read your bookings."
            )

    def clean_url(self) -> str:
        address = super().clean_url()
        if not address and not (self.instance.pk and has_secret(self.instance, "url")):
            raise ValidationError(_("Paste the calendar's export link here."))
        return address


class StayForm(BookingForm):
    """A stay that is still to come or runs. Its code is Turnkey's choice."""

    own_code = None  # type: ignore[assignment]  # which is how Django leaves a field out

    class Meta(BookingForm.Meta):
        model = Booking
        fields = ("property", "guest_name")  # type: ignore[assignment]

    def __init__(self, *args: Any, facts: Facts, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        served = [one.id for one in facts.flats if one.door_ids & facts.usable]
        _choose_from(self, "property", Property.objects.filter(pk__in=served))
        self.fields["property"].label = _("Flat")
        self.fields["arrival_time"].label = _("Arrival time")
        self.fields["departure_time"].label = _("Departure time")
        if len(served) == 1:
            self.initial.setdefault("property", served[0])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        ends = self.instance.check_out
        if not self.errors and ends <= timezone.now():
            over = _(
                "This stay was over on {moment}, so it would get no code. Choose a departure that is still to come."
            )
            self.add_error("departure_date", over.format(moment=day_and_time(ends, cleaned["property"].zone)))
        return cleaned


def _choose_from(form: Any, name: str, rows: QuerySet[Property]) -> None:
    form.fields[name].queryset = rows.order_by("name", "pk")
