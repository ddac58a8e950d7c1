"""The pages and buttons of one feed: decide about stays, fetch, preview and import, push address."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from rentals import calendar_terms as words
from rentals.access import scope_of, visible
from rentals.admin import feed_actions as actions
from rentals.admin import feed_facts as facts
from rentals.admin import feed_panel as panels
from rentals.admin import feed_preview as previews
from rentals.calendars.events import FeedError
from rentals.calendars.fetching.polling import fetch_once
from rentals.calendars.imports import approval, run
from rentals.models import CalendarFeed, FeedItem
from rentals.wording import counted

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[CalendarFeed]
else:
    _Admin = object

_View = Callable[..., HttpResponse]


class FeedViews(_Admin):
    """Every view here is a POST by somebody who may change the feed; a page that asks first changes nothing."""

    def feed_urls(self) -> list[URLPattern]:
        views: dict[str, _View] = {
            "fetch": self._fetch,
            "preview": self._preview,
            "apply": self._apply,
            "approve": self._approve,
            "dismiss": self._dismiss,
            "decide": self._decide,
            "push": self._push,
            "new-address": self._new_address,
            "new-secret": self._new_secret,
            "end-previous-secret": self._end_previous_secret,
            "remove-signing": self._remove_signing,
        }
        return [
            path(
                f"<int:feed_id>/{name}/",
                self.admin_site.admin_view(partial(self._guarded, view)),
                name=f"rentals_calendarfeed_{name.replace('-', '_')}",
            )
            for name, view in views.items()
        ]

    def _guarded(self, view: _View, request: HttpRequest, feed_id: int) -> HttpResponse:
        @sensitive_post_parameters()
        @wraps(view)
        def checked(request: HttpRequest) -> HttpResponse:
            feed = self.get_object(request, str(feed_id))
            if feed is None:
                raise Http404
            if not self.has_change_permission(request, feed):
                raise PermissionDenied
            if request.method != "POST":
                # So comes who pressed a button when the session was over, and logged in again.
                response = self._page(request, feed, "feed_nothing_done.html", "Nothing was done")
                response.status_code, response["Allow"] = 405, "POST"
                return response
            return view(request, feed)

        return checked(request)

    def _back(self, feed: CalendarFeed) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:rentals_calendarfeed_change", args=[feed.pk]))

    def _page(self, request: HttpRequest, feed: CalendarFeed, template: str, title: str, **more: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": title,
            "feed": feed,
            "media": self.media,
            **more,
        }
        return TemplateResponse(request, f"rentals/admin/{template}", context)

    def _told(self, request: HttpRequest, feed: CalendarFeed, action: str, text: str) -> None:
        self.log_change(request, feed, f"{action}: {text}")
        messages.success(request, f"{feed}: {text}")

    # -- fetching -----------------------------------------------------------------------------------------------

    def _fetch(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        if not feed.is_active or not facts.has_secret(feed, "url"):
            why = "it is switched off." if not feed.is_active else "it has no address to fetch from."
            messages.warning(request, f"{feed}: {why}")
        else:
            messages.success(request, f"{feed}: {actions.fetch_now(feed, timezone.now())}")
        return self._back(feed)

    @sensitive_variables("body", "carried")
    def _preview(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """What an uploaded or freshly fetched calendar would change; nothing is changed here."""
        now = timezone.now()
        upload = request.FILES.get("calendar")
        try:
            if isinstance(upload, UploadedFile):
                origin, body = f"the file “{upload.name}”", previews.uploaded(upload)
            elif "fetch" in request.POST:
                origin, body = "its address", fetch_once(feed, now)
            else:
                messages.warning(request, "Choose a calendar file (.ics) first.")
                return self._back(feed)
            summary = run.import_calendar(feed.pk, body, now, as_of=now, dry_run=True)
        except FeedError as error:
            why = error.of_file if isinstance(upload, UploadedFile) else error
            messages.error(request, f"{feed}: {why} Nothing was changed.")
            return self._back(feed)
        return self._page(
            request,
            feed,
            "feed_preview.html",
            "What would change",
            preview=previews.preview(summary),
            origin=origin,
            carried=previews.carry(body, now, feed_id=feed.pk, user_id=_user_id(request)),
        )

    @sensitive_variables("carried")
    def _apply(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """Import the very bytes that the preview showed."""
        try:
            carried = previews.uncarry(request.POST.get("carried", ""), feed_id=feed.pk, user_id=_user_id(request))
        except previews.NotCarried:
            messages.error(request, f"{feed}: this preview is too old or damaged. Nothing was changed; make a new one.")
            return self._back(feed)
        try:
            summary = run.import_calendar(
                feed.pk, carried.body, timezone.now(), as_of=carried.as_of, updates=actions.BY_HAND
            )
        except FeedError as error:
            messages.error(request, f"{feed}: {error} Nothing was changed.")
            return self._back(feed)
        if summary.outdated:
            messages.warning(
                request,
                f"{feed}: newer content arrived after your preview, so nothing was changed. Make a new preview.",
            )
        else:
            self._told(request, feed, "Imported by hand", f"imported ({words.counts(summary.as_json())}).")
        if summary.held:
            messages.warning(
                request, f"{feed}: {counted(summary.held, 'stay')} vanished and are kept until you decide."
            )
        return self._back(feed)

    # -- deciding -----------------------------------------------------------------------------------------------

    def _approve(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """Asks first, naming each stay: codes are removed, and a guest may be in the house."""
        chosen = _items(request, feed)
        if not chosen:
            messages.warning(request, f"{feed}: choose the stays that are to be cancelled.")
            return self._back(feed)
        if request.POST.get("confirmed") != "yes":
            held = panels.hold(feed, timezone.now(), scope_of(request.user))
            lines = [line for line in held.lines if line.pk in chosen] if held is not None else []
            if not lines:
                messages.info(request, f"{feed}: nothing is left to decide.")
                return self._back(feed)
            # What has begun and is only missing is kept, and what another calendar lists lives on.
            ending = [line for line in lines if not line.others and (line.cancelled or not line.in_house)]
            return self._page(
                request,
                feed,
                "feed_approve.html",
                "Cancel stays",
                lines=lines,
                ending=len(ending),
                locked_out=sum(line.in_house for line in ending),
            )
        with transaction.atomic():
            self._told(request, feed, "Approved", actions.approve(feed, chosen, timezone.now()))
        return self._back(feed)

    def _dismiss(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        chosen = _items(request, feed)
        if not chosen:
            messages.warning(request, f"{feed}: choose the stays that are to be kept.")
            return self._back(feed)
        with transaction.atomic():
            self._told(request, feed, "Kept", actions.dismiss(feed, chosen, timezone.now()))
        return self._back(feed)

    def _decide(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """One item is a stay, is none, or is left to our own judgement again."""
        decision = request.POST.get("decision", "?")
        item = FeedItem.objects.filter(feed=feed, pk__in=_items(request, feed)).defer(*FeedItem.SECRETS).first()
        if item is None or decision not in FeedItem.Decision.values:
            messages.warning(request, f"{feed}: this item is not in the calendar any more.")
            return self._back(feed)
        told = {
            "stay": "is a stay and gets a code",
            "not_stay": "is not a stay and gets no code",
            "": "is judged by Turnkey again",
        }[decision]
        with transaction.atomic():
            approval.decide(item.pk, FeedItem.Decision(decision), timezone.now())
            if not decision and feed.is_active and facts.has_secret(feed, "url"):
                actions.read_anew(feed, timezone.now())  # what the rules say is known when it is read again
            self._told(request, feed, "Decided", f"{words.item_dates(item, feed.property.zone)} {told}.")
        return self._back(feed)

    # -- pushing ------------------------------------------------------------------------------------------------

    def _push(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """The one page with the push address. It comes by POST, is kept by no cache, and the look is on record."""
        self.log_change(request, feed, "Push address shown")
        return self._push_page(request, feed)

    @sensitive_variables("new_secret")
    def _push_page(self, request: HttpRequest, feed: CalendarFeed, new_secret: str = "") -> HttpResponse:
        token = actions.readable(feed, "token")
        return self._page(
            request,
            feed,
            "feed_push.html",
            "Push address",
            address=request.build_absolute_uri(reverse("push-calendar", args=[token])) if token else "",
            new_secret=new_secret,
            is_signed=facts.has_secret(feed, "signing_secret"),
            has_previous=facts.has_secret(feed, "previous_signing_secret"),
            present={name: actions.mark_of(feed, name) for name in ("token", "signing_secret")},
        )

    def _was_done(self, request: HttpRequest, feed: CalendarFeed, name: str, again: str) -> bool:
        """Whether this request was carried out before: a page that is loaded again sends its form again."""
        present = actions.mark_of(feed, name)
        if request.POST.get("replaces", present) == present:
            return False
        messages.warning(request, f"{feed}: {again}")
        return True

    @transaction.atomic
    def _new_address(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        actions.lock(feed)
        if self._was_done(request, feed, "token", "a new push address was made already. It is shown below."):
            return self._push_page(request, feed)
        self._told(request, feed, "New push address", actions.new_push_token(feed))
        return self._push_page(request, feed)

    @sensitive_variables("made")
    @transaction.atomic
    def _new_secret(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        actions.lock(feed)
        again = "a new secret was made already, and it is shown only once. If it was lost, make another one."
        if self._was_done(request, feed, "signing_secret", again):
            return self._push_page(request, feed)
        made = actions.new_signing_secret(feed, timezone.now())
        self._told(request, feed, "New signing secret", "there is a new signing secret. Unsigned pushes are refused.")
        return self._push_page(request, feed, made)

    def _end_previous_secret(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        self._told(request, feed, "Previous secret", actions.end_previous_secret(feed))
        return self._push_page(request, feed)

    def _remove_signing(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        self._told(request, feed, "Signing", actions.remove_signing(feed))
        return self._push_page(request, feed)


def _user_id(request: HttpRequest) -> int:
    return int(request.user.pk or 0)


def _items(request: HttpRequest, feed: CalendarFeed) -> set[int]:
    """The items of this calendar that a person chose, of those that they see."""
    sent = {int(text) for text in request.POST.getlist("item") if text.isascii() and text.isdigit() and len(text) < 19}
    scope = scope_of(request.user)
    if not scope.restricted or not sent:
        return sent
    shown = visible(FeedItem.objects.filter(feed=feed, pk__in=sent), scope)
    return set(shown.values_list("pk", flat=True))
