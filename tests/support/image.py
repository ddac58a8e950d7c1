"""The processes of docker-compose.yml, in the image that `.ci/image` built, without an engine.

What an engine gives a container comes from the kernel directly: a mount and a host name of its own, a read-only root
with a fresh /tmp, the image's user without any capability, and the image's environment. The network is this machine's.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from config.broker import answers
from pins.stack.lifetime import end_with_parent
from tests.support.embedded_server import EmbeddedServer
from tests.support.paths import ROOT
from tests.support.processes import Child, Stack

#: $1: the root of the image, $2: the host name, $3: the user; then the command. Everything replaces itself by `exec`,
#: so that the process has one number from beginning to end.
ENTER = """
root=$1 name=$2 user=$3; shift 3
hostname "$name"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --inh-caps=-all \
    --bounding-set=-all --pdeathsig KILL "$@"
"""


@dataclass(frozen=True)
class Image:
    """What `.ci/image` left in its folder."""

    root: Path
    user: str
    workdir: str
    environment: dict[str, str]
    command: list[str]

    @classmethod
    def of(cls, folder: Path) -> Image:
        config = json.loads((folder / "image.json").read_text())["OCIv1"]["config"]
        environment = dict(line.split("=", 1) for line in config["Env"])
        root = (folder / "root").resolve(strict=True)
        return cls(root, config["User"], config["WorkingDir"], environment, config["Cmd"])

    @property
    def uid(self) -> int:
        lines = (self.root / "etc/passwd").read_text().splitlines()
        return next(int(line.split(":")[2]) for line in lines if line.startswith(f"{self.user}:"))

    def enter(self, host: str, command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """The command line that runs a command in the image, after `unshare`."""
        settings = [f"{name}={value}" for name, value in {**self.environment, **environment, "HOSTNAME": host}.items()]
        inside = ["env", "--ignore-environment", f"--chdir={self.workdir}", *settings, *command]
        shell = ["sh", "-euc", ENTER, "enter", str(self.root), host, self.user]
        return ["--mount", "--uts", "--propagation", "private", "--", *shell, *inside]


def services() -> dict[str, Any]:
    """The services of docker-compose.yml."""
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])


def filled_in(words: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """Compose's `${NAME:?message}` with its value, and `$$` as `$`."""
    return [
        re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: variables[found[1]], word).replace("$$", "$") for word in words
    ]


class RedisOfCompose(EmbeddedServer):
    """redis-server with the command line of docker-compose.yml, on a loopback port."""

    def __init__(self, folder: Path, password: str, port: int) -> None:
        super().__init__(folder / "redis.sock")
        self.url = f"redis://:{password}@127.0.0.1:{port}/0"
        self.url_without_password = f"redis://127.0.0.1:{port}/0"
        self._folder = folder
        command = filled_in(services()["redis"]["command"], {"REDIS_PASSWORD": password})
        self._command = [*command, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]

    def start(self) -> None:
        program = shutil.which(self._command[0])
        assert program is not None, "redis-server is not installed"
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, *self._command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - two system calls, looked up beforehand
            )
        deadline = time.monotonic() + 10
        while not answers(self.url):
            assert time.monotonic() < deadline, (self._folder / "redis.log").read_text()
            time.sleep(0.02)


class ImageStack(Stack):
    """A stack whose product runs in the image; simulator and front desk, which are no part of it, run outside.

    Each process has the name of its service in docker-compose.yml, with a number after a dot where there are several.
    """

    def __init__(self, folder: Path, database_url: str, image: Image, *, web_port: int, redis: RedisOfCompose) -> None:
        self.image = image
        self._web_port = str(web_port)
        self._services = services()
        super().__init__(folder, database_url, simulator=["--locks", "1"], settings={"REDIS_URL": redis.url})
        self.redis: RedisOfCompose = redis

    def _child(self, name: str, command: Sequence[str], further: Mapping[str, str] | None = None) -> Child:
        service = self._services.get(name.partition(".")[0])
        if service is None:
            return super()._child(name, command, further)
        words = [self._at_our_port(word) for word in service.get("command") or self.image.command]
        inside = self.image.enter(name, words, self._inside())
        return Child(name, inside, self.folder, self._environment, program="unshare")

    def _make_tables(self) -> None:
        self._migrate()  # by the image itself

    def start_service(self, name: str) -> Child:
        return self.start_further(name)

    def is_healthy(self, name: str) -> bool:
        """What the health check of this service says, asked inside the image."""
        kind, *words = self._services[name.partition(".")[0]]["healthcheck"]["test"]
        words = [self._at_our_port(word) for word in filled_in(words, {})]
        command = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        done = subprocess.run(
            ["unshare", *self.image.enter(name, command, self._inside())],
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            print(done.stdout + done.stderr)
        return done.returncode == 0

    def _inside(self) -> dict[str, str]:
        """The environment of `x-app`, with the addresses of this machine; no path outside the image."""
        outside = {"PATH", "HOME", "LANG", "TZ", "TURNKEY_VAR_DIR", "TURNKEY_ENV_FILE", "PYTHONUNBUFFERED"}
        inside = {name: value for name, value in self._environment.items() if name not in outside}
        return {**inside, "TURNKEY_VAR_DIR": self._services["web"]["environment"]["TURNKEY_VAR_DIR"]}

    def _at_our_port(self, word: str) -> str:
        return word.replace("0.0.0.0:8000", f"127.0.0.1:{self._web_port}").replace(":8000/", f":{self._web_port}/")
