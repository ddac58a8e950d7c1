"""The form of a notification channel. Its target and its signing secret go in and never come out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from pins.admin.channel_panel import event_choices
from pins.core import notification_events
from pins.models import NotificationChannel
from pins.notify import signing, targets
from rentals.admin.property import ZONES, zone_as_typed
from rentals.admin.secret_form import SecretsForm
from rentals.fields import UndecryptableValue
from rentals.models import Property
from rentals.phrases import mark
from rentals.widgets import ClockField, SuggestingInput, WriteOnlyInput

_WHERE = mark(
    "E-mail: addresses, separated by commas. Messaging service: its Apprise URL, such as tgram://bottoken/ChatID or "
    "discord://id/token. Webhook: an address that begins with https://"
)


class NewSecretForm(forms.Form):
    """For how many hours the replaced secret still signs."""

    hours = forms.IntegerField(
        min_value=0,
        max_value=signing.LONGEST_OVERLAP_HOURS,
        error_messages={
            "required": lazy("Enter for how many hours the present one still signs."),
            "invalid": lazy("Enter for how many hours the present one still signs, as a whole number."),
        },
    )


class ChannelForm(SecretsForm):
    secret_words = {"target": mark("address"), "signing_secret": mark("secret")}

    target = forms.CharField(
        label=lazy("Where to"),
        required=False,
        strip=True,
        max_length=2000,
        widget=WriteOnlyInput({"class": "vTextField"}),
    )
    events = forms.MultipleChoiceField(
        label=lazy("Hears of"), required=False, choices=event_choices, widget=forms.CheckboxSelectMultiple
    )
    quiet_from = ClockField(label=lazy("Quiet from"), required=False, example="22:00")
    quiet_until = ClockField(label=lazy("Until"), required=False, example="07:00")
    summary_at = ClockField(
        label=lazy("Morning summary at"),
        required=False,
        example="07:30",
        help_text=lazy("One message a day: who arrives, whether the codes are ready, what to fix. Empty: none."),
    )

    class Meta:
        exclude = ("target", "signing_secret")
        widgets = {"timezone": SuggestingInput(ZONES, {"autocomplete": "off", "class": "vTextField"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "target" in self.fields:  # absent for a person who may only look
            self._explain()
        if "timezone" in self.fields and not self.instance.pk:
            latest = Property.objects.order_by("-pk").values_list("timezone", flat=True).first()
            self.initial["timezone"] = latest or "UTC"
            self.initial.setdefault("events", list(notification_events.CHOSEN_BY_DEFAULT))
        if "quiet_from" in self.fields:
            self.fields["quiet_from"].help_text = _(
                "During these hours messages wait, except about a guest who arrives today or cannot get in. Leave "
                "both empty for none."
            )

    def _explain(self) -> None:
        where = _(_WHERE)
        if self.instance.pk:
            stored = _("Stored: {hint}. Leave this empty to keep it.").format(hint=hint(self.instance))
            where = f"{stored} {where}"
        self.fields["target"].help_text = where
        still = ngettext(
            "A secret that you replace still signs for {number} hour.",
            "A secret that you replace still signs for {number} hours.",
            signing.OVERLAP_HOURS,
        ).format(number=signing.OVERLAP_HOURS)
        what = _(
            "For webhooks (Standard Webhooks, whsec_...). Leave this empty to keep the stored one. Turnkey can make "
            "one for you after the channel is saved."
        )
        self.fields["signing_secret"].help_text = f"{what} {still}"

    def clean_timezone(self) -> str:
        return zone_as_typed(str(self.cleaned_data["timezone"]))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind, typed = cleaned.get("kind", self.instance.kind), cleaned.get("target", "")
        is_new = not self.instance.pk or "kind" in self.changed_data
        if "target" in self.fields and "target" not in self.errors and (typed or is_new):
            try:
                cleaned["target"] = targets.clean(kind, typed)
            except ValidationError as error:
                self.add_error("target", error)
        return cleaned


def hint(channel: NotificationChannel) -> str:
    """Tells the stored target from others without giving it away."""
    try:
        return targets.hint(channel) or _("nothing")
    except UndecryptableValue:
        return _("an address that no configured key opens")
