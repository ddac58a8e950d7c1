"""The form of a calendar feed. Its address and its signing secret go in and never come out."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.admin.feed_secrets import has_secret, host_of
from rentals.admin.secret_form import SecretsForm
from rentals.fields import UndecryptableValue
from rentals.models import CalendarFeed, PublishedCalendar
from rentals.models.tokens import token_digest
from rentals.outbound import INTERNET, NEIGHBOURHOOD, addresses, without_webcal
from rentals.widgets import WriteOnlyInput

_LONGEST_URL = 2000
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class CalendarFeedForm(SecretsForm):
    url = forms.CharField(
        label=lazy("Address"),
        required=False,
        strip=True,
        max_length=_LONGEST_URL,
        widget=WriteOnlyInput({"class": "vTextField", "inputmode": "url"}),
        error_messages={
            "max_length": lazy("This is too long for a calendar's address. Copy the export link once more.")
        },
    )
    forget_url = forms.BooleanField(
        label=lazy("Remove the stored address"),
        required=False,
        help_text=lazy("The calendar is then only pushed to us. Its stays are kept."),
    )
    secret_words = {"url": "address", "signing_secret": "secret"}

    class Meta:
        exclude = ("url", "signing_secret", "previous_signing_secret")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lost: list[str] = []  # stored secrets that no key opens; filled in by `clean`
        if "url" in self.fields:  # absent for a person who may only look
            self._explain()

    def _explain(self) -> None:
        where = _(
            "The calendar's export link (https or webcal). It is a secret: with it, anybody can read your bookings."
        )
        signed = _("The sender's Standard Webhooks secret (whsec_...). Once set, unsigned pushes are refused.")
        stored = bool(self.instance.pk) and has_secret(self.instance, "url")
        if stored:
            host = host_of(self.instance)
            on = (
                _("An address on {host} is stored.").format(host=host)
                if host
                else _("An address is stored that no configured key opens.")
            )
            keep = _("Leave this empty to keep it.")
            self.fields["url"].help_text = f"{on} {keep} {where}"
        else:
            empty = _("Empty: the calendar is only pushed to us.")
            self.fields["url"].help_text = f"{where} {empty}"
            self.fields.pop("forget_url", None)
        if self.instance.pk and has_secret(self.instance, "signing_secret"):
            self.fields["signing_secret"].help_text = _(
                "A secret is stored. Leave this empty to keep it. A new one is used at once, and the present one still "
                "counts until you end it under “Push address”."
            )
        else:
            maker = _("“Push address” can make one for you.")
            self.fields["signing_secret"].help_text = f"{signed} {maker}"

    def clean_url(self) -> str:
        return clean_address(str(self.cleaned_data["url"]))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("url") and cleaned.get("forget_url"):
            text = _("Either enter a new address or remove the stored one, not both.")
            self.add_error("forget_url", text)
        self._replace_lost_secrets()
        return cleaned

    def _replace_lost_secrets(self) -> None:
        """Saving the model reads its secrets, so a new one must replace one that no key opens any more. It never
        becomes none silently."""
        for name in ("url", "signing_secret", "previous_signing_secret"):
            try:
                getattr(self.instance, name)
            except UndecryptableValue:
                setattr(self.instance, name, "")
                self.lost.append(name)
        wished = {name for name in self.lost if self.cleaned_data.get(name)}
        wished |= {"url"} if self.cleaned_data.get("forget_url") else set()
        lost = {
            "url": _("No configured key opens the stored address. Enter it anew."),
            "signing_secret": _("No configured key opens the stored secret. Enter it anew."),
        }
        for name in self.secret_words:
            if name in self.lost and name not in wished and name not in self.errors:
                self.add_error(name, lost[name])


def clean_address(typed: str) -> str:
    """The address to fetch from. Raises `ValidationError`, which says what to do and never repeats the address."""
    if not typed:
        return ""
    if any(letter.isspace() or not letter.isprintable() for letter in typed):
        raise ValidationError(_("The address has spaces or line breaks in it. Copy the export link once more."))
    if typed.upper().startswith("BEGIN:VCALENDAR"):
        raise ValidationError(_("This is a calendar, not a link to one. Save the feed, then use “Upload a calendar”."))
    typed = without_webcal(typed, NEIGHBOURHOOD if settings.FEEDS_ALLOW_PRIVATE_HOSTS else INTERNET)
    scheme = _SCHEME.match(typed)
    if scheme is None or "://" not in typed:
        raise ValidationError(_("Enter the whole link, beginning with https://"))
    try:
        parts = urlsplit(typed)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise ValidationError(_("This is not a link that can be fetched. Copy the export link once more.")) from None
    _check_scheme(parts.scheme.lower())
    _check_host(host)
    _refuse_own(parts.path + "/" + parts.query)
    return urlunsplit(parts._replace(fragment=""))


def _check_scheme(scheme: str) -> None:
    if scheme == "https" or (scheme == "http" and settings.FEEDS_ALLOW_PRIVATE_HOSTS):
        return
    if scheme == "http":
        raise ValidationError(
            _(
                "The link begins with http://, so anybody on the way could read or change your bookings. Try it with "
                "https:// instead."
            )
        )
    raise ValidationError(_("Only links that begin with https:// (or webcal://) can be fetched."))


def _check_host(host: str) -> None:
    """Refuse here what the guarded client would refuse later. The client decides, by the addresses behind the name."""
    try:
        plain = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError:
        plain = ""
    if not addresses.is_plain_host(plain):
        raise ValidationError(_("The link names no host on the internet. Copy the export link once more."))
    if settings.FEEDS_ALLOW_PRIVATE_HOSTS:
        return
    address = addresses.literal(plain)
    inside = not addresses.is_public(address) if address else addresses.is_local_name(plain) or "." not in plain
    if inside:
        raise ValidationError(
            _("The link leads into a private network. Only links of the public internet are fetched.")
        )


def _refuse_own(path: str) -> None:
    """A calendar that we publish, read back as a feed, would turn each turnover into a stay, again and again."""
    pieces = (unquote(piece).removesuffix(".ics") for piece in re.split(r"[/?&=]", path))
    digests = [token_digest(piece) for piece in pieces if len(piece) >= 20]
    if not digests:
        return
    if PublishedCalendar.objects.filter(token_digest__in=digests).exists():
        raise ValidationError(
            _("Turnkey itself publishes this calendar. Enter the export link of the channel instead.")
        )
    if CalendarFeed.objects.filter(token_digest__in=digests).exists():
        raise ValidationError(
            _(
                "This is a push address of Turnkey, not a channel's export link. Leave the address empty for a "
                "calendar that is only pushed."
            )
        )
