"""Calendar feeds in the admin: which ones need a person, why, and what to do."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from rentals import calendar_terms as words
from rentals import tasks
from rentals.access import scope_of, visible
from rentals.admin import feed_actions as actions
from rentals.admin import feed_panel as panels
from rentals.admin import feed_queries as queries
from rentals.admin.appearance import STYLES, PlainTitles
from rentals.admin.choice_filter import RelatedChoice
from rentals.admin.feed_form import CalendarFeedForm
from rentals.admin.feed_push import FeedPushViews
from rentals.admin.feed_secrets import has_secret, readable
from rentals.admin.history import DetailedHistory
from rentals.admin.scoped import Scoped
from rentals.calendar_terms import Health
from rentals.models import CalendarFeed
from rentals.models.tokens import new_token
from rentals.wording import ago, day_and_time

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[CalendarFeed]
else:
    _Admin = admin.ModelAdmin

#: Fields that decide what the same events mean.
_RULES = {"channel", "blocked_items_are_stays", "longest_stay_nights", "end_dates"}


class HealthFilter(admin.SimpleListFilter):
    title = lazy("health")
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        shown = (
            Health.HELD,
            Health.RESET,
            Health.REFUSED,
            Health.STALE,
            Health.FAILING,
            Health.NEVER,
            Health.PARTLY,
            Health.FINE,
            Health.OFF,
        )
        return [(one.value, words.health_label(one)) for one in shown] + [("review", _("Something to review"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CalendarFeed]) -> QuerySet[CalendarFeed]:
        chosen = self.value()
        if chosen == "review":
            return queryset.filter(Q(to_review__gt=0))
        return queryset.filter(Q(health=chosen)) if chosen in set(Health) else queryset


class ChannelFilter(admin.SimpleListFilter):
    """By the chosen channel, or by the recognised one where none was chosen."""

    title = lazy("channel")
    parameter_name = "from"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(queries.channels_in_use(visible(CalendarFeed.objects.all(), scope_of(request.user))))

    def queryset(self, request: HttpRequest, queryset: QuerySet[CalendarFeed]) -> QuerySet[CalendarFeed]:
        chosen = self.value() or ""
        known = {value for value, _label in self.lookup_choices}
        return queryset.filter(queries.of_channel(chosen)) if chosen in known else queryset


@admin.register(CalendarFeed)
class CalendarFeedAdmin(FeedPushViews, PlainTitles, DetailedHistory, Scoped, _Admin):
    form = CalendarFeedForm
    change_form_template = "rentals/admin/feed_form.html"
    sensitive_fields = ("url", "signing_secret")
    list_display = (
        "name",
        "property",
        "condition",
        "channel_word",
        "last_good",
        "stays_to_come",
        "waiting_for_review",
        "not_read",
    )
    list_filter = (HealthFilter, ChannelFilter, ("property", RelatedChoice))
    search_fields = ("name", "property__name")
    search_help_text = lazy("Name or property")
    ordering = (Lower("name"), "pk")
    list_per_page = 50
    show_full_result_count = False
    actions = ("fetch_chosen",)

    class Media:
        css = STYLES

    def history_zone(self, obj: CalendarFeed) -> tzinfo:
        return obj.property.zone

    # -- the list -----------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[CalendarFeed]:
        # Not from super(): it would order by a column that is annotated only here.
        feeds = CalendarFeed.objects.select_related("property", "state").defer(*CalendarFeed.SECRETS)
        shown = visible(feeds, self.scope(request))
        return queries.with_health(shown, timezone.now()).order_by(*self.get_ordering(request))

    def get_ordering(self, request: HttpRequest) -> Any:
        return ("urgency", *self.ordering)

    @admin.display(description=lazy("Health"), ordering="urgency")
    def condition(self, feed: CalendarFeed) -> SafeString:
        return words.health_badge(Health(_fact(feed, "health")))

    @admin.display(description=lazy("Channel"))
    def channel_word(self, feed: CalendarFeed) -> str:
        return words.channel_of(feed)

    @admin.display(description=lazy("Last fetch"), ordering="state__last_good_at")
    def last_good(self, feed: CalendarFeed) -> str | SafeString:
        moment = feed.state.last_good_at
        if moment is None:
            return _("never")
        exact = day_and_time(moment, feed.property.zone)
        return format_html('<span title="{}">{}</span>', exact, ago(moment, timezone.now()))

    @admin.display(description=lazy("Stays"), ordering="coming")
    def stays_to_come(self, feed: CalendarFeed) -> int:
        return int(_fact(feed, "coming"))

    @admin.display(description=lazy("Review"), ordering="to_review")
    def waiting_for_review(self, feed: CalendarFeed) -> str | SafeString:
        return _flagged(_fact(feed, "to_review"))

    @admin.display(description=lazy("Unreadable"), ordering="unreadable")
    def not_read(self, feed: CalendarFeed) -> str | SafeString:
        return _flagged(_fact(feed, "unreadable"))

    @admin.action(description=lazy("Fetch now"), permissions=["change"])
    def fetch_chosen(self, request: HttpRequest, queryset: QuerySet[CalendarFeed]) -> None:
        with_address = [one for one in queryset if one.is_active and has_secret(one, "url")]
        for feed in with_address:
            tasks.ask_for_fetch(feed.pk, timezone.now())
        if with_address:
            text = ngettext(
                "Being fetched: {number} calendar.", "Being fetched: {number} calendars.", len(with_address)
            )
            self.message_user(request, text.format(number=len(with_address)))
        if others := len(queryset) - len(with_address):
            text = ngettext(
                "Left out: {number} without an address or switched off.",
                "Left out: {number} without an address or switched off.",
                others,
            )
            self.message_user(request, text.format(number=others), messages.WARNING)

    # -- the page of one feed -----------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: CalendarFeed | None = None) -> Any:
        """A person who may only look sees the fields as text, so no secret may be among them."""
        rules = (_("Rules"), {"fields": ("blocked_items_are_stays", "longest_stay_nights", "end_dates")})
        if not self._may_edit(request, obj):
            plain = ("name", "property", "channel", "is_active", "poll_minutes")
            return ((None, {"fields": plain}), rules)
        address = ("url", "forget_url") if obj is not None and has_secret(obj, "url") else ("url",)
        return (
            (None, {"fields": ("name", "property", "channel", "is_active")}),
            (_("Fetching"), {"fields": (*address, "user_agent", "poll_minutes")}),
            rules,
            (_("Pushing"), {"fields": ("signing_secret",), "classes": ("collapse",)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: CalendarFeed | None = None) -> Any:
        """A feed stays with its property: its stays, codes and history belong there."""
        return ("property",) if obj is not None else ()

    def get_form(
        self, request: HttpRequest, obj: CalendarFeed | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "poll_minutes" in form.base_fields:
            text = _("5 to 1440. The channel's own calendar is rarely newer.")
            form.base_fields["poll_minutes"].help_text = text
        return form

    def change_context(self, request: HttpRequest, obj: CalendarFeed) -> dict[str, Any]:
        return {
            "panel": panels.panel(obj, timezone.now(), self.scope(request)),
            "may_act": self.has_change_permission(request, obj),
        }

    def save_model(self, request: HttpRequest, obj: CalendarFeed, form: Any, change: bool) -> None:
        """A change writes what was changed and nothing else: a secret that is replaced meanwhile stays replaced."""
        typed, now = form.cleaned_data, timezone.now()
        secret = typed.get("signing_secret", "")
        changed = set(form.changed_data) - {"forget_url", "signing_secret"}
        if typed.get("url"):
            obj.url = typed["url"]
        elif typed.get("forget_url"):
            obj.url = ""
            changed.add("url")
        if form.lost:
            # Saving compares the new address with the stored one, which cannot be read any more.
            CalendarFeed.objects.filter(pk=obj.pk).update(**dict.fromkeys(form.lost, ""))
        if change and not readable(obj, "token"):
            obj.token = new_token()
            text = _("No configured key opens the push address, so the push address was renewed.")
            messages.warning(request, text)
        if change:
            obj.save(update_fields=changed)
        else:
            obj.signing_secret = secret
            super().save_model(request, obj, form, change)
        if change and secret:
            actions.rotate_secret(obj, secret, now)
        if typed.get("url"):
            actions.read_anew(obj, now)
            messages.info(request, _("The calendar is being fetched. Reload its page in a few seconds."))
        elif change and _RULES & set(form.changed_data):
            if "end_dates" in form.changed_data:
                actions.forget_doubts_about_ends(obj)
            actions.read_anew(obj, now)
            messages.info(request, _("The calendar is being read anew by the changed rules."))
        elif change and {"is_active", "user_agent"} & set(form.changed_data) and obj.is_active:
            tasks.ask_for_fetch(obj.pk, now)

    def delete_model(self, request: HttpRequest, obj: CalendarFeed) -> None:
        super().delete_model(request, obj)
        messages.info(request, _("Its stays are kept, with their codes. No calendar changes them any more."))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CalendarFeed]) -> None:
        super().delete_queryset(request, queryset)
        messages.info(request, _("Their stays are kept, with their codes. No calendar changes them any more."))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A feed's items, facts and receipts are deleted with it. They are Turnkey's own and need no permission."""
        _tree, _counts, needed, protected = super().get_deleted_objects(objs, request)
        counts = {self.opts.verbose_name_plural: len(objs)}
        return [str(one) for one in objs], counts, needed & {self.opts.verbose_name}, protected

    def get_urls(self) -> list[URLPattern]:
        return [*self.feed_urls(), *super().get_urls()]

    def _may_edit(self, request: HttpRequest, obj: CalendarFeed | None) -> bool:
        return self.has_change_permission(request, obj) or (obj is None and self.has_add_permission(request))


def _fact(feed: CalendarFeed, name: str) -> Any:
    return getattr(feed, name)  # annotated by `with_health`


def _flagged(count: int) -> str | SafeString:
    if not count:
        return mark_safe('<span class="tk-none">0</span>')
    return format_html('<span class="tk-flag"><span aria-hidden="true">⚠</span> {}</span>', count)
