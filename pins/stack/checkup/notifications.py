"""Whether messages can reach people."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from pins.models import GuestGuide, NotificationChannel
from pins.notify import mail
from pins.stack.checkup.findings import Finding, fail, ok, warn
from rentals.wording import counted


def notifications() -> Iterator[Finding]:
    """Whether messages can arrive, as far as can be known without sending one."""
    channels = list(NotificationChannel.objects.filter(is_active=True).defer(*NotificationChannel.SECRETS))
    failing = [one for one in channels if one.failing_since is not None]
    for one in failing:
        since = f"{one.failing_since:%Y-%m-%d %H:%M}"
        yield warn(
            f"channel, {one.name}", f"has failed since {since} UTC. {one.last_error}", "Send a test from its page."
        )
    if any(one.kind == NotificationChannel.Kind.EMAIL for one in channels) and not mail.is_set_up():
        yield fail("notifications", "e-mail is wanted, but no mail server is set up.", "Set EMAIL_URL and EMAIL_FROM.")
    elif channels and not settings.PUBLIC_URL:
        yield warn("notifications", "messages have no links.", "Set PUBLIC_URL, such as https://codes.example.com")
    elif channels and not failing:
        yield ok("notifications", f"{counted(len(channels), 'channel')}, none in trouble")
    yield from _guests()


def _guests() -> Iterator[Finding]:
    """Whether guests can be told, where a property has a guide for them."""
    guides = GuestGuide.objects.filter(is_active=True).count()
    if guides and not settings.PUBLIC_URL:
        yield fail("guests", "they get no message, because its link is not known.", "Set PUBLIC_URL.")
    elif guides and not mail.is_set_up():
        yield warn("guests", "no mail server is set up, so they get no e-mail.", "Set EMAIL_URL and EMAIL_FROM.")
    elif guides:
        yield ok("guests", f"{counted(guides, 'guide')}, and messages can be sent")
