"""Messaging services, by the library apprise.

The library knows some 250 services, among them programs and files of this machine, and servers whose host is part of
the URL. Only services whose host is fixed by the library are allowed, and only a few harmless parameters of a URL:
others read local files (`template`, `keyfile`), switch certificates off (`verify`) or follow redirects. A server of
your own is reached by a webhook, through the guarded client.

The library is imported at first use: the import takes longer than a quick command.
Its log names targets, and the log of its HTTP client has paths with tokens: both are silenced (config/logging.py).
"""

from __future__ import annotations

import time
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from pins.notify import reasons
from pins.notify.outgoing import NotSentError, Outgoing
from pins.notify.texts import shortened
from rentals.phrases import mark

#: Services by scheme. Their URLs name no host (see the tests); ntfy is checked once more below.
SERVICES: Final = {
    "tgram": "Telegram",
    "slack": "Slack",
    "discord": "Discord",
    "gchat": "Google Chat",
    "webex": "Webex",
    "wxteams": "Webex",
    "pover": "Pushover",
    "pbul": "Pushbullet",
    "prowl": "Prowl",
    "join": "Join",
    "spush": "SimplePush",
    "pushme": "PushMe",
    "ntfy": "ntfy.sh",
    "ntfys": "ntfy.sh",
    "ifttt": "IFTTT",
    "pagerduty": "PagerDuty",
    "opsgenie": "Opsgenie",
    "signl4": "SIGNL4",
    "whatsapp": "WhatsApp",
    "threema": "Threema",
    "twilio": "Twilio",
    "vonage": "Vonage",
    "clicksend": "ClickSend",
}
PARAMETERS: Final = frozenset({"priority", "thread", "topic", "silent", "sound", "region", "to", "from", "severity"})
_LONGEST: Final = 2000
#: How long we wait for an answer, in seconds. The library would wait four, and a message sent after that comes twice.
ANSWER_SECONDS: Final = 20.0
#: How many characters short messages of telephones take, sent in parts.
SHORT_MESSAGES: Final = 1000


def service_of(url: str) -> str:
    """The name of the service of a URL; empty where it is not allowed."""
    return SERVICES.get(url.partition("://")[0].lower(), "")


def clean(typed: str) -> str:
    """Raises ValidationError, which never repeats the URL."""
    if len(typed) > _LONGEST or any(letter.isspace() or not letter.isprintable() for letter in typed):
        raise ValidationError(_("The address has spaces or line breaks in it, or is too long. Copy it once more."))
    if _instance(typed) is None:
        scheme = typed.partition("://")[0].lower()
        if scheme in ("json", "jsons", "xml", "xmls", "form", "forms", "http", "https"):
            raise ValidationError(_("For your own server, choose “Webhook” as the kind."))
        if scheme in ("mailto", "mailtos"):
            raise ValidationError(_("For e-mail, choose “E-mail” as the kind."))
        if scheme not in SERVICES:
            known = ", ".join(sorted(f"{one}://" for one in SERVICES))
            unknown = _("This service is not among those that messages are sent to: {services}")
            raise ValidationError(unknown.format(services=known))
        incomplete = _(
            "This is not a complete address of {service}, or has parameters that are not allowed. How it is written: "
            "https://github.com/caronc/apprise/wiki"
        )
        raise ValidationError(incomplete.format(service=SERVICES[scheme]))
    return typed


def send(target: str, outgoing: Outgoing) -> None:
    """One try. Raises NotSentError, which never names the target."""
    from apprise import NotifyFormat

    service = service_of(target)
    # Checked again: the rules may have changed since the address was entered.
    plugin = _instance(target)
    if plugin is None:
        raise NotSentError(mark("Messages are not sent to the stored address. Enter another one."))
    title = _harmless(outgoing.message.subject)
    most = room(title, most=plugin.body_maxlen, merged=not plugin.title_maxlen)
    plugin.socket_read_timeout = ANSWER_SECONDS
    begun = time.monotonic()
    try:
        taken = plugin.notify(
            body=shortened(_harmless(outgoing.message.text), most),
            title=title,
            body_format=NotifyFormat.TEXT,
        )
    except Exception:  # noqa: BLE001 - one of many plugins failed: the message was not sent, and the error may quote it
        taken = False
    if taken:
        return
    # The library says of each failure that it is one. Only a lost answer takes so long.
    if time.monotonic() - begun >= ANSWER_SECONDS:
        raise NotSentError(reasons.NO_ANSWER.format(service=service), unsure=True)
    raise NotSentError(reasons.NOT_TAKEN.format(service=service))


def room(title: str, *, most: int, merged: bool) -> int:
    """How many characters of text a service takes. `most`: its limit; `merged`: it puts the title before the text.

    A service refuses a longer message on every try, and the library does not cut it. A tenth is left for characters
    that count twice, such as emoji. Services of short messages send longer ones in parts.
    """
    return int(max(most, SHORT_MESSAGES) * 0.9) - (len(title) + 2 if merged else 0)


def _instance(url: str) -> Any:
    """The library's object for the URL; None where we or the library refuse it."""
    if not service_of(url):
        return None
    try:
        given = {name.lower() for name, _value in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    except ValueError:
        return None
    # urlsplit and the library may differ about where a query begins: both readings must be harmless.
    asked = {part.partition("=")[0].lower() for part in url.partition("?")[2].replace("?", "&").split("&") if part}
    if (given | asked) - PARAMETERS:
        return None
    from apprise import Apprise, AppriseAsset, PersistentStoreMode

    asset = AppriseAsset(
        async_mode=False,
        http_redirects=False,
        allow_templates=False,
        pgp_autogen=False,
        pem_autogen=False,
        storage_mode=PersistentStoreMode.MEMORY,
        app_id="Turnkey",
        app_desc="Turnkey",
    )
    plugin = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if plugin is None or (service_of(url) == "ntfy.sh" and getattr(plugin, "mode", None) != "cloud"):
        return None
    return plugin


def _harmless(text: str) -> str:
    """The text without mentions of groups and without markup: a guest's name comes from a calendar."""
    return text.replace("@", "@\u200b").replace("<", "\u2039").replace(">", "\u203a")
