"""Every picture of the documentation: which page it shows, to whom, how wide, and what must stand there first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DESKTOP: Final = 1200
PHONE: Final = 360


class Scene(StrEnum):
    """What the demo has been brought to, in this order."""

    CALM = "every due code is on its locks, and one calendar is held"
    OFFLINE = "a guest is at a door whose lock has lost its connection"
    HELP = "that guest has asked for help"
    REPLACED = "a lock was added to the Tedee app anew"


class Who(StrEnum):
    HOST = "host"
    GUEST = "guest"  # nobody who could log in: the page has a secret address


@dataclass(frozen=True, slots=True)
class Shot:
    """`name`: the file without `.png`. `path`: names in braces are filled in by the scene. `wait`: text of the page, to
    be waited for. `fill`: a field and what to write into it first. `press`: a button to press then. `most`: points of
    height, from the top; 0: the whole page."""

    name: str
    path: str
    scene: Scene
    wait: str
    width: int = DESKTOP
    who: Who = Who.HOST
    press: str = ""
    fill: tuple[str, str] | None = None
    most: int = 0


SHOTS: Final = (
    Shot("guest-phone", "{guest_page}", Scene.CALM, "Active now", PHONE, Who.GUEST, most=900),
    Shot("staff", "{cleaner}", Scene.CALM, "Ready", most=900),
    Shot("cleaner-phone", "{cleaner_page}", Scene.CALM, "Maria Kowalska", PHONE, Who.GUEST, most=900),
    Shot("flat", "{garden_flat}", Scene.CALM, "Front door", most=1000),
    Shot("accounts", "{account}", Scene.CALM, "Connect with Tedee", most=800),
    Shot("spare", "{attic_lock}", Scene.CALM, "spare code", most=900),
    Shot("first-run-locks", "/setup/locks/", Scene.CALM, "by Airbnb, it seems", most=900),
    Shot("first-run-phone", "/setup/begin/", Scene.CALM, "Tedee has confirmed it", PHONE),
    Shot("calendar-feeds", "/admin/rentals/calendarfeed/", Scene.CALM, "Held", most=700),
    Shot("calendar-feed", "{held_feed}", Scene.CALM, "Your decision is needed", most=1500),
    Shot(
        "calendar-booking",
        "{changed_booking}",
        Scene.CALM,
        "What you set stays, whatever the calendar says.",
        press="Save and continue editing",
        fill=("Guest name", "Nikola Wrona"),
        most=800,
    ),
    Shot("board", "/", Scene.OFFLINE, "Sofia"),
    Shot("timeline", "/timeline/", Scene.OFFLINE, "Sofia", width=1440, most=800),
    Shot("stay-phone", "{sofia}", Scene.OFFLINE, "The lock is offline", PHONE, most=1000),
    Shot("spare-phone", "{sofia_page}", Scene.HELP, "Use this code now", PHONE, Who.GUEST, press="I cannot get in"),
    Shot("guest-cannot-get-in", "{sofia}", Scene.HELP, "spare code", most=1000),
    Shot("lock-replaced", "{account}", Scene.REPLACED, "removed and added again", press="Fetch locks", most=700),
)
