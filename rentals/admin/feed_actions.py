"""What a person can do about a feed: one function per action, most of which return a sentence about the result. It is
a phrase: the page says it in the person's language, and the history keeps it in English."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from rentals import signing_secrets, tasks
from rentals.calendars.decide import last_nights
from rentals.calendars.events import NO_LENGTH, EndDates
from rentals.calendars.imports import approval
from rentals.models import Booking, CalendarFeed, FeedItem, FeedState
from rentals.models.tokens import new_token
from rentals.phrases import phrase, phrases, together

#: The channel's last ETag does not stand for content that somebody gave by hand, so the next fetch asks for all of it.
BY_HAND = {"etag": "", "last_modified": ""}


def fetch_now(feed: CalendarFeed, now: datetime) -> str:
    tasks.ask_for_fetch(feed.pk, now)
    return _("it is being fetched. Reload this page in a few seconds.")


def approve(feed: CalendarFeed, item_ids: Collection[int], now: datetime) -> str:
    """Cancel the stays of these items and no others: a person approves only what was on the page."""
    count = approval.approve(feed.pk, now, item_ids)
    others = len(item_ids) - count
    kept = phrases(
        "{number} stay left as it is: another calendar lists them, or they have begun.",
        "{number} stays left as they are: another calendar lists them, or they have begun.",
        others,
    )
    done = phrases(
        "{number} stay cancelled. Its code is being removed.",
        "{number} stays cancelled. Their codes are being removed.",
        count,
    )
    return together(done if count else phrase("nothing was cancelled."), kept if others else "")


def dismiss(feed: CalendarFeed, item_ids: Collection[int], now: datetime) -> str:
    count = approval.dismiss(feed.pk, now, item_ids)
    if not count:
        return phrase("nothing was left to decide.")
    return phrases("{number} stay kept.", "{number} stays kept.", count)


def lock(feed: CalendarFeed) -> None:
    """Make others who replace a secret of this feed wait until the transaction ends. Comes before the secrets are read:
    they are deferred, so what is read afterwards is what the other one wrote."""
    CalendarFeed.objects.select_for_update().only("pk").get(pk=feed.pk)


def new_push_token(feed: CalendarFeed) -> str:
    feed.token = new_token()
    feed.save(update_fields=["token"])
    return phrase("there is a new push address. The old one is refused from now on.")


def new_signing_secret(feed: CalendarFeed, now: datetime) -> str:
    """Make a secret; the present one counts beside it until a person ends it. Returns the new one, to be shown once."""
    made = signing_secrets.generate()
    rotate_secret(feed, made, now)
    return made


def rotate_secret(feed: CalendarFeed, secret: str, now: datetime) -> None:
    """Put a secret in use without refusing a sender who still signs with the present one."""
    signing_secrets.rotate(CalendarFeed.objects.filter(pk=feed.pk), secret, now, overlap=None)
    feed.refresh_from_db(fields=["signing_secret", "previous_signing_secret"])


def end_previous_secret(feed: CalendarFeed) -> str:
    CalendarFeed.objects.filter(pk=feed.pk).update(previous_signing_secret="")
    feed.previous_signing_secret = ""
    return phrase("the previous secret is refused from now on.")


def remove_signing(feed: CalendarFeed) -> str:
    CalendarFeed.objects.filter(pk=feed.pk).update(signing_secret="", previous_signing_secret="")
    feed.signing_secret = feed.previous_signing_secret = ""
    return phrase("pushes need no signature any more.")


def say_end_dates(feed: CalendarFeed, meaning: EndDates, now: datetime) -> str:
    """A person says what the end dates of a calendar mean; it is read anew by that."""
    feed.end_dates = meaning.value
    feed.save(update_fields=["end_dates"])
    forget_doubts_about_ends(feed)
    read_anew(feed, now)
    if meaning is EndDates.LAST_NIGHT:
        return phrase("its end dates are read as the last night. It is being read anew; the stays keep their codes.")
    return phrase("its end dates are read as the check-out day. It is being read anew; the stays keep their codes.")


def forget_doubts_about_ends(feed: CalendarFeed) -> None:
    """What a person has said about end dates need not be asked of each stay."""
    last_night, no_length = Q(reason__contains=last_nights.REASON), Q(reason__contains=NO_LENGTH)
    doubts = last_night | no_length if feed.end_dates == EndDates.LAST_NIGHT else last_night & ~no_length
    doubtful = FeedItem.objects.filter(doubts, feed=feed, needs_review=True, gone_at=None)
    Booking.objects.filter(pk__in=doubtful.values("booking")).update(needs_review=False)


def read_anew(feed: CalendarFeed, now: datetime) -> None:
    """Fetch the whole calendar after a new address or other rules: an answer "not modified" must not hide what the
    calendar means now."""
    with transaction.atomic():
        FeedState.objects.filter(feed=feed).update(**BY_HAND)
        tasks.ask_for_fetch(feed.pk, now)
