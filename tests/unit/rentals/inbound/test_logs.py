"""The secret part of an address is in no log: not in ours, not in the web server's, whoever writes it."""

from __future__ import annotations

import http.client
import logging
import os
import subprocess
from pathlib import Path

import pytest

from config.logging import MASK, SecretPaths, redact
from pins.stack import processes
from pins.stack.lifetime import end_with_parent
from rentals.models.tokens import new_token
from tests.support.paths import ROOT
from tests.support.waiting import until

TOKEN = "T0ken-T0ken_T0ken"


@pytest.mark.parametrize(
    "line",
    [
        f'"POST /webhooks/ical/{TOKEN}/ HTTP/1.1" 202 57',
        f'"POST /webhooks/ical/{TOKEN} HTTP/1.1" 202 57',
        f"POST /webhooks/tedee/{TOKEN}?x=1",
        f"//webhooks//ical//{TOKEN}//",
        f"Not Found: /webhooks/{TOKEN}/",
        f"/webhooks/icl/{TOKEN}/",
        f"/webhooks/ical/more/{TOKEN}",
        f"referer https://codes.example.com/webhooks/ical/{TOKEN}/",
    ],
)
def test_whatever_follows_webhooks_is_masked(line: str) -> None:
    assert TOKEN not in redact(line)
    assert MASK in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "Not Found: /Webhooks/ical/{}/",
        "Not Found: /webhook/ical/{}",
        "Not Found: /ical/{}/",
        "Not Found: /{}",
        "Not Found: /%FF{}",
        "Not Found: /calendars//{}.ics",
        "Not Found: /Calendar/{}.ics",
        "Invalid request from ip=127.0.0.1: Invalid HTTP method: '{}'",
        "Invalid HTTP_HOST header: '{}'.",
    ],
)
def test_a_token_is_masked_in_a_mistyped_address_too(line: str) -> None:
    token = new_token()
    assert redact(line.format(token)) != line.format(token)
    assert token not in redact(line.format(token))


def test_the_rest_of_an_access_line_stays_readable() -> None:
    assert redact(f'"POST /webhooks/ical/{TOKEN}/ HTTP/1.1" 202 57') == f'"POST /webhooks/ical/{MASK} HTTP/1.1" 202 57'


def test_a_record_is_masked_before_any_handler_sees_it() -> None:
    record = logging.LogRecord("x", logging.WARNING, "x", 1, "%s: %s", ("Not Found", f"/webhooks/ical/{TOKEN}/"), None)
    record.request = object()
    assert SecretPaths().filter(record)
    assert record.getMessage() == f"Not Found: /webhooks/ical/{MASK}"
    assert not hasattr(record, "request")


def test_other_records_are_left_as_they_are() -> None:
    record = logging.LogRecord("x", logging.WARNING, "x", 1, "%s: %s", ("Not Found", "/admin/100%"), None)
    record.request = object()
    assert SecretPaths().filter(record)
    assert (record.getMessage(), record.args) == ("Not Found: /admin/100%", ("Not Found", "/admin/100%"))
    assert hasattr(record, "request")


@pytest.mark.parametrize("extra", [[], ["--log-level", "debug"]], ids=["as run", "all logs on"])
def test_the_web_server_writes_no_token(extra: list[str], tmp_path: Path) -> None:
    """The command that `manage.py run` uses; and once more with every log that an operator may switch on."""
    port = processes.free_port()
    command = [*processes.web(f"127.0.0.1:{port}").command, *extra]
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - system calls only
        )
    try:
        until(lambda: processes.accepts(f"127.0.0.1:{port}"), "the web server to listen", 60)
        requests = [
            # There is no table in the database: a fault of ours, answered in JSON.
            ("POST", f"/webhooks/ical/{TOKEN}/", 503),
            ("POST", f"/webhooks/tedee/{TOKEN}", 503),
            ("GET", f"/webhooks/ical/{TOKEN}/", 405),
            ("POST", f"/webhooks/{TOKEN}/", 404),
            ("POST", f"//webhooks//ical//{TOKEN}//?token={TOKEN}", 404),
        ]
        for method, path, status in requests:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request(method, path, headers={"Referer": f"http://x/webhooks/ical/{TOKEN}/"})
            answer = connection.getresponse()
            assert answer.status == status, (method, path, answer.status)
            answer.read()
            connection.close()
    finally:
        server.terminate()
        server.wait(timeout=30)
    written = log.read_text()
    assert TOKEN not in written
    if extra:
        assert written.count(f"/webhooks/ical/{MASK}") >= 2, written
