"""What a calendar says, as plain values. No Django here, and no judgement: that is the task of `classify`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from rentals.phrases import phrase

#: How the UID begins that we give to an event without one. Made from the days, it tells nothing of the guest.
UNNAMED = "no-uid:"
#: Doubts about the dates of a stay, which is believed all the same.
NO_LENGTH = phrase("It ends when it starts: read as one night.")
AT_MIDNIGHT = phrase("Its times seem to be midnights: read as whole days.")


class Channel(StrEnum):
    """Where a calendar comes from, since each channel says "a stay" in its own way."""

    AUTO = "auto"  # recognise it by PRODID and UID hosts
    AIRBNB = "airbnb"
    BOOKING = "booking"  # Booking.com
    VRBO = "vrbo"  # also HomeAway, Abritel, FeWo-direkt
    GUESTY = "guesty"
    SMOOBU = "smoobu"
    HOSTAWAY = "hostaway"
    HOSPITABLE = "hospitable"
    OWNERREZ = "ownerrez"
    BEDS24 = "beds24"
    GOOGLE = "google"
    OTHER = "other"
    TURNKEY = "turnkey"  # a calendar that we publish ourselves; never read back


class Verdict(StrEnum):
    """What we made of one event."""

    STAY = "stay"
    TENTATIVE = "tentative"  # not confirmed yet: a booking without a code
    BLOCK = "block"  # nobody comes
    MARKER = "marker"  # "Check-in ..." beside a stay: says nothing new
    CANCELLED = "cancelled"
    REVIEW = "review"  # may be a stay; a person decides, until then no code
    QUARANTINED = "quarantined"  # cannot be read; kept with its reason


class EndDates(StrEnum):
    """What the end date of a whole-day event means in a calendar."""

    UNDECIDED = ""  # the check-out day, and the other reading is offered where it seems to fit better
    CHECK_OUT = "check_out"  # as the standard says (RFC 5545, 3.6.1: DTEND is not part of the event)
    LAST_NIGHT = "last_night"


class FeedFault(StrEnum):
    """Why a whole calendar could not be imported."""

    NOT_A_CALENDAR = "not_a_calendar"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    TOO_MANY_EVENTS = "too_many_events"
    OWN_CALENDAR = "own_calendar"
    URL_REFUSED = "url_refused"  # scheme, host or address that we do not fetch from
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    HTTP_STATUS = "http_status"
    NOT_MODIFIED = "not_modified"  # 304, although the whole calendar was asked for
    LINK_RESET = "link_reset"  # 404 or 410
    ACCESS_DENIED = "access_denied"  # 401 or 403


class FeedError(Exception):
    """A calendar cannot be imported as a whole. It changes nothing: every stay is kept.

    The text is for the operator and says what to do; it never holds the URL, credentials or a guest's data.
    """

    def __init__(self, fault: FeedFault, text: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(text)
        self.text = text  # for `said`
        self.fault = fault
        self.retry_at = retry_at  # a server's Retry-After, UTC

    @property
    def of_file(self) -> str:
        """The text for a calendar that a person uploaded as a file, without a link to check or a download."""
        return _OF_FILES.get(self.fault, self.text)


_OF_FILES = {
    FeedFault.NOT_A_CALENDAR: phrase("This file is not a calendar. Choose the .ics file that the channel exports."),
    FeedFault.TRUNCATED: phrase("This file is cut off: its end (END:VCALENDAR) is missing. Export it once more."),
    FeedFault.TOO_LARGE: phrase("This file is larger than 5 MB. Ask the channel for an export with fewer past events."),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event, or one instance of a recurring one. Text is cleaned and capped; times are real.

    A `date` means "the whole day", to be read with the property's check-in and check-out times; `ends` is then the
    check-out day. A `datetime` is an instant in UTC. One side may be a date and the other an instant.
    """

    uid: str  # as given, at most 255 characters (longer ones by hash); made from the dates where none is given
    starts: date
    ends: date
    summary: str = ""
    recurrence_id: str = ""
    part: str = ""  # tells apart what shares UID and RECURRENCE-ID
    description: str = field(default="", repr=False)
    url: str = field(default="", repr=False)
    status: str = ""  # STATUS in upper case
    end_assumed: bool = False  # it names neither an end nor a length: one night was assumed
    by_length: bool = False  # it names a length and no end
    no_length: bool = False  # it ends when it starts: one night was assumed
    from_midnights: bool = False  # its days were written as instants
    doubts: tuple[str, ...] = ()  # why a person should look at its dates, in words


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event that cannot be read, with the reason in words for the operator."""

    uid: str  # "" when not even that can be read
    reason: str
    recurrence_id: str = ""
    summary: str = field(default="", repr=False)
    excerpt: str = field(default="", repr=False)  # the event's own lines, cleaned and capped, for the operator
    starts: date | None = None  # as in `Event`, if at least that can be read
    ends: date | None = None
    status: str = ""
    beyond_belief: bool = False  # it can be read, but is too long or too far away for a stay


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar that was read to its end."""

    events: tuple[Event, ...]
    quarantined: tuple[Quarantined, ...] = ()
    prodid: str = ""
    #: Whether we know which events are in it. Damage that may hide an event (unbalanced BEGIN and END, a quarantined
    #: event without a readable UID) makes it False: then nothing counts as absent.
    complete: bool = True
    #: Whether the outcome depends on DTSTAMP, SEQUENCE or LAST-MODIFIED (several versions of one event).
    has_versions: bool = False
    #: Whether the outcome depends on the day it is read (recurrences within a moving horizon).
    has_recurrences: bool = False


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a guest can be told something, and in which language. Kept with the stay alone, never with the event."""

    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    language: str = field(default="", repr=False)  # one of those in which guests are spoken to


@dataclass(frozen=True, slots=True)
class Guest:
    """What a channel tells about the guest: personal data, never logged."""

    name: str = field(default="", repr=False)
    reservation_code: str = field(default="", repr=False)
    phone_last4: str = field(default="", repr=False)
    guest_count: int | None = None
    reservation_url: str = field(default="", repr=False)
    contact: Contact = field(default=Contact(), repr=False)


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator set on the feed."""

    channel: Channel = Channel.AUTO
    blocked_items_are_stays: bool = False
    longest_stay_nights: int = 30
    end_dates: EndDates = EndDates.UNDECIDED


@dataclass(frozen=True, slots=True)
class Reading:
    """One event and what we made of it."""

    event: Event
    verdict: Verdict
    reason: str  # in words, for the operator
    needs_review: bool = False  # a stay all the same, and a person should look at it
    guest: Guest = Guest()
