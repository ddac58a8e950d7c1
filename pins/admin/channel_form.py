"""The form of a notification channel. Its target and its signing secret go in and never come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from pins.core import notification_events
from pins.models import NotificationChannel
from pins.notify import signing, targets
from rentals import signing_secrets
from rentals.admin.property import ZONES, zone_as_typed
from rentals.fields import UndecryptableValue
from rentals.models import Property
from rentals.widgets import TIME_FORMATS, ClockInput, SuggestingInput, WriteOnlyInput

if TYPE_CHECKING:
    _Form = forms.ModelForm[NotificationChannel]
else:
    _Form = forms.ModelForm

_WHERE = (
    "E-mail: addresses, separated by commas. Messaging service: its Apprise URL, such as tgram://bottoken/ChatID or "
    "discord://id/token. Webhook: an address that begins with https://"
)


class NewSecretForm(forms.Form):
    """How long the secret that is replaced still signs."""

    hours = forms.IntegerField(
        min_value=0,
        max_value=signing.LONGEST_OVERLAP_HOURS,
        error_messages={
            "required": "Say for how many hours the present one still signs.",
            "invalid": "Say for how many hours the present one still signs, as a whole number.",
        },
    )


class ChannelForm(_Form):
    """`target` and `signing_secret` are left out of what the model form reads and writes: what is stored is never put
    on a page, and an empty field keeps it."""

    target = forms.CharField(
        label="Where to", required=False, strip=True, max_length=2000, widget=WriteOnlyInput({"class": "vTextField"})
    )
    signing_secret = forms.CharField(
        label="Signing secret",
        required=False,
        strip=True,
        max_length=200,
        widget=WriteOnlyInput({"class": "vTextField"}),
    )
    events = forms.MultipleChoiceField(
        label="Hears of", required=False, choices=notification_events.CHOICES, widget=forms.CheckboxSelectMultiple
    )
    quiet_from = forms.TimeField(required=False, widget=ClockInput, input_formats=TIME_FORMATS)
    quiet_until = forms.TimeField(label="Until", required=False, widget=ClockInput, input_formats=TIME_FORMATS)
    summary_at = forms.TimeField(
        label="Morning summary at",
        required=False,
        widget=ClockInput,
        input_formats=TIME_FORMATS,
        help_text="One message a day: who arrives, whether the codes are ready, what to mend. Empty: none.",
    )

    class Meta:
        exclude = ("target", "signing_secret")
        widgets = {"timezone": SuggestingInput(ZONES, {"autocomplete": "off", "class": "vTextField"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "target" in self.fields:  # not shown to somebody who may only look
            self._explain()
        if "timezone" in self.fields and not self.instance.pk:
            latest = Property.objects.order_by("-pk").values_list("timezone", flat=True).first()
            self.initial["timezone"] = latest or "UTC"
            self.initial.setdefault("events", list(notification_events.CHOSEN_BY_DEFAULT))
        if "quiet_from" in self.fields:
            self.fields["quiet_from"].help_text = (
                "Then messages wait, except about a guest who arrives today or cannot get in. Leave both empty for "
                "none."
            )

    def _explain(self) -> None:
        stored = f"Stored: {hint(self.instance)}. Leave this empty to keep it. " if self.instance.pk else ""
        self.fields["target"].help_text = f"{stored}{_WHERE}"
        self.fields["signing_secret"].help_text = (
            "For webhooks (Standard Webhooks, whsec_...). Empty: what is stored stays. One can be made for you after "
            f"the channel is saved. The one that you replace still signs for {signing.OVERLAP_HOURS} hours."
        )

    def clean_timezone(self) -> str:
        return zone_as_typed(str(self.cleaned_data["timezone"]))

    def clean_signing_secret(self) -> str:
        secret = str(self.cleaned_data["signing_secret"])
        if secret:
            signing_secrets.validate(secret)
        return secret

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

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own hook: the model has had its say
        if not self.errors:
            return
        for name, word in (("target", "address"), ("signing_secret", "secret")):
            if name in self.fields and name not in self.errors and self.cleaned_data.get(name):
                self.add_error(
                    name,
                    f"This {word} is fine and is not stored yet: enter it once more. What was sent is never shown.",
                )


def hint(channel: NotificationChannel) -> str:
    """What tells a stored target from another without giving it away."""
    try:
        return targets.hint(channel) or "nothing"
    except UndecryptableValue:
        return "an address that no configured key opens"
