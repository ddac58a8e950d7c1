"""The push address of one feed, and the secret that signs pushes: shown once, replaced, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from rentals.admin import feed_actions as actions
from rentals.admin.feed_secrets import has_secret, mark_of, readable
from rentals.admin.feed_views import FeedViews
from rentals.models import CalendarFeed
from rentals.phrases import mark, phrase

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[CalendarFeed]
else:
    _Admin = object


class FeedPushViews(FeedViews, _Admin):
    """Stands before ModelAdmin among the bases."""

    def feed_urls(self) -> list[URLPattern]:
        return [
            *super().feed_urls(),
            self.button("push", self._push),
            self.button("new_address", self._new_address),
            self.button("new_secret", self._new_secret),
            self.button("end_previous_secret", self._end_previous_secret),
            self.button("remove_signing", self._remove_signing),
        ]

    def _push(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        """The only page with the push address. It answers a POST, is in no cache, and the history records it."""
        self.log_change(request, feed, mark("Push address shown"))
        return self._push_page(request, feed)

    @sensitive_variables("new_secret")
    def _push_page(self, request: HttpRequest, feed: CalendarFeed, new_secret: str = "") -> HttpResponse:
        token = readable(feed, "token")
        return self.object_page(
            request,
            feed,
            "rentals/admin/feed_push.html",
            _("Push address"),
            address=request.build_absolute_uri(reverse("push-calendar", args=[token])) if token else "",
            new_secret=new_secret,
            is_signed=has_secret(feed, "signing_secret"),
            has_previous=has_secret(feed, "previous_signing_secret"),
            present={name: mark_of(feed, name) for name in ("token", "signing_secret")},
        )

    def _was_done(self, request: HttpRequest, feed: CalendarFeed, name: str, again: str) -> bool:
        """Whether this request was carried out before: reloading a page sends its form again."""
        present = mark_of(feed, name)
        if request.POST.get("replaces", present) == present:
            return False
        messages.warning(request, f"{feed}: {again}")
        return True

    @transaction.atomic
    def _new_address(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        actions.lock(feed)
        again = _("a new push address was made already. It is shown below.")
        if self._was_done(request, feed, "token", again):
            return self._push_page(request, feed)
        self._record(request, feed, "New push address", actions.new_push_token(feed))
        return self._push_page(request, feed)

    @sensitive_variables("made")
    @transaction.atomic
    def _new_secret(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        actions.lock(feed)
        again = _("a new secret was made already, and it is shown only once. If it was lost, make another one.")
        if self._was_done(request, feed, "signing_secret", again):
            return self._push_page(request, feed)
        made = actions.new_signing_secret(feed, timezone.now())
        done = phrase("there is a new signing secret. Unsigned pushes are refused.")
        self._record(request, feed, "New signing secret", done)
        return self._push_page(request, feed, made)

    def _end_previous_secret(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        self._record(request, feed, "Previous secret", actions.end_previous_secret(feed))
        return self._push_page(request, feed)

    def _remove_signing(self, request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
        self._record(request, feed, "Signing", actions.remove_signing(feed))
        return self._push_page(request, feed)
