"""Messaging services, by the library apprise.

It knows some 250 services, among them programs and files of this machine and servers whose host is part of the URL.
Allowed are those whose host the library itself fixes. Of the parameters of a URL only a few harmless ones are taken:
others read files of ours (`template`, `keyfile`), switch certificates off (`verify`) or follow redirects. A server of
your own is reached by a webhook, through the guarded client.

It is imported at first use: that takes longer than a quick command.
The library's log names targets, and that of its HTTP client paths with tokens: both are silenced (config/logging.py).
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ValidationError

from pins.notify.outgoing import NotSentError, Outgoing
from pins.notify.words import shortened

#: Schemes by service. None of their URLs names a host (see the tests); ntfy is judged once more below.
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
#: So many characters go through a telephone's short messages, in parts.
SHORT_MESSAGES: Final = 1000


def service_of(url: str) -> str:
    """The name of the service, "" where it is none that we speak to."""
    return SERVICES.get(url.partition("://")[0].lower(), "")


def clean(typed: str) -> str:
    """Raises ValidationError, which never repeats the URL."""
    if len(typed) > _LONGEST or any(letter.isspace() or not letter.isprintable() for letter in typed):
        raise ValidationError("The address has spaces or line breaks in it, or is too long. Copy it once more.")
    if _instance(typed) is None:
        scheme = typed.partition("://")[0].lower()
        if scheme in ("json", "jsons", "xml", "xmls", "form", "forms", "http", "https"):
            raise ValidationError("To have your own server told, choose “Webhook” as the kind.")
        if scheme in ("mailto", "mailtos"):
            raise ValidationError("For e-mail, choose “E-mail” as the kind.")
        if scheme not in SERVICES:
            known = ", ".join(sorted(f"{one}://" for one in SERVICES))
            raise ValidationError(f"This service is not among those that messages are sent to: {known}")
        raise ValidationError(
            f"This is not a complete address of {SERVICES[scheme]}, or has parameters that are not taken. How it is "
            "written: https://github.com/caronc/apprise/wiki"
        )
    return typed


def send(target: str, outgoing: Outgoing) -> None:
    """Raises NotSentError."""
    from apprise import NotifyFormat

    service = service_of(target)
    # Judged again: the rules may have changed since the address was entered.
    plugin = _instance(target)
    if plugin is None:
        raise NotSentError("The stored address is not one that messages are sent to. Enter it anew.")
    title = _harmless(outgoing.message.subject)
    most = room(title, most=plugin.body_maxlen, merged=not plugin.title_maxlen)
    failure = f"{service} did not take the message, or cannot be reached."
    try:
        taken = plugin.notify(
            body=shortened(_harmless(outgoing.message.text), most),
            title=title,
            body_format=NotifyFormat.TEXT,
        )
    except Exception:  # noqa: BLE001 - a fault of one of many plugins is a message that was not sent, and may quote it
        taken = False
    if not taken:
        raise NotSentError(failure)


def room(title: str, *, most: int, merged: bool) -> int:
    """How many characters a service takes besides the title, which some put before the text. It refuses a message that
    is longer, each time, and the library passes it on as it is.

    A tenth is left for what counts twice, such as emoji. Services of short messages send longer ones in parts.
    """
    return int(max(most, SHORT_MESSAGES) * 0.9) - (len(title) + 2 if merged else 0)


def _instance(url: str) -> Any:
    """The library's object for the URL, None where it is refused by us or by the library."""
    if not service_of(url):
        return None
    try:
        given = {name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    except ValueError:
        return None
    # urlsplit and the library may differ about where a query begins: the stricter reading counts.
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
    """A guest's name comes from a calendar: it must call no group of people and begin no markup."""
    return text.replace("@", "@\u200b").replace("<", "\u2039").replace(">", "\u203a")
