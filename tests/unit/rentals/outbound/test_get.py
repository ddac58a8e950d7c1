"""The guarded client against real servers on loopback, whose addresses alone are opened."""

from __future__ import annotations

import tomllib

import pytest

from rentals import outbound
from rentals.outbound import INTERNET, NEIGHBOURHOOD, Limits, Response
from rentals.outbound.target import Target
from tests.support.outbound import get
from tests.support.paths import ROOT
from tests.support.scripted_server import Server, answer


def test_an_answer_comes_with_status_headers_and_body() -> None:
    with Server([answer(200, raw=b"BEGIN", headers={"ETag": '"1"'})]) as server:
        got = get(server, "/a/b.ics?s=1", headers={"If-None-Match": '"0"'})

    assert (got.status, got.body, got.headers["etag"]) == (200, b"BEGIN", '"1"')
    sent = server.requests[0]
    assert (sent.method, sent.target) == ("GET", "/a/b.ics?s=1")
    assert sent.headers["host"] == f"feeds.example:{server.port}"
    assert sent.headers["if-none-match"] == '"0"'
    assert sent.headers["user-agent"].startswith("Turnkey/")
    assert sent.headers["accept-encoding"] == "gzip, deflate"


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"Turnkey/{project['version']}" == outbound.USER_AGENT


def test_the_body_of_an_error_is_left_alone() -> None:
    with Server([answer(404, raw=b"x" * 100)]) as server:
        assert get(server, limits=Limits(body_bytes=10)) == Response(404, {"content-length": "100"}, b"")


class TestEnvironment:
    def test_rule_18_a_proxy_in_the_environment_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with Server([answer(200, raw=b"proxy")]) as proxy, Server([answer(200, raw=b"server")]) as server:
            for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            assert get(server).body == b"server"
        assert proxy.requests == []

    def test_webcal_means_https(self) -> None:
        for begins in ("webcal://", "webcals://", "WebCal://", "webcal:"):
            for network in (INTERNET, NEIGHBOURHOOD):
                target = Target.parse(f" {begins}feeds.example/a.ics ", network)
                assert target.origin == ("https", b"feeds.example", 443)

    def test_webcal_on_this_machine_is_read_without_a_certificate_where_that_is_allowed(self) -> None:
        with Server([answer(200, raw=b"here")]) as server:
            url = f"webcal://ann:x@127.0.0.1:{server.port}/a.ics"
            assert outbound.get(url, network=NEIGHBOURHOOD).body == b"here"
            with pytest.raises(outbound.Refused):
                outbound.get(url)
        for url, scheme in (
            ("webcal://localhost:8000/a", "http"),
            ("webcal://[::1]:8000/a", "http"),
            ("webcals://localhost/a", "https"),
            ("webcal://127.0.0.1@feeds.example/a", "https"),
            ("webcal://feeds.example/@127.0.0.1", "https"),
        ):
            assert Target.parse(url, NEIGHBOURHOOD).url.scheme == scheme
