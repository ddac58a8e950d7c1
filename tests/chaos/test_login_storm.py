"""A storm of wrong passwords from a thousand addresses: the health check answers, and the host logs in.

The web server is the one of `manage.py run`: one process with eight threads.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from pins.stack import processes
from tests.chaos import proofs
from tests.support import migrated
from tests.support.embedded_server import EmbeddedServer
from tests.support.paths import ROOT
from tests.support.waiting import until

pytestmark = [pytest.mark.real_processes, pytest.mark.timeout(240)]

ATTACKERS = 40
SECONDS = 6.0
PASSWORD = "the pass-phrase of the host"


def test_health_checks_and_the_host_get_through(tmp_path: Path) -> None:
    port = processes.free_port()
    with EmbeddedServer(tmp_path / "r.sock") as broker:
        environment = {
            **os.environ,
            "TURNKEY_ENV_FILE": "",
            "TURNKEY_VAR_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'turnkey.sqlite3'}",
            "REDIS_URL": broker.url,
            "TRUSTED_PROXIES": "127.0.0.1",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }

        def manage(*command: str) -> None:
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)

        migrated.put_at(environment["DATABASE_URL"], lambda: manage("migrate", "--verbosity", "0"))
        manage("createsuperuser", "--no-input", "--username", "host", "--email", "host@example.com")
        web = subprocess.Popen(
            processes.web(f"127.0.0.1:{port}").command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
        )
        try:
            until(lambda: processes.accepts(f"127.0.0.1:{port}"), "gunicorn to listen", 60)
            _storm(f"http://127.0.0.1:{port}")
        finally:
            web.terminate()
            web.wait(30)


def _storm(base: str) -> None:
    with httpx.Client(timeout=60) as host, httpx.Client(timeout=60) as new:
        _measure(base, host, new)


def _measure(base: str, host: httpx.Client, new: httpx.Client) -> None:
    assert _host_logs_in(host, base, patience=30) is not None
    host.cookies.delete("sessionid")  # the session ended; the browser is still known
    calm = _health(base, SECONDS / 2)
    context = multiprocessing.get_context("spawn")  # in a process of its own: it must not slow our own clock
    over, told = context.Event(), context.Queue()
    attack = context.Process(target=attackers, args=(base, over, told), daemon=True)
    attack.start()
    try:
        assert told.get(timeout=60) == "began"
        time.sleep(1)
        stormy = _health(base, SECONDS)
        known = _host_logs_in(host, base, patience=60)
        stranger = _host_logs_in(new, base, patience=30)
    finally:
        over.set()
    answers: Counter[int] = told.get(timeout=60)
    attack.join(60)
    ratio = statistics.median(stormy) / statistics.median(calm)
    proofs.write_figures(
        "login-storm",
        [
            f"{ATTACKERS} connections with wrong passwords, each try from another address: {sorted(answers.items())}",
            f"/healthz without: median {statistics.median(calm) * 1000:.1f} ms of {len(calm)}",
            f"/healthz in the storm: median {statistics.median(stormy) * 1000:.1f} ms of {len(stormy)}",
            f"ratio of the medians: {ratio:.1f}",
            f"/healthz in the storm: longest {max(stormy) * 1000:.0f} ms",
            f"seconds until the host was in, in the storm: {known} in the usual browser, {stranger} in a new one",
        ],
    )
    assert known is not None, "the host did not get in from the browser that is known"
    assert statistics.median(stormy) < 1
    assert max(stormy) < 10
    assert answers[429] > 0
    assert set(answers) <= {200, 429}


def _health(base: str, seconds: float) -> list[float]:
    """How long each answer took, asked one after the other."""
    found, ends = [], time.monotonic() + seconds
    with httpx.Client(timeout=30) as client:
        while time.monotonic() < ends:
            began = time.monotonic()
            assert client.get(f"{base}/healthz").status_code == 200
            found.append(time.monotonic() - began)
            time.sleep(0.05)
    return found


def attackers(base: str, over: Any, told: Any) -> None:
    """Wrong passwords on many connections until it is over."""
    answers: Counter[int] = Counter()
    threads = [threading.Thread(target=_attack, args=(base, over, answers)) for _ in range(ATTACKERS)]
    for one in threads:
        one.start()
    told.put("began")
    for one in threads:
        one.join()
    told.put(answers)


def _attack(base: str, over: Any, answers: Counter[int]) -> None:
    with httpx.Client(timeout=60) as client:
        token = _token(client, base)
        while not over.is_set():
            address = f"10.{secrets.randbelow(250)}.{secrets.randbelow(250)}.{secrets.randbelow(250)}"
            answers[_try(client, base, token, f"name{secrets.randbelow(10_000)}", "wrong", address).status_code] += 1


def _host_logs_in(client: httpx.Client, base: str, patience: float) -> float | None:
    """As a person does: waits as long as the page says, and tries again. The seconds it took, if it succeeded."""
    began = time.monotonic()
    token = _token(client, base)
    while time.monotonic() - began < patience:
        answer = _try(client, base, token, "host", PASSWORD, "203.0.113.5")
        if answer.status_code == 302:
            return round(time.monotonic() - began, 1)
        assert answer.status_code == 429, answer.status_code
        time.sleep(int(answer.headers["Retry-After"]))
    return None


def _token(client: httpx.Client, base: str) -> str:
    page = client.get(f"{base}/admin/login/").text
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return found[1]


def _try(client: httpx.Client, base: str, token: str, name: str, password: str, address: str) -> httpx.Response:
    data = {"csrfmiddlewaretoken": token, "username": name, "password": password}
    return client.post(f"{base}/admin/login/", data=data, headers={"X-Forwarded-For": address})
