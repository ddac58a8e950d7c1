"""Notification channels in the admin: who is told what, whether it arrives, and a test."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST
from limits import RateLimitItemPerMinute

from pins import tasks
from pins.admin import channel_words
from pins.admin.channel_form import ChannelForm, NewSecretForm, hint
from pins.admin.support import ReadOnlyAdmin
from pins.core.notification_events import CHOICES, Event
from pins.models import Delivery, NotificationChannel
from pins.notify import mail, sending, signing
from rentals import signing_secrets
from rentals.admin.history import ToldInHistory
from rentals.admin.look import STYLES, PlainTitles
from rentals.admin.scoped import ClosedToRestricted, Scoped
from rentals.badges import badge_html, moment_html
from rentals.fields import UndecryptableValue, behind
from rentals.inbound import rate_limits
from rentals.wording import day_and_time

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[NotificationChannel]
else:
    _Admin = admin.ModelAdmin

#: Test messages of one person, to whatever channel. Without Redis nothing is counted, and nothing is sent either.
TESTS: Final = RateLimitItemPerMinute(5, namespace="channel-test")
NO_QUEUE: Final = (
    "The queue of Turnkey cannot be reached, so no message is sent at present. Whoever runs Turnkey starts Redis; "
    "“manage.py doctor” says more."
)
_MAY_HAVE_CODES = "pins.reveal_code"


@admin.register(NotificationChannel)
class NotificationChannelAdmin(PlainTitles, ToldInHistory, Scoped, _Admin):
    closed = ClosedToRestricted.closed  # a channel tells of all properties
    form = ChannelForm
    change_form_template = "pins/admin/channel_form.html"
    list_display = ("name", "kind", "goes_to", "condition", "last_message")
    list_filter = ("kind", "is_active")
    search_fields = ("name",)
    list_per_page = 50
    show_full_result_count = False
    actions = None

    class Media:
        css = STYLES

    # -- who may ------------------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: NotificationChannel | None = None) -> bool:
        """A channel that is sent codes is changed, and so redirected, only by people who may have codes themselves."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.include_code or request.user.has_perm(_MAY_HAVE_CODES))

    # -- the list -----------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotificationChannel]:
        return super().get_queryset(request).defer(*NotificationChannel.SECRETS)

    @admin.display(description="Where to")
    def goes_to(self, channel: NotificationChannel) -> str:
        return hint(channel)

    @admin.display(description="State")
    def condition(self, channel: NotificationChannel) -> SafeString:
        return badge_html(channel_words.channel_badge(channel, timezone.now()))

    @admin.display(description="Last message", ordering="last_sent_at")
    def last_message(self, channel: NotificationChannel) -> str:
        zone = ZoneInfo(channel.timezone)
        return day_and_time(channel.last_sent_at, zone) if channel.last_sent_at else "none"

    # -- the page of one channel --------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: NotificationChannel | None = None) -> Any:
        """Whoever may only look is shown fields as text; no secret may be among them."""
        may_edit = self.has_change_permission(request, obj) or (obj is None and self.has_add_permission(request))
        secrets = ("target", "signing_secret") if may_edit else ()
        with_code = ("include_code",) if request.user.has_perm(_MAY_HAVE_CODES) or not may_edit else ()
        return (
            (None, {"fields": ("name", "kind", *secrets, "is_active")}),
            ("What it hears", {"fields": ("events", "severity", *with_code)}),
            ("When", {"fields": ("timezone", ("quiet_from", "quiet_until"), "summary_at")}),
        )

    @method_decorator(sensitive_post_parameters("target", "signing_secret"))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        channel = self.get_object(request, object_id) if object_id else None
        if channel is not None and self.has_view_or_change_permission(request, channel):
            context["panel"] = channel_words.panel(channel, timezone.now(), has_secret=_has_secret(channel))
            context["overlap_hours"] = signing.OVERLAP_HOURS
            context["longest_overlap_hours"] = signing.LONGEST_OVERLAP_HOURS
            context["may_act"] = self.has_change_permission(request, channel)
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: NotificationChannel, form: Any, change: bool) -> None:
        """A change writes what was changed and nothing else: the facts of operation belong to whoever sends, and a
        target that no configured key opens must be replaceable."""
        typed, now = form.cleaned_data, timezone.now()
        if obj.kind == NotificationChannel.Kind.EMAIL and not mail.is_set_up():
            messages.warning(
                request,
                "No mail server is set up, so nothing reaches this channel yet. Who looks after the server should give "
                "EMAIL_URL and EMAIL_FROM in its environment.",
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
            self._rotate_secret(obj, secret, now, signing.OVERLAP_HOURS)
        # Another address, or one that is switched on again: what was for the former state is not for this one.
        if {"target", "kind"} & changed or ("is_active" in changed and obj.is_active):
            sending.listen_anew(obj.pk, now)

    def response_post_save_add(self, request: HttpRequest, obj: NotificationChannel) -> HttpResponseRedirect:
        """Stay on its page: the next thing to do is a test."""
        return HttpResponseRedirect(self._url("change", obj))

    # -- actions --------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        views = {
            "send-test": self.send_test_view,
            "new-secret": self.new_secret_view,
            "end-previous-secret": self.end_previous_secret_view,
        }
        ours = [
            path(
                f"<int:channel_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"pins_notificationchannel_{name.replace('-', '_')}",
            )
            for name, view in views.items()
        ]
        return [*ours, *super().get_urls()]

    def send_test_view(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        return require_POST(self._send_test)(request, channel_id)

    def new_secret_view(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        response: HttpResponse = never_cache(require_POST(self._new_secret))(request, channel_id)
        return response

    def end_previous_secret_view(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        return require_POST(self._end_previous_secret)(request, channel_id)

    def _send_test(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        channel = self._changeable(request, channel_id)
        answer = HttpResponseRedirect(self._url("change", channel))
        if rate_limits.wait(TESTS, f"user:{request.user.pk}") is not None:
            messages.error(request, "You sent many test messages. Wait a minute, then send the next one.")
            return answer
        self.log_change(request, channel, "Test message.")
        delivery = sending.queue_test(channel.pk, timezone.now())
        if tasks.ask_for_senders(1):
            messages.info(request, f"{channel}: the test message is queued. What came of it stands below.")
        else:
            sending.give_up(delivery.pk, timezone.now(), NO_QUEUE)
            messages.error(request, f"{channel}: the test message was not sent. {NO_QUEUE}")
        return answer

    @sensitive_variables("secret")
    def _new_secret(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        channel = self._changeable(request, channel_id)
        form = NewSecretForm(request.POST)
        if not form.is_valid():
            messages.error(request, f"{channel}: there is no new secret. {' '.join(map(str, form.errors['hours']))}")
            return HttpResponseRedirect(self._url("change", channel))
        secret, now = signing_secrets.generate(), timezone.now()
        self._rotate_secret(channel, secret, now, form.cleaned_data["hours"])
        self.log_change(request, channel, "New signing secret.")
        channel.refresh_from_db()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": "The new signing secret",
            "channel": channel,
            "secret": secret,
            "previous_until": channel_words.previous_until(channel, now),
            "media": self.media,
        }
        return TemplateResponse(request, "pins/admin/channel_secret.html", context)

    def _end_previous_secret(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        channel = self._changeable(request, channel_id)
        signing.end_previous(channel.pk)
        self.log_change(request, channel, "Previous secret ended.")
        messages.success(request, f"{channel}: the previous secret signs no message any more.")
        return HttpResponseRedirect(self._url("change", channel))

    @sensitive_variables("secret")
    def _rotate_secret(self, channel: NotificationChannel, secret: str, now: datetime, hours: int) -> None:
        rows = NotificationChannel.objects.filter(pk=channel.pk)
        signing_secrets.rotate(rows, secret, now, timedelta(hours=hours))

    def _changeable(self, request: HttpRequest, channel_id: int) -> NotificationChannel:
        channel = self.get_object(request, str(channel_id))
        if channel is None:
            raise Http404
        if not self.has_change_permission(request, channel):
            raise PermissionDenied
        return channel

    def _url(self, page: str, channel: NotificationChannel) -> str:
        return reverse(f"admin:pins_notificationchannel_{page}", args=[channel.pk])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A channel's messages go with it and are Turnkey's own: nobody needs a permission for them."""
        _, _, needed, protected = super().get_deleted_objects(objs, request)
        return [str(one) for one in objs], {"channels": len(objs)}, needed - {"message"}, protected


def _has_secret(channel: NotificationChannel) -> bool:
    try:
        return bool(channel.signing_secret)
    except UndecryptableValue:
        return False


class EventFilter(admin.SimpleListFilter):
    """In the words of the channel's page; the stored names are those of webhooks."""

    title = "what happened"
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*CHOICES, (Event.SUMMARY.value, "Morning summary"), (Event.TEST.value, "Test message")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(event=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Every message of the last weeks."""

    closed = ClosedToRestricted.closed

    list_display = ("what", "channel", "condition", "made", "tries", "why")
    list_filter = ("state", "channel", EventFilter)
    fields = list_display
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        secrets = behind("channel", NotificationChannel.SECRETS)
        return super().get_queryset(request).select_related("channel").defer(*secrets)

    @admin.display(description="Message")
    def what(self, delivery: Delivery) -> str:
        return channel_words.title(delivery)

    @admin.display(description="State", ordering="state")
    def condition(self, delivery: Delivery) -> SafeString:
        return badge_html(channel_words.state_badge(delivery))

    @admin.display(description="Written", ordering="created_at")
    def made(self, delivery: Delivery) -> SafeString:
        return moment_html(day_and_time(delivery.created_at, ZoneInfo(delivery.channel.timezone)))

    @admin.display(description="Tries", ordering="attempts")
    def tries(self, delivery: Delivery) -> int:
        return delivery.attempts

    @admin.display(description="Why")
    def why(self, delivery: Delivery) -> str | SafeString:
        return delivery.last_error or mark_safe('<span class="tk-none"></span>')
