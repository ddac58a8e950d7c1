"""Letters and text messages, really sent, by a process that is killed when the server took them and did not say so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pins.guests.sending import ONCE_MORE, PERHAPS_TWICE
from pins.stack.lifetime import end_with_parent
from tests.support import migrated
from tests.support.mail_server import MailServer
from tests.support.paths import ROOT
from tests.support.scripted_server import Server, answer, hang
from tests.support.waiting import until

pytestmark = [pytest.mark.real_processes, pytest.mark.timeout(120)]


class Sender:
    """The process `tests.support.sender`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.sender"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - system calls only
        )

    def begin(self, action: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{action}\n")
        self.process.stdin.flush()

    def do(self, *actions: str) -> Any:
        """Answers what the last of them said."""
        assert self.process.stdout is not None
        for action in actions:
            self.begin(action)
            line = self.process.stdout.readline()
            assert line, f"the sender ended at: {action}"
        return json.loads(line)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def sender(environment: dict[str, str]) -> Iterator[Sender]:
    one = Sender(environment)
    try:
        yield one
    finally:
        one.kill()


def ids(server: MailServer) -> list[str]:
    return [next(line for line in text.splitlines() if line.startswith("Message-ID")) for _, text in server.letters]


def test_each_is_sent_once_more_and_the_host_hears_of_the_one_that_carries_no_id(tmp_path: Path) -> None:
    database = tmp_path / "turnkey.sqlite3"
    with MailServer(silent=True) as mail, Server([hang(), answer(200)]) as texts:
        environment = os.environ | {
            "DATABASE_URL": f"sqlite:///{database}",
            "EMAIL_URL": f"smtp://127.0.0.1:{mail.port}",
            "PUBLIC_URL": "https://codes.example.com",
            "TEXT_SERVICE_URL": f"http://127.0.0.1:{texts.port}/sms",
        }
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        migrated.put(database, lambda: subprocess.run(migrate, cwd=ROOT, env=environment, check=True, timeout=120))

        with sender(environment) as first:
            first.do("prepare")
            first.begin("send")
            until(lambda: mail.letters, "the letter is taken", 60)
        mail.silent = False
        with sender(environment) as second:
            second.do("age")
            second.begin("send")
            until(lambda: texts.requests, "the text message is taken", 60)
        with sender(environment) as third:
            stands = third.do("send", "look")
            assert stands["messages"] == {"email": ["sent", ""], "text": ["waiting", ""]}  # still claimed
            stands = third.do("age", "send", "look")
            assert stands["messages"]["text"] == ["waiting", ONCE_MORE]
            assert stands["incidents"] == ["guest_not_told"]
            assert len(texts.requests) == 1  # not before the host was told
            stands = third.do("age", "send", "look")
            assert stands["messages"]["text"] == ["sent", PERHAPS_TWICE]
            assert stands["incidents"] == []
            third.do("age", "send")
    assert len(set(ids(mail))) == 1
    assert [recipients for recipients, _ in mail.letters] == [["anna@example.com"]] * 2
    assert len(texts.requests) == 2
