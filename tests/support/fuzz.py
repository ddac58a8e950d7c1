"""Requests that no browser sends: structured nonsense for each address, the same for the same seed and number."""

from __future__ import annotations

import gzip
import json
import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes
from wsgiref.util import setup_testing_defaults

from tests.support.paths import ROOT

_CSRF: Final = "a" * 32
_METHODS: Final = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "X" * 300)
_TYPES: Final = (
    "",
    "text/calendar",
    "text/calendar; charset=klingon",
    "application/json",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=\xff",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=" + "y" * 400,
    "text/plain; charset=hex",
    "text/plain; charset=idna",
    "text/plain; charset*=utf-7''x",
    "text/plain;;;=",
    "*/*",
    "; charset",
)
_TEXTS: Final = (
    "",
    "0",
    "-1",
    "1e400",
    "9" * 30,
    str(2**63),
    "NaN",
    "null",
    "'",
    '"',
    "%",
    "%00",
    "\x00",
    "..",
    "../../etc/passwd",
    "//evil.example/",
    "javascript:alert(1)",
    "<script>",
    "{{7*7}}",
    "\ud800",
    "\u202e",
    "é" * 200,
    "A" * 3000,
    "2027-02-30",
    "0001-01-01",
    "9999-12-31",
    "all",
    "true",
)
_FIELDS: Final = ("q", "page", "p", "o", "e", "all", "from", "next", "show", "id", "pk", "only", "_popup", "_to_field")
_HEADERS: Final = (
    "HTTP_HOST",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_CONTENT_ENCODING",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_COOKIE",
    "HTTP_AUTHORIZATION",
    "HTTP_REFERER",
    "HTTP_ORIGIN",
    "HTTP_RANGE",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_CSRFTOKEN",
    "HTTP_WEBHOOK_ID",
    "HTTP_WEBHOOK_TIMESTAMP",
    "HTTP_WEBHOOK_SIGNATURE",
    "HTTP_HX_REQUEST",
    "HTTP_USER_AGENT",
)
_SAID: Final = (
    "gzip",
    "x-gzip",
    "br",
    "chunked",
    "identity",
    "bytes=0-0,5-",
    'W/"x"',
    "*",
    "Thu, 32 Foo 2027 99:99:99 GMT",
    "sessionid=x; csrftoken=\xff\xfe; messages=[[",
    "Basic ====",
    "Bearer ",
    "pl;q=x,*;q=0.5",
    "127.0.0.1, unknown, [::1]:99",
    "localhost:99999",
    "localhost",
    "evil.example",
    "[::1",
    "v1,AAAA v1a,=",
    "msg_1",
    "1.5e99",
)


@dataclass
class Request:
    """One request, with all that is needed to send it again."""

    method: str
    path: str  # quoted
    query: str
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        body = self.body if len(self.body) < 600 else self.body[:600] + f"... ({len(self.body)} bytes)".encode()
        return f"{self.method} {self.path}?{self.query}\n{self.content_type!r} {self.headers!r}\n{body!r}"

    def environ(self, address: str) -> dict[str, Any]:
        """As a web server hands it on: bytes as Latin-1."""
        made = {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": unquote_to_bytes(self.path).decode("latin-1"),
            "QUERY_STRING": self.query,
            "REMOTE_ADDR": address,
            "HTTP_HOST": "localhost",
            "CONTENT_TYPE": self.content_type,
            "CONTENT_LENGTH": str(len(self.body)),
            "wsgi.input": BytesIO(self.body),
            "wsgi.errors": StringIO(),
        }
        made |= {key: value.encode("utf-8", "surrogatepass").decode("latin-1") for key, value in self.headers.items()}
        setup_testing_defaults(made)
        return made


class Fuzz:
    """`known`: addresses as the resolver writes them (`/calendars/<token>.ics`), with the values that exist."""

    def __init__(self, seed: str, patterns: Sequence[str], known: Mapping[str, Sequence[str]]) -> None:
        self._seed, self._patterns, self._known = seed, patterns, known
        self._calendars = [one.read_bytes() for one in sorted((ROOT / "tests" / "ical").glob("*.ics"))]
        assert self._calendars

    def request(self, number: int) -> Request:
        """The same for the same number, whatever was made before."""
        random_ = random.Random(f"{self._seed}:{number}")
        pattern = random_.choice(self._patterns)
        body = self._body(random_) if random_.random() < 0.6 else b""
        method = random_.choice(("GET", "POST")) if random_.random() < 0.7 else random_.choice(_METHODS)
        made = Request(method, self._path(random_, pattern), self._query(random_), random_.choice(_TYPES), body)
        if random_.random() < 0.1:  # a web server lets numbers through, and nothing else
            made.headers["CONTENT_LENGTH"] = random_.choice(("", "0", "1", str(len(body) + 9), "9" * 25))
        for name in random_.sample(_HEADERS, random_.choice((0, 0, 1, 2, 4, 8))):
            made.headers[name] = _printable(random_.choice(_SAID if random_.random() < 0.7 else _TEXTS))
        if random_.random() < 0.5:
            self._let_in(made, pattern, random_)
        if random_.random() < 0.15:
            made.body, made.headers["HTTP_CONTENT_ENCODING"] = (
                gzip.compress(made.body * 50)[: -random_.choice((1, 8, 0)) or None],
                "gzip",
            )
        return made

    def _let_in(self, made: Request, pattern: str, random_: random.Random) -> None:
        """What the address asks for before it looks further."""
        made.method = "POST"
        if pattern.startswith("/webhooks/ical/"):
            made.content_type, made.body = "text/calendar", self._calendar(random_)
        elif pattern.startswith("/webhooks/tedee/"):
            made.content_type, made.body = "application/json", _event(random_)
        elif pattern.startswith("/admin/"):
            made.content_type, made.body = "application/x-www-form-urlencoded", _form(random_)
            made.headers |= {"HTTP_COOKIE": f"csrftoken={_CSRF}", "HTTP_X_CSRFTOKEN": _CSRF}
        else:
            made.method = "GET"

    def _path(self, random_: random.Random, pattern: str) -> str:
        parts = pattern.split("<")
        path = parts[0]
        for part in parts[1:]:
            name, _, rest = part.partition(">")
            known = self._known.get(pattern.partition("<")[0] + name) or self._known.get(name)
            value = random_.choice(known) if known and random_.random() < 0.6 else random_.choice(_TEXTS)
            path += quote(value.encode("utf-8", "surrogatepass"), safe="") + rest
        if random_.random() < 0.1:
            at = random_.randrange(len(path) + 1)
            path = path[:at] + random_.choice(("/", "%ff", "%00", "%2f", ";", "%C0%AF", "\\", ".", "%0a")) + path[at:]
        return "/" + path.lstrip("/")

    def _query(self, random_: random.Random) -> str:
        if random_.random() < 0.4:
            return ""
        pairs = [
            f"{random_.choice(_FIELDS)}={_quoted(random_.choice(_TEXTS))}" for _ in range(random_.choice((1, 2, 5)))
        ]
        return "&".join(pairs) + random_.choice(("", "", "&", "&=&;", "&%ff=%fe", "&a" * 1200))

    def _body(self, random_: random.Random) -> bytes:
        make: Callable[[random.Random], bytes] = random_.choice(
            (_noise, _json, _event, _form, _multipart, self._calendar, self._calendar, _deep)
        )
        return make(random_)

    def _calendar(self, random_: random.Random) -> bytes:
        """One of the samples, with lines that are gone, doubled, cut, or hold something else."""
        lines = random_.choice(self._calendars).splitlines()[:200]
        for _ in range(random_.choice((0, 1, 3, 10))):
            at = random_.randrange(len(lines))
            new = random_.choice(_TEXTS).encode("utf-8", "surrogatepass")
            lines[at : at + 1] = random_.choice(
                (
                    [],
                    [lines[at]] * 2,
                    [lines[at][:5]],
                    [lines[at].partition(b":")[0] + b":" + new],
                    [b"RRULE:FREQ=SECONDLY;COUNT=" + new],
                    [b"DTSTART;TZID=" + new + b":20270301T000000"],
                    [b"\xff\xfe" + lines[at]],
                )
            ) or [b""]
        return random_.choice((b"\r\n", b"\n", b"\r")).join(lines)


def _noise(random_: random.Random) -> bytes:
    return random_.randbytes(random_.choice((1, 10, 5000)))


def _value(random_: random.Random, depth: int = 0) -> Any:
    kind = random_.randrange(8 if depth < 3 else 6)
    if kind < 3:
        return random_.choice(_TEXTS)
    if kind < 6:
        return random_.choice((None, True, 0, -1, 2**70, 1e308, float("nan"), float("inf")))
    several = [_value(random_, depth + 1) for _ in range(random_.randrange(4))]
    return several if kind == 6 else {random_.choice(_TEXTS): one for one in several}


def _json(random_: random.Random) -> bytes:
    return json.dumps(_value(random_)).encode(random_.choice(("utf-8", "utf-16", "utf-32")))


def _event(random_: random.Random) -> bytes:
    data = {
        name: random_.choice((1, 10_001, True, _value(random_)))
        for name in ("deviceId", "deviceType", "isConnected", "batteryLevel")
        if random_.random() < 0.8
    }
    kind = random_.choice(("device-connection-changed", "device-battery-level-changed", _value(random_)))
    return json.dumps({"event": kind, "data": data if random_.random() < 0.9 else _value(random_)}).encode()


def _form(random_: random.Random) -> bytes:
    names = ("username", "password", "next", "code", "email", "csrfmiddlewaretoken", "new_password1", "new_password2")
    pairs = [f"{name}={_quoted(random_.choice(_TEXTS))}" for name in names if random_.random() < 0.8]
    return "&".join(pairs).encode() + random_.choice((b"", b"&%ff", b"&a" * 1200))


def _multipart(random_: random.Random) -> bytes:
    name, file_name = random_.choices(_TEXTS, k=2)
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
    made = (head + "Content-Transfer-Encoding: base64\r\n" * random_.randrange(2) + "\r\n====\r\n").encode(
        "utf-8", "surrogatepass"
    )
    return made * random_.choice((1, 3, 150)) + random_.choice((b"", b"--x--\r\n", b"--x"))


def _deep(random_: random.Random) -> bytes:
    return random_.choice((b"[", b'{"event":', b"BEGIN:VEVENT\r\n")) * 30_000


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"))


def _printable(text: str) -> str:
    """Web servers refuse control characters in headers."""
    return "".join(one for one in text if one not in string.whitespace.replace(" ", "") and one.isprintable())
