"""The sample requests of Tedee's documents, word for word, with the answers shown beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.paths import ROOT

FOLDER = ROOT / "tests" / "contract" / "samples"
ACCESS_TOKEN = "<<access token>>"  # stands for a secret in every sample


@dataclass(frozen=True)
class Sample:
    """One request as the documents show it."""

    name: str
    method: str
    target: str  # path and query
    headers: dict[str, str]  # names in lower case
    body: dict[str, object] | None
    status: int
    answer: dict[str, object] | None  # None: the documents show none

    @property
    def base(self) -> str:
        """The path that leads to one version of the API."""
        return "/".join(self.target.split("/")[:3])


def samples() -> dict[str, Sample]:
    """All of them by the name of their file, which begins with the version of the API."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.txt"))}


def _read(path: Path) -> Sample:
    source, *parts = path.read_text(encoding="utf-8").split("\n== ")
    if not source.startswith("Tedee API v"):
        raise ValueError(f"{path.name} does not name its source")
    sections = {title: content.strip() for title, _, content in (part.partition("\n") for part in parts)}
    first, *lines = sections["request"].splitlines()
    method, url = first.split(" ")
    status = next(title.removeprefix("answer ") for title in sections if title.startswith("answer "))
    parsed = urlsplit(url)
    return Sample(
        name=path.stem,
        method=method,
        target=f"{parsed.path}?{parsed.query}" if parsed.query else parsed.path,
        headers={name.lower(): value for name, value in (line.split(": ", 1) for line in lines)},
        body=json.loads(sections["body"]) if "body" in sections else None,
        status=int(status),
        answer=json.loads(sections[f"answer {status}"] or "null"),
    )
