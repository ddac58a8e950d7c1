"""What the simulated cloud answers to each request: the checks run in the order in which the real one refuses.

1. An unknown path or version: an HTML 404. 2. The key: 401. 3. The rate window: 429. 4. Permission to write: 403
(or 401), the lock: 403.
5. The body: 400. 6. Another operation on the device: 409. 7. The connection: 428. 8. An injected fault.
9. The device works (latency), and only then 404, 406, 412 or success.

Steps 1 to 5 never reach the device. Sources: Tedee API, the endpoint pages and "rate limits".
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qsl

from pins.simulator import authorizing
from pins.simulator.cloud import Cloud
from pins.simulator.devices import GONE, LateWrite, SimLock, note_maker
from pins.simulator.exchange import Exchange
from pins.simulator.faults import Fault
from pins.simulator.journal import RequestRecord
from pins.simulator.listings import list_bridges, list_locks, read_activity, read_lock, read_personal_keys, sync_locks
from pins.simulator.messages import OperationResult, Reply, Request, as_another_cloud, envelope, html_reply
from pins.simulator.rules import BodyRefusedError, read_body

Hook = Callable[[Request, Reply], None]

_PIN_PATH = re.compile(r"/my/lock/([0-9]{1,12})/pin(?:/([0-9]{1,12}))?")
_LOCK_PATH = re.compile(r"/my/lock/([0-9]{1,12})")
_LISTINGS = {
    "/my/lock": list_locks,
    "/my/lock/sync": sync_locks,
    "/my/deviceactivity": read_activity,
    "/my/bridge": list_bridges,
    "/my/personalaccesskey": read_personal_keys,
}
_JSON_TYPES = ("application/json", "application/json-patch+json")


@dataclass(frozen=True)
class DeviceSlot:
    """A device occupied for one request."""

    lock: SimLock
    fault: Fault | None
    latency: float


def answer(cloud: Cloud, request: Request, hook: Hook | None = None) -> Reply:
    """Answer one request and write it into the journal; blocks while the device works.

    Requests to the authorization server have a journal of their own, and no hook.

    `hook` runs when the operation is done and the answer is not yet given: the device is still busy. What it raises
    reaches the caller, as a crash at that instant would.
    """
    if authorizing.concerns(request):
        return authorizing.respond(cloud, request)
    with cloud.mutex:
        query = parse_qsl(request.query, keep_blank_values=True)
        exchange = Exchange(request, cloud.journal.next_seq(), cloud.clock(), query)
        try:
            refused = _admit(cloud, exchange)
        except BodyRefusedError as reason:
            refused = envelope(OperationResult(400, errors=reason.messages))
        slot = _occupy(cloud, exchange) if refused is None else refused
        if isinstance(slot, Reply):
            slot = _finish(cloud, exchange, slot)
    if isinstance(slot, Reply):
        if hook is not None:
            hook(request, slot)
        return slot
    return _operate(cloud, exchange, slot, hook)


def _finish(cloud: Cloud, exchange: Exchange, reply: Reply) -> Reply:
    """Add a correlation id to the reply and record the request."""
    body, settings = exchange.body, cloud.settings
    reply = as_another_cloud(reply, error_body=settings.error_body, body_on_no_content=settings.body_on_no_content)
    with cloud.mutex:
        correlation = str(uuid.uuid4())
        cloud.journal.requests.append(
            RequestRecord(
                seq=exchange.seq,
                at=exchange.at,
                answered_at=cloud.clock(),
                key=exchange.key.label if exchange.key else None,
                method=exchange.request.method,
                path=exchange.request.path,
                lock_id=exchange.lock_id,
                pin_id=exchange.pin_id,
                status=reply.status,
                fault=exchange.fault,
                applied=exchange.applied,
                alias=body.alias if body else None,
                value_tag=cloud.journal.tag(body.value) if body else None,
                delivery=reply.delivery,
            )
        )
    return replace(reply, headers=(*reply.headers, ("X-Correlation-ID", correlation)))


def _admit(cloud: Cloud, exchange: Exchange) -> Reply | None:
    """Answer what needs no device; None means that the request goes on to it."""
    request, settings = exchange.request, cloud.settings
    path = request.path.removeprefix(settings.api_base).removesuffix("/")
    on_pins, on_lock = _PIN_PATH.fullmatch(path), _LOCK_PATH.fullmatch(path)
    if not request.path.startswith(settings.api_base + "/") or not (on_pins or on_lock or path in _LISTINGS):
        return html_reply(404, "404 - File or directory not found.")
    exchange.key = cloud.gate.find(request.header("Authorization"))
    if exchange.key is None or not exchange.key.is_alive(exchange.at):
        return envelope(OperationResult(401, errors=("Unauthorized.",)))
    windows = [cloud.rate] + ([cloud.listing_rate] if path == "/my/lock" else [])
    for window in windows:
        wait = window.spend(exchange.key.user, exchange.at)
        if wait is not None:
            limited = envelope(OperationResult(429, errors=("API calls quota exceeded.",)))
            return replace(limited, headers=(*limited.headers, ("Retry-After", str(wait))))
    if on_pins:
        return _admit_to_pins(cloud, exchange, int(on_pins[1]), on_pins[2])
    if request.method != "GET":
        return envelope(OperationResult(405, errors=("Method not allowed.",)))
    if on_lock:
        exchange.lock_id = int(on_lock[1])
        return envelope(read_lock(cloud, exchange), ids_as_text=settings.ids_as_text)
    return envelope(_LISTINGS[path](cloud, exchange), ids_as_text=settings.ids_as_text)


def _admit_to_pins(cloud: Cloud, exchange: Exchange, lock_id: int, pin_text: str | None) -> Reply | None:
    request, settings = exchange.request, cloud.settings
    exchange.lock_id = lock_id
    exchange.pin_id = int(pin_text) if pin_text else None
    if request.method not in (("GET", "PUT", "DELETE") if pin_text else ("GET", "POST")):
        return envelope(OperationResult(405, errors=("Method not allowed.",)))
    if request.method != "GET" and exchange.key is not None and not exchange.key.can_write:
        return envelope(OperationResult(settings.write_refusal, errors=("The scope Device.ReadWrite is missing.",)))
    lock = cloud.locks_by_id.get(lock_id)
    if lock is None or lock.forbidden:
        return envelope(OperationResult(403, errors=("User doesn't have permission to the lock.",)))
    if request.method in ("POST", "PUT"):
        if request.header("Content-Type").partition(";")[0].strip().lower() not in _JSON_TYPES:
            return envelope(OperationResult(415, errors=("Unsupported media type.",)))
        exchange.body = read_body(
            request.body,
            now=exchange.at,
            reject_past_start=settings.reject_past_start,
            max_alias=settings.max_alias,
        )
    elif request.method == "GET" and not pin_text:
        _known_version(cloud, exchange)
    return None


def _known_version(cloud: Cloud, exchange: Exchange) -> int | None:
    return None if cloud.settings.list_version == "absent" else exchange.number("listVersion")


def _occupy(cloud: Cloud, exchange: Exchange) -> DeviceSlot | Reply:
    """Occupy the device for one operation, or refuse: 409 while it is busy, 428 while it is out of reach."""
    lock = cloud.locks_by_id[exchange.lock_id or 0]
    cloud.settle(lock)
    if lock.occupied_by is not None:
        exchange.fault = "collision"
    elif lock.always is not None:
        exchange.fault = f"always_{lock.always}"
        return Reply(lock.always)
    elif lock.busy_until is not None and exchange.at < lock.busy_until:
        exchange.fault = "busy_after_timeout"
    elif not lock.reachable:
        exchange.fault = "unplugged"
        return envelope(OperationResult(428, errors=("Lock is disconnected or device setup is incorrect.",)))
    else:
        lock.occupied_by = exchange.seq
        fault = cloud.desk.next(lock.id, exchange.request.method)
        exchange.fault = fault.name if fault else None
        latency = cloud.desk.rng(lock.id).uniform(*cloud.settings.latency)
        return DeviceSlot(lock, fault, 0.0 if fault and fault.at_once else latency)
    return envelope(OperationResult(409, errors=("Other request is currently processing for this device.",)))


def _operate(cloud: Cloud, exchange: Exchange, slot: DeviceSlot, hook: Hook | None) -> Reply:
    """Let the device work, apply, answer. The device is free when this returns or raises, as when the hook raises."""
    try:
        if slot.latency > 0:
            cloud.sleep(slot.latency)
        with cloud.mutex:
            reply = _finish(cloud, exchange, _conclude(cloud, slot.lock, exchange, slot.fault))
        if hook is not None:
            hook(exchange.request, reply)
        return reply
    finally:
        with cloud.mutex:
            slot.lock.occupied_by = None


def _conclude(cloud: Cloud, lock: SimLock, exchange: Exchange, fault: Fault | None) -> Reply:
    """Apply the operation as far as the fault allows, and return what the client receives."""
    cloud.settle(lock)
    rng = cloud.desk.rng(lock.id)
    if cloud.locks_by_id.get(lock.id) is not lock or not lock.reachable:
        # Unplugged or removed while the device was at work: the command never arrived.
        exchange.fault = exchange.fault or "unplugged"
        return envelope(OperationResult(408, errors=("Timeout while sending data to the device.",)))
    effect = fault.effect if fault else "applied"
    if effect == "either":
        effect = rng.choice(("applied", "lost"))
    outcome = OperationResult(408)
    if effect == "applied":
        outcome = _perform(cloud, lock, exchange)
        exchange.applied = outcome.changed
    elif effect == "late":
        _postpone(cloud, lock, exchange)
    return _heard(cloud, lock, outcome, fault, rng)


def _heard(cloud: Cloud, lock: SimLock, outcome: OperationResult, fault: Fault | None, rng: random.Random) -> Reply:
    """The reply that the fault lets through to the client."""
    ids_as_text = cloud.settings.ids_as_text
    if fault is None:
        return envelope(outcome, ids_as_text=ids_as_text)
    status = rng.choice(fault.statuses) if fault.masks else outcome.status
    if status == 408 and cloud.settings.busy_after_timeout > 0:
        lock.busy_until = cloud.clock() + timedelta(seconds=cloud.settings.busy_after_timeout)
    if fault.html:
        return replace(html_reply(status, f"{status} - the server could not answer"), delivery=fault.delivery)
    shown = OperationResult(status, errors=(f"Status {status}.",)) if fault.masks else outcome
    return replace(envelope(shown, ids_as_text=ids_as_text), delivery=fault.delivery)


def _perform(cloud: Cloud, lock: SimLock, exchange: Exchange) -> OperationResult:
    """Do to the lock's pins what the request asks."""
    settings, body, pin_id = cloud.settings, exchange.body, exchange.pin_id
    note = note_maker(cloud.clock(), exchange.seq)
    if exchange.request.method == "GET":
        if pin_id is not None:
            return lock.read(pin_id)
        return lock.listing(_known_version(cloud, exchange), cloud.clock(), cloud.desk.rng(lock.id))
    if pin_id is not None and pin_id not in lock.pins:
        return GONE
    if body is None:
        lock.remove(pin_id or 0, note)
        return OperationResult(204, changed=True)
    refused = lock.refusal(body, of=pin_id, unique_alias=settings.unique_alias)
    if refused is not None:
        return refused
    if pin_id is not None:
        lock.update(pin_id, body, note)
        return OperationResult(204, changed=True)
    if lock.full:
        return OperationResult(settings.full_status, errors=("Adding more pins is not available.",))
    created = lock.create(body, cloud.new_uid(), note)
    return OperationResult(201, {"id": created}, changed=True)


def _postpone(cloud: Cloud, lock: SimLock, exchange: Exchange) -> None:
    """Remember a write that reaches the lock late. A read changes nothing, nor does a write to a missing pin."""
    target = lock.pins.get(exchange.pin_id) if exchange.pin_id is not None else None
    if exchange.request.method == "GET" or (exchange.pin_id is not None and target is None):
        return
    due_at = cloud.clock() + timedelta(seconds=cloud.settings.late_seconds)
    uid = target.uid if target else None
    lock.late.append(LateWrite(due_at, exchange.request.method, uid, exchange.body, exchange.seq))
    cloud.saved_change()
