"""Notification channels in the admin: where messages go, which ones, whether they arrive, and a test."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.debug import sensitive_variables
from limits import RateLimitItemPerMinute

from pins import tasks
from pins.admin import channel_panel
from pins.admin.channel_form import ChannelForm, NewSecretForm, hint
from pins.models import Delivery, NotificationChannel
from pins.notify import mail, sending, signing
from rentals import signing_secrets
from rentals.admin.appearance import STYLES, PlainTitles
from rentals.admin.history import DetailedHistory
from rentals.admin.object_pages import ObjectPages
from rentals.admin.scoped import ClosedToRestricted, Scoped
from rentals.badges import badge_html
from rentals.fields import UndecryptableValue
from rentals.inbound import rate_limits
from rentals.phrases import mark
from rentals.wording import day_and_time

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[NotificationChannel]
else:
    _Admin = admin.ModelAdmin

#: Test messages of one person to all channels together. Without Redis nothing is counted, and nothing is sent either.
TESTS: Final = RateLimitItemPerMinute(5, namespace="channel-test")
NO_QUEUE: Final = mark(
    "The queue of Turnkey cannot be reached, so no message is sent at present. The operator of Turnkey must start "
    "Redis; “manage.py doctor” says more."
)
_MAY_HAVE_CODES = "pins.reveal_code"


@admin.register(NotificationChannel)
class NotificationChannelAdmin(ObjectPages, PlainTitles, DetailedHistory, Scoped, _Admin):
    closed = ClosedToRestricted.closed  # a channel gets messages about all properties
    form = ChannelForm
    sensitive_fields = ("target", "signing_secret")
    change_form_template = "pins/admin/channel_form.html"
    list_display = ("name", "kind", "goes_to", "condition", "last_message")
    list_filter = ("kind", "is_active")
    search_fields = ("name",)
    list_per_page = 50
    show_full_result_count = False
    actions = None

    class Media:
        css = STYLES

    # -- permissions ------------------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: NotificationChannel | None = None) -> bool:
        """A channel that receives codes may only be changed, and so redirected, by a person who may see codes."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.include_code or request.user.has_perm(_MAY_HAVE_CODES))

    # -- the list -----------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotificationChannel]:
        return super().get_queryset(request).defer(*NotificationChannel.SECRETS)

    @admin.display(description=lazy("Where to"))
    def goes_to(self, channel: NotificationChannel) -> str:
        return hint(channel)

    @admin.display(description=lazy("State"))
    def condition(self, channel: NotificationChannel) -> SafeString:
        return badge_html(channel_panel.channel_badge(channel, timezone.now()))

    @admin.display(description=lazy("Last message"), ordering="last_sent_at")
    def last_message(self, channel: NotificationChannel) -> str:
        zone = ZoneInfo(channel.timezone)
        return day_and_time(channel.last_sent_at, zone) if channel.last_sent_at else _("none")

    # -- the page of one channel --------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: NotificationChannel | None = None) -> Any:
        """A person who may only look sees the fields as text, so no secret may be among them."""
        may_edit = self.has_change_permission(request, obj) or (obj is None and self.has_add_permission(request))
        secrets = ("target", "signing_secret") if may_edit else ()
        with_code = ("include_code",) if request.user.has_perm(_MAY_HAVE_CODES) or not may_edit else ()
        return (
            (None, {"fields": ("name", "kind", *secrets, "language", "is_active")}),
            (lazy("What it hears"), {"fields": ("events", "severity", *with_code)}),
            (lazy("When"), {"fields": ("timezone", ("quiet_from", "quiet_until"), "summary_at")}),
        )

    def change_context(self, request: HttpRequest, obj: NotificationChannel) -> dict[str, Any]:
        return {
            "panel": channel_panel.panel(obj, timezone.now(), has_secret=_has_secret(obj)),
            "overlap_hours": signing.OVERLAP_HOURS,
            "longest_overlap_hours": signing.LONGEST_OVERLAP_HOURS,
            "may_act": self.has_change_permission(request, obj),
        }

    def save_model(self, request: HttpRequest, obj: NotificationChannel, form: Any, change: bool) -> None:
        """A change writes what was changed and nothing else: the facts of operation belong to the sender, and a target
        that no configured key opens must be replaceable."""
        typed, now = form.cleaned_data, timezone.now()
        if obj.kind == NotificationChannel.Kind.EMAIL and not mail.is_set_up():
            messages.warning(
                request,
                _(
                    "No mail server is set up, so nothing reaches this channel yet. The operator of Turnkey must set "
                    "EMAIL_URL and EMAIL_FROM in its environment."
                ),
            )
        target, secret = typed.get("target"), typed.get("signing_secret")
        changed = set(form.changed_data) - {"target", "signing_secret"}
        if target:
            obj.target = target
            changed.add("target")
        if not change:
            obj.signing_secret = secret or ""
            super().save_model(request, obj, form, change)
            return
        if changed:
            obj.save(update_fields=changed)
        if secret:
            _rotate_secret(obj, secret, now, signing.OVERLAP_HOURS)
        # After a new address, or when it is switched on again, the messages that still wait are not meant for it.
        if {"target", "kind"} & changed or ("is_active" in changed and obj.is_active):
            sending.listen_anew(obj.pk, now)

    def response_post_save_add(self, request: HttpRequest, obj: NotificationChannel) -> HttpResponseRedirect:
        """Stay on the page of the new channel, where the button for a test is."""
        return self.redirect_to(obj)

    # -- actions --------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        return [
            self.button("send_test", self._send_test),
            self.button("new_secret", self._new_secret),
            self.button("end_previous_secret", self._end_previous_secret),
            *super().get_urls(),
        ]

    def _send_test(self, request: HttpRequest, channel: NotificationChannel) -> HttpResponse:
        if rate_limits.wait(TESTS, f"user:{request.user.pk}") is not None:
            messages.error(request, _("You sent many test messages. Wait a minute, then send the next one."))
            return self.redirect_to(channel)
        self.log_change(request, channel, mark("Test message."))
        delivery = sending.queue_test(channel.pk, timezone.now())
        if tasks.ask_for_senders(1):
            queued = _("{channel}: the test message is queued. The list below shows the result.")
            messages.info(request, queued.format(channel=channel))
        else:
            sending.give_up(delivery.pk, timezone.now(), NO_QUEUE)
            unsent = _("{channel}: the test message was not sent. {why}")
            messages.error(request, unsent.format(channel=channel, why=_(NO_QUEUE)))
        return self.redirect_to(channel)

    @sensitive_variables("secret")
    def _new_secret(self, request: HttpRequest, channel: NotificationChannel) -> HttpResponse:
        form = NewSecretForm(request.POST)
        if not form.is_valid():
            none = _("{channel}: there is no new secret. {why}")
            why = " ".join(map(str, form.errors["hours"]))
            messages.error(request, none.format(channel=channel, why=why))
            return self.redirect_to(channel)
        secret, now = signing_secrets.generate(), timezone.now()
        _rotate_secret(channel, secret, now, form.cleaned_data["hours"])
        self.log_change(request, channel, mark("New signing secret."))
        channel.refresh_from_db()
        return self.object_page(
            request,
            channel,
            "pins/admin/channel_secret.html",
            _("The new signing secret"),
            secret=secret,
            previous_until=channel_panel.previous_until(channel, now),
        )

    def _end_previous_secret(self, request: HttpRequest, channel: NotificationChannel) -> HttpResponse:
        signing.end_previous(channel.pk)
        self.log_change(request, channel, mark("Previous secret ended."))
        messages.success(
            request, _("{channel}: the previous secret signs no message any more.").format(channel=channel)
        )
        return self.redirect_to(channel)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A channel's messages are deleted with it. They are Turnkey's own and need no permission."""
        _found, _counts, needed, protected = super().get_deleted_objects(objs, request)
        own = {str(Delivery._meta.verbose_name)}
        return [str(one) for one in objs], {_("channels"): len(objs)}, needed - own, protected


def _has_secret(channel: NotificationChannel) -> bool:
    try:
        return bool(channel.signing_secret)
    except UndecryptableValue:
        return False


@sensitive_variables("secret")
def _rotate_secret(channel: NotificationChannel, secret: str, now: datetime, hours: int) -> None:
    rows = NotificationChannel.objects.filter(pk=channel.pk)
    signing_secrets.rotate(rows, secret, now, timedelta(hours=hours))
