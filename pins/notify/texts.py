"""Messages as texts: what is wrong or new, where, what to do, and where to look; in the language that is active.

What happened comes from the payload, whose own texts (`what`, `remedy`, states) are in the language that it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.core.notification_events import Event
from rentals.phrases import mark
from rentals.wording import dated, day_and_time

_Data = Mapping[str, Any]
TOO_LONG: Final = mark("… The rest is too long for this service: look at the board.")


@dataclass(frozen=True)
class Message:
    """A message for people."""

    subject: str  # one line
    text: str


def message(event: Event, data: _Data, base_url: str) -> Message:
    """The message for people. `data`: as in docs/notifications.md. Without `base_url` there are no links."""
    who = subject(data)
    match event:
        case Event.INCIDENT_OPENED:
            what = str(data["what"])
            remedy = _("What to do: {remedy}").format(remedy=data["remedy"])
            return _letter(f"{what}: {who}", [f"{what}.", remedy], data, base_url)
        case Event.INCIDENT_RESOLVED:
            over = _("In order again: {what}.").format(what=data["what"])
            title = _("In order again: {subject}").format(subject=who)
            return _letter(title, [over, _("Nothing is left to do about it.")], data, base_url)
        case Event.CODE_READY:
            said = _("The code is on {locks}.").format(locks=_locks(data))
            return _letter(_("Code ready: {subject}").format(subject=who), [said], data, base_url)
        case Event.CODE_CHANGED:
            said = _("There is another code now, and it is on {locks}. Tell the guest.").format(locks=_locks(data))
            return _letter(_("Code changed: {subject}").format(subject=who), [said], data, base_url)
        case Event.STAY_CANCELLED:
            return _letter(_("Cancelled: {subject}").format(subject=who), [_cancelled(data)], data, base_url)
        case Event.LEFT_EARLY:
            return _letter(_("Checked out early: {subject}").format(subject=who), [_left_early(data)], data, base_url)
        case Event.NOBODY_CAME:
            said = _("No code was used on {locks} by midnight. The guest may have got in another way.")
            title = _("Nobody came: {subject}").format(subject=who)
            return _letter(title, [said.format(locks=_locks(data))], data, base_url)
        case Event.SUMMARY:
            return _summary(data, base_url)
        case Event.TEST:
            return Message(_("Turnkey: a test message"), _("This is a test. Messages of Turnkey arrive here."))


def subject(data: _Data) -> str:
    """Whom or what a message is about: `Anna at Old Town 3, Front door`."""
    stay, staff, lock = data.get("stay"), data.get("staff"), data.get("lock")
    parts = []
    if stay:
        parts.append(_at(stay.get("guest") or _("Guest"), stay.get("property")))
    if staff:
        parts.append(_at(staff["who"], staff.get("property")))
    if lock:
        parts.append(lock["name"])
    parts.extend(data[name] for name in ("calendar", "account") if data.get(name))
    return line(", ".join(parts)) or "Turnkey"


def _at(who: str, place: str | None) -> str:
    return _("{who} at {place}").format(who=who, place=place) if place else who


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
    end = [_(TOO_LONG), *([lines.pop()] if lines[-1].startswith("http") else [])]
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
        arrival, departure = day_and_time(begins, zone), day_and_time(ends, zone)
        yield _("Arrives {arrival}, leaves {departure}.").format(arrival=arrival, departure=departure)


def _locks(data: _Data) -> str:
    names = [line(one["name"]) for one in data.get("locks", ())]
    return ", ".join(names) or _("all its locks")


def _left_early(data: _Data) -> str:
    """Who ended the stay, and until when it should have lasted."""
    if data["by_guest"]:
        who = _("The guest checked out on the guest's page, instead of {planned}. The code ends, and the flat is free.")
    else:
        who = _("Somebody ended the stay, instead of {planned}. The code ends, and the flat is free.")
    planned = datetime.fromisoformat(data["planned_end"])
    return who.format(planned=day_and_time(planned, ZoneInfo(data["stay"]["time_zone"])))


def _cancelled(data: _Data) -> str:
    """What happens to the code of a stay that is off. No removal is promised for observe-only locks."""
    left = ", ".join(line(one["name"]) for one in data.get("left_on", ()))
    if not (data.get("locks") or left):
        return _("The stay is off. Its code is on no lock.")
    said = [_("The stay is off.")]
    if data.get("locks"):
        said.append(_("Its code is being taken off {locks}.").format(locks=_locks(data)))
    if left:
        stays = _(
            "Turnkey only observes {locks}, so the code stays there until it ends by itself. If it must be gone now, "
            "remove it in the Tedee app."
        )
        said.append(stays.format(locks=left))
    return " ".join(said)


def _summary(data: _Data, base_url: str) -> Message:
    arrivals, issues = data["arrivals"], data["to_mend"]
    lines = [_("Arriving today:") if arrivals else _("Nobody arrives today.")]
    lines += [f"- {one['at']} {_who(one)}: {_state(one)}" for one in arrivals]
    lines += _and_more(data["more_arrivals"])
    lines += ["", _("To fix:") if issues else _("Nothing to fix.")]
    lines += [line(f"- {one['subject']}: {one['what']}. {one['remedy']}", 400) for one in issues]
    lines += _and_more(data["more_to_mend"])
    lines += ["", f"{base_url}{data['path']}"] if base_url else []
    return Message(line(_title(data)), "\n".join(lines))


def _title(data: _Data) -> str:
    """`Mon 1 Mar: 3 arrivals, 2 ready, 1 thing to fix`."""
    day = capfirst(dated(date.fromisoformat(data["date"]), "D j M"))
    coming = len(data["arrivals"]) + data["more_arrivals"]
    ready = sum(one["ready"] for one in data["arrivals"])
    if coming:
        arriving = ngettext("{day}: {number} arrival, {ready} ready", "{day}: {number} arrivals, {ready} ready", coming)
        title = arriving.format(day=day, number=coming, ready=ready)
    else:
        title = _("{day}: no arrivals").format(day=day)
    to_fix = len(data["to_mend"]) + data["more_to_mend"]
    things = ngettext("{number} thing to fix", "{number} things to fix", to_fix).format(number=to_fix)
    return f"{title}, {things}" if to_fix else title


def _and_more(number: int) -> list[str]:
    return [_("- and {number} more").format(number=number)] if number else []


def _who(one: _Data) -> str:
    return line(_at(one["guest"] or _("Guest"), one["property"]))


def _state(one: _Data) -> str:
    return line("; ".join([one["state"], *one["flags"]]))
