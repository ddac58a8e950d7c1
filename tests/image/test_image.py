"""The image as an engine would run it: migrations, web, workers and two beats, and one code on a lock."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from config.broker import answers
from pins.stack.processes import free_port
from tests.chaos import proofs
from tests.support.image import Image, ImageStack, RedisOfCompose

pytestmark = [pytest.mark.real_processes, pytest.mark.postgres, pytest.mark.timeout(600)]

FURTHER = ("worker-slow", "beat.2", "web")


def test_its_processes_set_a_code_with_a_read_only_root(
    image_folder: Path, postgres_database_url: str, tmp_path: Path
) -> None:
    image, web_port = Image.of(image_folder), free_port()
    redis = RedisOfCompose(tmp_path, secrets.token_hex(8), free_port())
    with ImageStack(tmp_path, postgres_database_url, image, web_port=web_port, redis=redis) as stack:
        assert not answers(redis.url_without_password), "Redis lets in whoever knocks"
        for name in FURTHER:
            stack.start_service(name)
        web = httpx.Client(base_url=f"http://127.0.0.1:{web_port}", trust_env=False)
        with web:
            stack.wait_for("the web server is ready", lambda: _is_ready(web), 90)
        running = {child.name: child.pid for child in stack.children if child.name in ("worker", "beat", *FURTHER)}

        (lock,) = stack.locks()
        flats = [{"name": "Flat", "doors": [lock["id"]]}]
        (flat,) = stack.desk.ask("furnish", key=stack.key, locks=[lock], flats=flats).values()
        check_in = proofs.whole_now() + timedelta(days=1)
        stay = {"flat": flat, "guest": "Anna", "check_in": check_in.isoformat()}
        stack.desk.ask("book", stays=[{**stay, "check_out": (check_in + timedelta(days=2)).isoformat()}])
        proofs.wait_until_right(stack, "the code is on the lock", 120)

        assert len(running) == 2 + len(FURTHER)
        for name, pid in running.items():
            assert pid is not None
            assert _facts(pid) == (image.uid, 0, 1, "ro"), f"{name}: user, capabilities, no new privileges, root"
            assert stack.is_healthy(name), name
        proofs.assert_never_wrong(stack, [])


def _is_ready(web: httpx.Client) -> bool:
    try:
        return web.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _facts(pid: int) -> tuple[int, int, int, str]:
    """User id, effective capabilities, NoNewPrivs (proc(5), status), and how the root is mounted (mountinfo)."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    root = next(
        line.split()
        for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
        if re.fullmatch("/", line.split()[4])
    )
    return (
        int(status["Uid"].split()[1]),
        int(status["CapEff"], 16),
        int(status["NoNewPrivs"]),
        root[5].split(",")[0],
    )
