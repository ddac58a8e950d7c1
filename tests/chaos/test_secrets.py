"""No code, key, address of a calendar or a machine, and no guest's phone leaves the encrypted columns: not for a log,
the broker, a task's arguments, the raw database."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from rentals import signing_secrets
from tests.chaos import proofs, traces, village
from tests.support import calendars
from tests.support.processes import Stack
from tests.support.scripted_server import Server, answer

LOCKS = 6


@pytest.mark.real_processes
@pytest.mark.timeout(1800)
def test_codes_and_keys_are_found_nowhere(sqlite_url: str, tmp_path: Path) -> None:
    key, second_key = (secrets.token_urlsafe(32) for _ in range(2))
    marker = f"{secrets.randbelow(10**8):08d}"  # looks like a code but is none: it must be found
    options = [
        "--locks",
        str(LOCKS),
        "--latency",
        "0.1-0.3",
        "--late-seconds",
        "5",
        "--faults",
        village.FAULTS,
        "--seed",
        proofs.seed_of_faults(17),
    ]
    further = {name: secrets.token_urlsafe(24) for name in ("feed user", "feed path", "robot path")}
    further |= {"signing secret": signing_secrets.generate(), "phone": f"6{secrets.randbelow(10**9):09d}"}
    settings = {"LOG_LEVEL": "DEBUG", "FEEDS_ALLOW_PRIVATE_HOSTS": "1", "FEED_TICK_SECONDS": "1", "NOTIFY_SECONDS": "1"}
    impatient = {"DATABASE_URL": f"{sqlite_url}?timeout=4"}  # gives up on a locked database after so many seconds
    with (
        Server([answer(200, raw=_calendar(further["phone"])), answer(500)]) as channel,
        Server([answer(200), answer(500)]) as robot,
        Stack(tmp_path, sqlite_url, key=key, simulator=options, settings=settings, worker_settings=impatient) as stack,
    ):
        with traces.Monitor(stack.redis.socket) as monitor:
            flats = _furnish(stack)
            address = f"http://{further['feed user']}:pw@127.0.0.1:{channel.port}/{further['feed path']}.ics"
            feed = stack.desk.ask("subscribe", flat=flats[0], name="Airbnb", url=address)
            target = f"http://127.0.0.1:{robot.port}/{further['robot path']}"
            stack.desk.ask("tell_robot", target=target, signing_secret=further["signing secret"])
            stack.wait_for("the calendar is read", lambda: stack.desk.ask("calendar", feed=feed)["stays"], 120)
            stack.control("script", lock_id=stack.locks()[0]["id"], steps=["POST:400"])
            codes = _book(stack, flats, "Anna")
            proofs.wait_until_right(stack, "the first stays have their pins, one with another code")

            stack.control("keys", label="demo", revoked=True)
            codes |= _book(stack, flats[:1], "Ben")
            stack.wait_for("the dead key is noticed", lambda: 401 in _statuses(stack), 60)
            stack.control("keys", label="second", key=second_key)
            stack.desk.ask("change_key", key=second_key)
            proofs.wait_until_right(stack, "the new key works")

            waiting = _dump_of_waiting_work(stack, flats, marker)
            proofs.wait_until_right(stack, "all stays have their pins")
            codes |= _codes(stack)
            _break_the_database(stack, tmp_path / "turnkey.sqlite3", flats)
            codes |= _codes(stack)
            stack.wait_for("the machine is told, and does not listen", lambda: len(robot.requests) > 1, 120)
        live = traces.read_all(tmp_path.glob("turnkey.sqlite3*"))
        broker = {"Redis dump": waiting + traces.dump(stack.redis.url), "Redis MONITOR": monitor.heard}
        statuses = _statuses(stack)
    logs = traces.read_all(tmp_path.glob("*.log"))
    closed = {f"{name} (closed)": data for name, data in traces.read_all(tmp_path.glob("turnkey.sqlite3*")).items()}

    # The run had what it is about: errors of every kind, tracebacks, messages in the queue.
    assert {400, 401, 408, 409, 428} <= statuses
    assert b"database is locked" in logs["worker.log"]
    assert b"Traceback" in logs["worker.log"]
    assert b"DEBUG" in logs["worker.log"]
    assert b"pins.tasks.run_lock" in waiting
    assert len(codes) >= 3 * LOCKS + 2
    assert all(len(code) == 8 for code in codes)
    # The search sees what is there: the marker was a guest's name and a key in Redis.
    found = traces.find({"marker": marker}, broker | closed)
    assert {"marker in Redis dump in clear", "marker in Redis MONITOR in clear"} <= set(found)
    assert "marker in turnkey.sqlite3 (closed) in clear" in found

    canaries = {f"code {number}": code for number, code in enumerate(sorted(codes))}
    canaries |= {"key": key, "second key": second_key, "field key": stack.field_key, **further}
    told = {"messages": b"\n".join(request.body for request in robot.requests)}
    places = logs | live | closed | broker | told
    assert traces.find(canaries, places) == []
    proofs.write_figures(
        "secrets",
        [
            f"searched for {len(codes)} codes, 2 access keys, 1 field key, {', '.join(further)}",
            "each in clear, base64, hex, UTF-16",
            f"in {', '.join(f'{name} {len(data) / 1024:.0f} KiB' for name, data in places.items())}",
            f"answers of the cloud met on the way: {', '.join(map(str, sorted(statuses)))}; found: 0",
        ],
    )


def _calendar(phone: str) -> bytes:
    """A stay in a month whose guest's phone stands in its words."""
    first = proofs.whole_now().date() + timedelta(days=20)
    told = rf"Guest: Carla Rossi\nPhone: {phone}"
    return calendars.calendar(
        calendars.event("a@example.com", first, first + timedelta(days=2), "Carla Rossi", DESCRIPTION=told)
    )


def _furnish(stack: Stack) -> list[int]:
    locks = stack.locks()
    flats = [{"name": lock["name"], "doors": [lock["id"]], "code_length": 8} for lock in locks]
    return list(stack.desk.ask("furnish", key=stack.key, locks=locks, flats=flats).values())


def _book(stack: Stack, flats: list[int], guest: str) -> set[str]:
    """Two stays for each flat; returns all codes that exist now, before a lock can have refused one."""
    stays = []
    for flat in flats:
        for day in (1, 4):
            check_in = proofs.whole_now() + timedelta(days=day)
            stay = {"flat": flat, "guest": guest, "check_in": check_in.isoformat()}
            stays.append({**stay, "check_out": (check_in + timedelta(days=2)).isoformat()})
    stack.desk.ask("book", stays=stays)
    return _codes(stack)


def _codes(stack: Stack) -> set[str]:
    """What the database gives out and what the locks hold."""
    on_locks = {pin["pin"] for lock in stack.locks() for pin in lock["pins"] if not pin["foreign"]}
    return on_locks | {stay["code"] for stay in stack.desk.ask("stays") if stay["code"]}


def _statuses(stack: Stack) -> set[int]:
    return {request["status"] for request in stack.journal()["requests"]}


def _dump_of_waiting_work(stack: Stack, flats: list[int], marker: str) -> bytes:
    """The broker while messages wait in it, because the worker is held."""
    pid = stack.worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        _book(stack, flats, marker)
        with stack.redis_client() as client:
            client.set("marker", marker)
        return traces.dump(stack.redis.url)
    finally:
        os.kill(pid, signal.SIGCONT)


def _break_the_database(stack: Stack, path: Path, flats: list[int]) -> None:
    """Lock the database under the worker while requests are under way: it cannot store their answers and raises."""
    _book(stack, flats, "Carla")
    stack.wait_for("requests are under way", lambda: any(lock["occupied"] for lock in stack.locks()), 60, every=0.01)
    intruder = sqlite3.connect(path, isolation_level=None)
    try:
        intruder.execute("PRAGMA busy_timeout = 30000")
        intruder.execute("BEGIN IMMEDIATE")
        stack.wait_for("the worker meets a locked database", lambda: stack.worker.said("database is locked"), 18)
        intruder.execute("ROLLBACK")
    finally:
        intruder.close()


@pytest.mark.parametrize(
    "hide",
    [
        lambda secret: f"INFO something: pin {secret} refused".encode(),
        lambda secret: json.dumps({"kwargs": {"code": secret}}).encode(),
        lambda secret: base64.b64encode(json.dumps([[], {"lock_id": 7, "code": secret}]).encode()),
        lambda secret: base64.b64encode(json.dumps([[], {"lock": 12, "code": secret}]).encode()),
        lambda secret: base64.urlsafe_b64encode(f"ÿ>{secret}?".encode()),
        lambda secret: secret.encode().hex().upper().encode(),
        lambda secret: secret.encode("utf-16"),
    ],
    ids=["log", "json", "base64", "base64 elsewhere", "url-safe base64", "hex", "UTF-16"],
)
@pytest.mark.parametrize("secret", ["73019458", "vT3k-_9Zs8Yq1LmN0pXw"], ids=["code", "key"])
def test_the_search_finds_a_planted_secret(secret: str, hide: object) -> None:
    assert callable(hide)
    assert traces.find({"it": secret}, {"there": b"before " * 3 + hide(secret) + b" after", "elsewhere": b"x"})


@pytest.mark.parametrize("text", ["173019458", "730194581", "1763843512.730194", "7301 9458", ""])
def test_the_search_is_not_misled_by_longer_numbers(text: str) -> None:
    assert traces.find({"it": "73019458"}, {"there": text.encode()}) == []
