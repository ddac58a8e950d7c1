"""The control page: each lock with its pins and its plug, and the last requests. One HTML document, no other file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import escape

from pins.simulator import knobs
from pins.simulator.cloud import Cloud
from pins.simulator.devices import SimLock, SimPin
from pins.simulator.journal import RequestRecord

SHOWN_REQUESTS = 25
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_STYLE = """
:root { color-scheme: light dark; --line: #d5d9e0; --soft: #5b6472; --card: #fff; --page: #f4f5f7; --ink: #16191d;
  --good: #14713d; --warn: #9a4b00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --line: #343a43; --soft: #a3acba; --card: #1d2127; --page: #131619;
  --ink: #eceff3; --good: #6fd69b; --warn: #ffb468; --bad: #ff9a92; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.45 system-ui, sans-serif; }
header, main { max-width: 76rem; margin: 0 auto; }
h1 { font-size: 1.35rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 0; }
.soft { color: var(--soft); margin: .1rem 0; }
.locks { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 23rem), 1fr)); gap: 1rem;
  margin: 1rem 0 2rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1rem; }
.head { display: flex; gap: .75rem; justify-content: space-between; align-items: flex-start; }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .6rem; }
button { font: inherit; white-space: nowrap; min-height: 2.75rem; padding: .3rem .9rem;
  border: 1px solid var(--soft); border-radius: .5rem; background: transparent; color: inherit; cursor: pointer; }
button:focus-visible { outline: 3px solid var(--warn); outline-offset: 2px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin-top: .6rem; font-size: .92rem; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; } code { font-size: 1rem; letter-spacing: .05em; }
h2, p, td { overflow-wrap: anywhere; }
@media (max-width: 38rem) {
  body { padding: .6rem; } .head { flex-wrap: wrap; }
  thead { display: none; } table, tbody, tr, td { display: block; }
  tr { border-top: 1px solid var(--line); padding: .4rem 0; } td { border: 0; padding: .1rem 0; }
  td:empty { display: none; }
}
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
"""

_SCRIPT = """
const main = document.querySelector("main"), note = document.getElementById("note");
async function refresh() {
  try {
    const answer = await fetch("/?part=locks", {cache: "no-store"});
    if (!answer.ok) throw new Error(answer.status);
    const held = document.activeElement && document.activeElement.id;
    main.innerHTML = await answer.text();
    if (held && document.getElementById(held)) document.getElementById(held).focus({preventScroll: true});
    note.textContent = "";
  } catch (lost) { note.textContent = "The simulator does not answer. This page shows its last state."; }
}
main.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-to]");
  if (!button) return;
  button.disabled = true;
  const headers = {"Content-Type": "application/json"};
  try { await fetch(button.dataset.to, {method: "POST", headers, body: button.dataset.body}); }
  finally { await refresh(); }
});
setInterval(refresh, 2000);
"""


def whole_page(cloud: Cloud, nonce: str) -> str:
    """The document; `nonce` lets its own style and script pass the content security policy."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>Simulated Tedee cloud</title><style nonce="{nonce}">{_STYLE}</style></head><body>'
        "<header><h1>Simulated Tedee cloud</h1>"
        '<p class="soft">No real door opens here. Pull a lock\'s plug to see how a lost connection is handled, '
        "or change its pins as a person with the phone app would.</p>"
        '<p class="bad" id="note" role="status"></p></header>'
        f'<main>{locks_part(cloud)}</main><script nonce="{nonce}">{_SCRIPT}</script></body></html>\n'
    )


def locks_part(cloud: Cloud) -> str:
    """What the page fetches again every two seconds."""
    with cloud.mutex:
        now = cloud.clock()
        cards = "".join(_lock_card(lock, now) for lock in cloud.locks())
        rows = "".join(_request_row(entry) for entry in list(cloud.journal.requests)[: -SHOWN_REQUESTS - 1 : -1])
        faults = cloud.desk.plan.as_text() or "none"
        settings = ", ".join(f"{name}={value}" for name, value in knobs.differences(cloud.settings).items()) or "none"
        collisions = sum(entry.collision for entry in cloud.journal.requests)
    requests = (
        '<div class="scroll"><table><thead><tr><th>Time (UTC)<th>Request<th>Status<th>What happened<th>Alias'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
        if rows
        else '<p class="soft">No request yet.</p>'
    )
    return (
        f'<p class="soft">Now {now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC. Injected faults: {escape(faults)}. '
        f"Settings that are not the usual ones: {escape(settings)}. "
        f"Requests that met another request on the same lock: {collisions}.</p>"
        f'<div class="locks">{cards or "<p>No locks.</p>"}</div>'
        f"<section><h2>Last requests</h2>{requests}</section>"
    )


def _lock_card(lock: SimLock, now: datetime) -> str:
    pins = "".join(_pin_row(lock, pin, now) for pin in sorted(lock.pins.values(), key=_by_start))
    table = (
        f'<div class="scroll"><table><thead><tr><th>Alias<th>Code<th>Valid (UTC)<th><th></tr></thead><tbody>{pins}'
        "</tbody></table></div>"
        if pins
        else '<p class="soft">No pins.</p>'
    )
    plug = _button(
        f"plug-{lock.id}",
        "Pull the plug" if lock.connected else "Plug in",
        lock.name,
        f"/control/locks/{lock.id}/plug",
        {"connected": not lock.connected},
    )
    add = _button(f"add-{lock.id}", "Add a pin", lock.name, "/control/foreign-pin", {"lock_id": lock.id})
    room = _button(
        f"room-{lock.id}",
        "Take pins again" if lock.claims_full else "Take no more pins",
        lock.name,
        f"/control/locks/{lock.id}/room",
        {"claims_full": not lock.claims_full},
    )
    return (
        f'<section><div class="head"><div><h2>{escape(lock.name)}</h2>{_condition(lock)}'
        f'<p class="soft">{lock.id} · {escape(lock.serial_number)} · battery {lock.battery_level} % · '
        f"{len(lock.pins)} of {lock.capacity} pins</p></div>{plug}</div>{table}"
        f'<div class="buttons">{add}{room}</div></section>'
    )


def _button(identity: str, label: str, subject: str, address: str, fields: dict[str, object]) -> str:
    """A button that sends `fields` to a control address."""
    return (
        f'<button id="{identity}" data-to="{address}" data-body="{escape(json.dumps(fields))}" '
        f'aria-label="{label}: {escape(subject)}">{label}</button>'
    )


def _condition(lock: SimLock) -> str:
    if lock.bridge_id is None:
        return '<p class="warn">No bridge: out of reach</p>'
    if not lock.connected:
        return '<p class="bad">Disconnected</p>'
    if lock.keypad is None:
        return '<p class="warn">No keypad: pins are refused</p>'
    if lock.forbidden:
        return '<p class="warn">The key has no permission</p>'
    if lock.always is not None:
        return f'<p class="warn">Answers every request with {lock.always}</p>'
    if lock.claims_full:
        return '<p class="warn">Takes no more pins</p>'
    return '<p class="good">Connected</p>' if lock.occupied_by is None else '<p class="good">Connected, working</p>'


def _by_start(pin: SimPin) -> tuple[bool, float, int]:
    return (not pin.foreign, pin.body.start.timestamp() if pin.body.start else 0.0, pin.id)


def _pin_row(lock: SimLock, pin: SimPin, now: datetime) -> str:
    start, end = pin.body.start, pin.body.end
    period = "always" if start is None and end is None else f"{_short(start)} to {_short(end)}"
    if pin.foreign:
        mark = "set by hand"
    elif end is not None and end <= now:
        mark = "ended"
    else:
        mark = "" if start is None or start <= now else "later"
    fields: dict[str, object] = {"lock_id": lock.id, "pin_id": pin.id}
    delete = _button(f"delete-{lock.id}-{pin.id}", "Delete", f"{pin.alias}, {lock.name}", "/control/remove-pin", fields)
    return (
        f"<tr><td>{escape(pin.alias)}<td><code>{escape(pin.value)}</code><td>{period}{_narrowed(pin)}"
        f'<td class="soft">{mark}<td>{delete}</tr>'
    )


def _narrowed(pin: SimPin) -> str:
    """The days and hours of a pin that has any."""
    body = pin.body
    days = [name for number, name in enumerate(_DAYS) if (body.week_days or 0) >> number & 1]
    hours = (
        [] if body.day_start is None and body.day_end is None else [f"{_hour(body.day_start)} to {_hour(body.day_end)}"]
    )
    return "".join(f", {part}" for part in [" ".join(days), *hours] if part)


def _hour(moment: datetime | None) -> str:
    return "open" if moment is None else f"{moment.astimezone(UTC):%H:%M}"


def _short(moment: datetime | None) -> str:
    return "open" if moment is None else f"{moment.astimezone(UTC):%d %b %H:%M}"


def _request_row(entry: RequestRecord) -> str:
    tone = "good" if entry.status < 400 else "warn" if entry.status in (408, 409, 428, 429) else "bad"
    heard = {"answer": str(entry.status), "drop": "line dropped", "hang": "no answer", "slow": "very slow"}
    if entry.fault:
        what = entry.fault.replace("_", " ") + (", applied" if entry.applied else "")
    else:
        what = "applied" if entry.applied else ""
    path = entry.path.partition("/my/")[2] or entry.path
    return (
        f"<tr><td>{entry.at.astimezone(UTC):%H:%M:%S}<td>{escape(entry.method)} {escape(path)}"
        f'<td class="{tone}">{heard[entry.delivery]}<td>{escape(what)}<td>{escape(entry.alias or "")}</tr>'
    )
