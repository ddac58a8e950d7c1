"""The buttons of one feed, and their pages: fetch, preview and import, decide about stays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override
from django.views.decorators.debug import sensitive_variables

from rentals import calendar_terms as words
from rentals import ending
from rentals.access import scope_of, visible
from rentals.admin import feed_actions as actions
from rentals.admin import feed_panel as panels
from rentals.admin import feed_preview as previews
from rentals.admin.feed_secrets import has_secret
from rentals.admin.object_pages import ObjectPages
from rentals.calendars.events import EndDates, FeedError
from rentals.calendars.fetching.polling import fetch_once
from rentals.calendars.imports import approval, run
from rentals.models import CalendarFeed, FeedItem
from rentals.phrases import mark
from rentals.wording import said

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[CalendarFeed]
else:
    _Admin = object

_View = Callable[..., HttpResponse]


class FeedViews(ObjectPages, _Admin):
    """Every page here answers the POST of a button; a page that asks first changes nothing. Stands before ModelAdmin
    among the bases."""

    def feed_urls(self) -> list[URLPattern]:
        return [
            self.button("fetch", self._fetch),
            self.button("preview", self._preview),
            self.button("apply", self._apply),
            self.button("approve", self._approve),
            self.button("dismiss", self._dismiss),
            self.button("decide", self._decide),
            self.button("end_dates", self._end_dates),
        ]

    def answer_without_post(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """For a person whose session was over when they pressed a button, and who logged in again."""
        feed = self.get_changeable(request, object_id)
        response = self.object_page(request, feed, "rentals/admin/feed_nothing_done.html", _("Nothing was done"))
        response.status_code, response["Allow"] = 405, "POST"
        return response

    def _record(self, request: HttpRequest, feed: CalendarFeed, action: str, done: str | Callable[[], str]) -> None:
        """Say what was done, and keep it in the history: in English, because people of several languages read that.
        `done`: a phrase, or what makes the words in the language that is active."""
        told = done if callable(done) else partial(said, done)
        with override(settings.LANGUAGE_CODE):
            self.log_change(request, feed, f"{action}: {told()}")
        messages.success(request, f"{feed}: {told()}")

    # -- fetching -----------------------------------------------------------------------------------------------

    def _fetch(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        if not feed.is_active or not has_secret(feed, "url"):
            why = _("it is switched off.") if not feed.is_active else _("it has no address to fetch from.")
            messages.warning(request, f"{feed}: {why}")
        else:
            messages.success(request, f"{feed}: {actions.fetch_now(feed, timezone.now())}")
        return self.redirect_to(feed)

    @sensitive_variables("body", "carried")
    def _preview(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """Show what an uploaded or freshly fetched calendar would change; nothing is changed here."""
        now = timezone.now()
        upload = request.FILES.get("calendar")
        try:
            if isinstance(upload, UploadedFile):
                origin, body = _("the file “{name}”").format(name=upload.name), previews.uploaded(upload)
            elif "fetch" in request.POST:
                origin, body = _("its address"), fetch_once(feed, now)
            else:
                messages.warning(request, _("Choose a calendar file (.ics) first."))
                return self.redirect_to(feed)
            summary = run.import_calendar(feed.pk, body, now, as_of=now, dry_run=True)
        except FeedError as error:
            why = said(error.of_file if isinstance(upload, UploadedFile) else error.text)
            messages.error(request, _("{feed}: {why} Nothing was changed.").format(feed=feed, why=why))
            return self.redirect_to(feed)
        return self.object_page(
            request,
            feed,
            "rentals/admin/feed_preview.html",
            _("What would change"),
            preview=previews.preview(summary),
            origin=origin,
            carried=previews.carry(body, now, feed_id=feed.pk, user_id=_user_id(request)),
        )

    @sensitive_variables("carried")
    def _apply(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """Import exactly the bytes that the preview showed."""
        try:
            carried = previews.uncarry(request.POST.get("carried", ""), feed_id=feed.pk, user_id=_user_id(request))
        except previews.NotCarried:
            text = _("{feed}: this preview is too old or damaged. Nothing was changed; make a new one.")
            messages.error(request, text.format(feed=feed))
            return self.redirect_to(feed)
        try:
            summary = run.import_calendar(
                feed.pk, carried.body, timezone.now(), as_of=carried.as_of, updates=actions.BY_HAND
            )
        except FeedError as error:
            text = _("{feed}: {why} Nothing was changed.")
            messages.error(request, text.format(feed=feed, why=said(error.text)))
            return self.redirect_to(feed)
        if summary.outdated:
            text = _("{feed}: newer content arrived after your preview, so nothing was changed. Make a new preview.")
            messages.warning(request, text.format(feed=feed))
        else:

            def done() -> str:
                return _("imported ({counts}).").format(counts=words.counts(summary.as_json()))

            self._record(request, feed, "Imported by hand", done)
        if summary.held:
            text = ngettext(
                "{feed}: {number} stay vanished and are kept until you decide.",
                "{feed}: {number} stays vanished and are kept until you decide.",
                summary.held,
            )
            messages.warning(request, text.format(feed=feed, number=summary.held))
        return self.redirect_to(feed)

    # -- deciding -----------------------------------------------------------------------------------------------

    def _approve(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """Asks first, naming each stay: codes are removed, and a guest may be in the house."""
        chosen = _items(request, feed)
        if not chosen:
            messages.warning(request, _("{feed}: choose the stays that are to be cancelled.").format(feed=feed))
            return self.redirect_to(feed)
        if request.POST.get("confirmed") != "yes":
            held = panels.hold(feed, timezone.now(), scope_of(request.user))
            lines = [line for line in held.lines if line.pk in chosen] if held is not None else []
            if not lines:
                messages.info(request, _("{feed}: nothing is left to decide.").format(feed=feed))
                return self.redirect_to(feed)
            # A stay that has begun and is only missing is kept, and so is one that another calendar lists.
            over = [line for line in lines if not line.others and (line.cancelled or not line.in_house)]
            return self.object_page(
                request,
                feed,
                "rentals/admin/feed_approve.html",
                _("Cancel stays"),
                lines=lines,
                ending=len(over),
                locked_out=sum(line.in_house for line in over),
            )
        with transaction.atomic():
            self._record(request, feed, "Approved", actions.approve(feed, chosen, timezone.now()))
        return self.redirect_to(feed)

    def _dismiss(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        chosen = _items(request, feed)
        if not chosen:
            messages.warning(request, _("{feed}: choose the stays that are to be kept.").format(feed=feed))
            return self.redirect_to(feed)
        with transaction.atomic():
            self._record(request, feed, "Kept", actions.dismiss(feed, chosen, timezone.now()))
        return self.redirect_to(feed)

    def _decide(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """A person says that one item is a stay, or is none, or leaves it to our own judgement again."""
        decision = request.POST.get("decision", "?")
        found = FeedItem.objects.filter(feed=feed, pk__in=_items(request, feed)).defer(*FeedItem.SECRETS)
        item = found.select_related("booking__property").first()
        if item is None or decision not in FeedItem.Decision.values:
            messages.warning(request, _("{feed}: this item is not in the calendar any more.").format(feed=feed))
            return self.redirect_to(feed)
        if decision == FeedItem.Decision.NOT_STAY and request.POST.get("confirmed") != "yes":
            stay = ending.ended_by_refusal(item, timezone.now())
            if stay is not None:
                return self.object_page(
                    request, feed, "rentals/admin/feed_decide.html", _("Not a stay"), stay=stay, item=item
                )
        meaning = {
            "stay": mark("{dates} is a stay and gets a code."),
            "not_stay": mark("{dates} is not a stay and gets no code."),
            "": mark("{dates} is judged by Turnkey again."),
        }[decision]

        def done() -> str:
            return _(meaning).format(dates=words.item_dates(item, feed.property.zone))

        with transaction.atomic():
            approval.decide(item.pk, FeedItem.Decision(decision), timezone.now())
            if not decision and feed.is_active and has_secret(feed, "url"):
                actions.read_anew(feed, timezone.now())  # our own judgement needs a new reading
            self._record(request, feed, "Decided", done)
        return self.redirect_to(feed)

    def _end_dates(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """A person says whether the calendar's end dates are check-out days or last nights."""
        meaning = request.POST.get("end_dates", "")
        if meaning not in (EndDates.CHECK_OUT, EndDates.LAST_NIGHT):
            messages.warning(request, _("{feed}: say what its end dates are.").format(feed=feed))
            return self.redirect_to(feed)
        with transaction.atomic():
            self._record(request, feed, "Decided", actions.say_end_dates(feed, EndDates(meaning), timezone.now()))
        return self.redirect_to(feed)


def _user_id(request: HttpRequest) -> int:
    return int(request.user.pk or 0)


def _items(request: HttpRequest, feed: CalendarFeed) -> set[int]:
    """The chosen items of this calendar, without those that the person does not see."""
    sent = {int(text) for text in request.POST.getlist("item") if text.isascii() and text.isdigit() and len(text) < 19}
    scope = scope_of(request.user)
    if not scope.restricted or not sent:
        return sent
    shown = visible(FeedItem.objects.filter(feed=feed, pk__in=sent), scope)
    return set(shown.values_list("pk", flat=True))
