"""Bodies of pushes: read with a cap, unpacked with a cap, and never taken for something else."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.core.handlers.wsgi import LimitedStream, WSGIRequest
from django.test import RequestFactory

from pins.stack import processes
from pins.stack.lifetime import end_with_parent
from rentals.inbound.http import Refused, read_body
from tests.support.waiting import until

MOST = 100_000
PATH = "/webhooks/x"
TYPES = frozenset({"", "text/calendar"})


def request(body: bytes = b"", content_type: str = "text/calendar", **environ: object) -> WSGIRequest:
    made = RequestFactory().generic("POST", "/webhooks/ical/t/", body, content_type, **environ)  # type: ignore[arg-type]
    assert isinstance(made, WSGIRequest)
    return made


def chunked(body: bytes, *, terminated: bool = True) -> WSGIRequest:
    """As some web servers hand on a body without a length."""
    environ: dict[str, object] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "CONTENT_TYPE": "text/calendar",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    environ["wsgi.input"] = io.BytesIO(body)
    if terminated:
        environ["wsgi.input_terminated"] = True
    return WSGIRequest(environ)


def refusal(made: WSGIRequest) -> Refused:
    with pytest.raises(Refused) as caught:
        read_body(made, MOST, TYPES)
    return caught.value


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, MOST])
@pytest.mark.parametrize("make", [request, chunked])
def test_a_body_up_to_the_cap_is_read_whole(size: int, make: object) -> None:
    body = bytes(index % 251 for index in range(size))
    assert read_body(make(body), MOST, TYPES) == body  # type: ignore[operator]
    assert read_body(request(gzip.compress(body), HTTP_CONTENT_ENCODING="gzip"), MOST, TYPES) == body


@pytest.mark.parametrize(
    "make",
    [
        lambda: request(b"x" * (MOST + 1)),
        lambda: request(b"x", CONTENT_LENGTH=str(MOST + 1)),  # refused by what it announces, before anything is read
        lambda: request(b"x", CONTENT_LENGTH="9" * 5000),
        lambda: chunked(b"x" * (MOST + 1)),
        lambda: request(gzip.compress(b"x" * (MOST + 1)), HTTP_CONTENT_ENCODING="gzip"),
        lambda: request(gzip.compress(bytes(50_000_000)), HTTP_CONTENT_ENCODING="GZip"),
    ],
    ids=["body", "announced", "absurd", "chunks", "gzip", "bomb"],
)
def test_a_body_over_the_cap_is_413(make: Callable[[], WSGIRequest]) -> None:
    refused = refusal(make())
    assert (refused.status, refused.code) == (413, "too_large")


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=x", "text/html", "image/png"]
)
def test_another_media_type_is_415_and_the_answer_names_the_right_ones(content_type: str) -> None:
    refused = refusal(request(b"x", content_type))
    assert (refused.status, refused.code) == (415, "unsupported_media_type")
    assert "text/calendar" in refused.detail


@pytest.mark.parametrize("content_type", ["text/calendar; charset=utf-8", "TEXT/Calendar", ""])
def test_parameters_and_case_of_a_media_type_do_not_matter(content_type: str) -> None:
    assert read_body(request(b"x", content_type), MOST, TYPES) == b"x"


def test_an_empty_body_may_have_any_media_type() -> None:
    """`curl -d ''` calls it a form."""
    assert (
        read_body(request(b"", CONTENT_TYPE="application/x-www-form-urlencoded", CONTENT_LENGTH="0"), MOST, TYPES)
        == b""
    )
    assert read_body(chunked(b""), MOST, TYPES) == b""


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_another_content_encoding_is_415(encoding: str) -> None:
    refused = refusal(request(b"x", HTTP_CONTENT_ENCODING=encoding))
    assert (refused.status, refused.code) == (415, "unsupported_encoding")


PACKED = gzip.compress(b"BEGIN:VCALENDAR", mtime=0)


@pytest.mark.parametrize(
    "body", [b"BEGIN:VCALENDAR", PACKED[:-1], PACKED[:12], PACKED + PACKED[:-1], PACKED[:-5] + b"12345"]
)
def test_broken_gzip_is_400(body: bytes) -> None:
    refused = refusal(request(body, HTTP_CONTENT_ENCODING="gzip"))
    assert (refused.status, refused.code) == (400, "bad_gzip")


def test_a_body_that_ends_early_is_400_and_not_half_a_calendar() -> None:
    made = request(b"x", CONTENT_LENGTH="10")
    made._stream = LimitedStream(io.BytesIO(b"BEGIN"), 10)  # type: ignore[assignment]
    refused = refusal(made)
    assert (refused.status, refused.code) == (400, "cut_short")


def test_a_client_that_breaks_off_is_400() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("connection reset")

    made = chunked(b"")
    made.META["wsgi.input"] = Broken()
    assert (refusal(made).status, refusal(made).code) == (400, "cut_short")


def test_chunks_that_the_server_cannot_end_are_411_and_not_an_empty_body() -> None:
    refused = refusal(chunked(b"BEGIN:VCALENDAR", terminated=False))
    assert (refused.status, refused.code) == (411, "length_required")


@pytest.mark.parametrize("length", ["-1", "abc", "1.5", "٣"])
def test_a_length_that_is_no_number_is_400(length: str) -> None:
    assert refusal(request(b"x", CONTENT_LENGTH=length)).code == "bad_length"


_APP = """
import django
from django.core.handlers.wsgi import WSGIRequest
django.setup()
from config.web import pace
from rentals.inbound import http

pace.WINDOW = 2.0  # seconds

@http.hook
def echo(request):
    return {"status": http.read_body(request, 100_000, {"", "text/calendar"}).decode()}

def application(environ, start_response):
    answer = echo(WSGIRequest(environ))
    start_response(f"{answer.status_code} X", list(answer.items()))
    return [answer.content]
"""


def test_the_real_web_server_hands_on_chunks_and_lengths(tmp_path: Path) -> None:
    """`curl -T -` sends chunks. Django alone would take them for an empty body, which asks for something else."""
    (tmp_path / "echo_app.py").write_text(_APP)
    port = processes.free_port()
    command = [part.replace("config.wsgi", "echo_app") for part in processes.web(f"127.0.0.1:{port}").command]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}
    server = subprocess.Popen(command, env=environment, preexec_fn=end_with_parent())  # noqa: PLW1509 - system calls
    try:
        until(lambda: processes.accepts(f"127.0.0.1:{port}"), "the web server to listen", 60)
        assert post(port, iter([b"BEGIN:", b"VCALENDAR"]), chunked=True) == (202, "BEGIN:VCALENDAR")
        assert post(port, iter([]), chunked=True) == (202, "")
        assert post(port, b"BEGIN:VCALENDAR") == (202, "BEGIN:VCALENDAR")
        assert post(port, b"") == (202, "")
        # Refused early, and the answer still arrives: not a broken pipe.
        assert post(port, iter([b"x" * 1_000_000] * 20), chunked=True) == (413, "too_large")
        assert post(port, b"x" * 20_000_000) == (413, "too_large")
        assert post(port, b"x" * 2_000_000, "image/png") == (415, "unsupported_media_type")
        # Malformed chunks are the sender's fault, whatever is asked for.
        for broken in (b"zz\r\nBEGIN\r\n", b"-5\r\nBEGIN\r\n", b"3\r\nBEGIN\r\n", b"1;" + b"x" * 5000):
            assert drip(port, "Transfer-Encoding: chunked", broken) == (400, "bad_chunks")
            assert drip(port, "Transfer-Encoding: chunked", broken, method="PUT") == (400, "bad_chunks")
        # A byte every tenth of a second is not waited for, and is told why.
        assert drip(port, "Content-Length: 3000", b"x", endless=True) == (408, "too_slow")
        assert drip(port, "Transfer-Encoding: chunked", b"1\r\nx\r\n", endless=True) == (408, "too_slow")
        # Larger than any page takes: read to its end, kept nowhere, and told.
        assert post(port, b"x" * 9_000_000) == (413, "too_large")
        assert post(port, iter([b"x" * 1_000_000] * 9), chunked=True) == (413, "too_large")
        # What is sent on before the answer is not looked at, and the answer says so.
        assert drip(port, "Content-Length: 1", b"xGET / HTTP/1.1\r\nHost: x\r\n\r\n", method="PUT") == (
            405,
            "method_not_allowed",
        )
    finally:
        server.terminate()
        server.wait(timeout=30)


def post(
    port: int, body: bytes | Iterator[bytes], content_type: str = "text/calendar", *, chunked: bool = False
) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", PATH, body, {"Content-Type": content_type}, encode_chunked=chunked)
        answer = connection.getresponse()
        said = json.loads(answer.read())
    return answer.status, said.get("status", said.get("error"))


def drip(port: int, framing: str, data: bytes, *, method: str = "POST", endless: bool = False) -> tuple[int, str]:
    """Send `data` as it is, once or again and again, until the answer comes: within 10 seconds."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        connection.sendall(f"{method} {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{framing}\r\n\r\n".encode())
        began = time.monotonic()
        connection.sendall(data)
        while endless and not select.select([connection], [], [], 0.1)[0]:
            assert time.monotonic() - began < 10, "no answer"
            connection.sendall(data)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        said = json.loads(answer.read())
    return answer.status, said["error"]
