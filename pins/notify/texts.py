"""Messages as texts: what is wrong or new, where, what to do, and where to look. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from pins.core.notification_events import Event
from rentals.wording import counted, day_and_time

_Data = Mapping[str, Any]
TOO_LONG: Final = "… The rest is too long for this service: look at the board."


@dataclass(frozen=True)
class Message:
    """A message for people."""

    subject: str  # one line
    text: str


def message(event: Event, data: _Data, base_url: str) -> Message:
    """The message for people. `data`: as in docs/notifications.md. Without `base_url` there are no links."""
    match event:
        case Event.INCIDENT_OPENED:
            what, remedy = str(data["what"]), f"What to do: {data['remedy']}"
            return _letter(f"{what}: {subject(data)}", [f"{what}.", remedy], data, base_url)
        case Event.INCIDENT_RESOLVED:
            said = [f"In order again: {data['what']}.", "Nothing is left to do about it."]
            return _letter(f"In order again: {subject(data)}", said, data, base_url)
        case Event.CODE_READY:
            said = [f"The code is on {_locks(data)}."]
            return _letter(f"Code ready: {subject(data)}", said, data, base_url)
        case Event.CODE_CHANGED:
            said = [f"There is another code now, and it is on {_locks(data)}. Tell the guest."]
            return _letter(f"Code changed: {subject(data)}", said, data, base_url)
        case Event.STAY_CANCELLED:
            return _letter(f"Cancelled: {subject(data)}", [_cancelled(data)], data, base_url)
        case Event.LEFT_EARLY:
            return _letter(f"Checked out early: {subject(data)}", [_left_early(data)], data, base_url)
        case Event.NOBODY_CAME:
            said = [f"No code was used on {_locks(data)} by midnight. The guest may have got in another way."]
            return _letter(f"Nobody came: {subject(data)}", said, data, base_url)
        case Event.SUMMARY:
            return _summary(data, base_url)
        case Event.TEST:
            return Message("Turnkey: a test message", "This is a test. Messages of Turnkey arrive here.")


def subject(data: _Data) -> str:
    """Whom or what a message is about: `Anna at Old Town 3, Front door`."""
    stay, staff, lock = data.get("stay"), data.get("staff"), data.get("lock")
    parts = []
    if stay:
        who = stay.get("guest") or "Guest"
        parts.append(f"{who} at {stay['property']}" if stay.get("property") else who)
    if staff:
        parts.append(f"{staff['who']} at {staff['property']}" if staff.get("property") else staff["who"])
    if lock:
        parts.append(lock["name"])
    parts.extend(data[name] for name in ("calendar", "account") if data.get(name))
    return line(", ".join(parts)) or "Turnkey"


def body(event: Event, data: _Data, happened_at: datetime, base_url: str) -> dict[str, Any]:
    """The body of a webhook (Standard Webhooks, "Payload structure")."""
    public = {name: value for name, value in data.items() if name != "path"}
    if data.get("path") and base_url:
        public["url"] = f"{base_url}{data['path']}"
    for one in public.get("to_mend", ()):
        one.pop("path", None)
    return {"type": event.value, "timestamp": happened_at.isoformat().replace("+00:00", "Z"), "data": public}


def line(text: str, most: int = 180) -> str:
    """The text on one line of at most so many characters: names come from calendars."""
    flat = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


def shortened(text: str, most: int) -> str:
    """The text cut to `most` characters, between lines where that is possible. A link at the end is kept."""
    if len(text) <= most:
        return text
    lines = text.splitlines()
    end = [TOO_LONG, *([lines.pop()] if lines[-1].startswith("http") else [])]
    left = most + 1 - sum(len(one) + 1 for one in end)
    kept: list[str] = []
    for one in lines:
        if len(one) + 1 > left:
            break
        kept.append(one)
        left -= len(one) + 1
    return "\n".join([*(kept or [line(lines[0], left - 1)]), *end])


def _letter(title: str, said: Iterable[str], data: _Data, base_url: str) -> Message:
    lines = [subject(data), *said, *_dates(data)]
    if base_url and data.get("path"):
        lines.append(f"{base_url}{data['path']}")
    return Message(line(title), "\n".join(lines))


def _dates(data: _Data) -> Iterable[str]:
    stay = data.get("stay")
    if stay:
        zone = ZoneInfo(stay["time_zone"])
        begins, ends = (datetime.fromisoformat(stay[name]) for name in ("check_in", "check_out"))
        yield f"Arrives {day_and_time(begins, zone)}, leaves {day_and_time(ends, zone)}."


def _locks(data: _Data) -> str:
    names = [line(one["name"]) for one in data.get("locks", ())]
    return ", ".join(names) or "all its locks"


def _left_early(data: _Data) -> str:
    """Who ended the stay, and until when it should have lasted."""
    who = "The guest checked out on the guest's page" if data["by_guest"] else "Somebody ended the stay"
    planned = day_and_time(datetime.fromisoformat(data["planned_end"]), ZoneInfo(data["stay"]["time_zone"]))
    return f"{who}, instead of {planned}. The code ends, and the flat is free."


def _cancelled(data: _Data) -> str:
    """What happens to the code of a stay that is off. No removal is promised for observe-only locks."""
    said, left = ["The stay is off."], [line(one["name"]) for one in data.get("left_on", ())]
    if data.get("locks"):
        said.append(f"Its code is being taken off {_locks(data)}.")
    if left:
        said.append(
            f"Turnkey only observes {', '.join(left)}, so the code stays there until it ends by itself. If it must be "
            "gone now, remove it in the Tedee app."
        )
    return " ".join(said) if len(said) > 1 else "The stay is off. Its code is on no lock."


def _summary(data: _Data, base_url: str) -> Message:
    day = date.fromisoformat(data["date"])
    arrivals, issues = data["arrivals"], data["to_mend"]
    ready = sum(one["ready"] for one in arrivals)
    coming = len(arrivals) + data["more_arrivals"]
    title = f"{day:%a} {day.day} {day:%b}: "
    title += f"{counted(coming, 'arrival')}, {ready} ready" if coming else "no arrivals"
    to_fix = len(issues) + data["more_to_mend"]
    title += f", {counted(to_fix, 'thing')} to fix" if to_fix else ""
    lines = ["Arriving today:" if arrivals else "Nobody arrives today."]
    lines += [f"- {one['at']} {_who(one)}: {_state(one)}" for one in arrivals]
    lines += [f"- and {data['more_arrivals']} more"] if data["more_arrivals"] else []
    lines += ["", "To fix:" if issues else "Nothing to fix."]
    lines += [line(f"- {one['subject']}: {one['what']}. {one['remedy']}", 400) for one in issues]
    lines += [f"- and {data['more_to_mend']} more"] if data["more_to_mend"] else []
    lines += ["", f"{base_url}{data['path']}"] if base_url else []
    return Message(line(title), "\n".join(lines))


def _who(one: _Data) -> str:
    return line(f"{one['guest'] or 'Guest'} at {one['property']}")


def _state(one: _Data) -> str:
    return line("; ".join([one["state"], *one["flags"]]))
