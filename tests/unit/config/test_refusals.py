"""The web server's own answers, in the language that the request asks for."""

from __future__ import annotations

import pytest
from waitress.adjustments import Adjustments

from config.web.receiving import Incoming
from config.web.refusals import Refusal, RequestTimeout, TooManyLogins


class Wire:
    """The connection of one answer."""

    def __init__(self) -> None:
        self.adj, self.server, self.written = Adjustments(), self, b""

    def write_soon(self, data: bytes) -> int:
        self.written += data
        return len(data)


def answer(path: str, error: object, *head: str) -> str:
    request = Incoming(Adjustments())
    request.received("\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *head, "", ""]).encode())
    request.refuse(error)
    wire = Wire()
    Refusal(wire, request).service()
    return wire.written.decode()


POLISH, ENGLISH = "Żądanie nie dotarło na czas.", "The request did not arrive in time."


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ((), ENGLISH),
        (("Accept-Language: pl-PL, en;q=0.5",), POLISH),
        (("Accept-Language: de, pl;q=0.5",), POLISH),
        (("Accept-Language: pl", "Cookie: a=b; turnkey_language=en-gb; c=d"), ENGLISH),
        (("Cookie: turnkey_language=pl",), POLISH),
        (("Cookie: turnkey_language=../pl; turnkey_language=de", "Accept-Language: xx"), ENGLISH),
    ],
)
def test_a_person_reads_it_in_their_language(head: tuple[str, ...], expected: str) -> None:
    assert expected in answer("/admin/", RequestTimeout("slow"), *head)


def test_a_program_reads_english() -> None:
    assert ENGLISH in answer("/webhooks/ical/x/", RequestTimeout("slow"), "Accept-Language: pl")


def test_the_page_of_a_storm_says_its_language() -> None:
    page = answer("/admin/login/", TooManyLogins("log-ins"), "Accept-Language: pl")
    assert "<html lang=pl>" in page
    assert "Odczekaj 5 s" in page
