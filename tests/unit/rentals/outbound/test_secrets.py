"""What the guarded client never tells, and whom it believes."""

from __future__ import annotations

import logging
import ssl
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509

from rentals import outbound
from rentals.outbound import INTERNET, Limits, Network, Response
from rentals.outbound.target import Target
from tests.support.certificates import self_signed
from tests.support.outbound import get, only_the_server
from tests.support.scripted_server import Reply, Server, answer, drop, hang


class TestSecrets:
    """An address is a secret as a whole: user, password, path and query."""

    SECRETS = ("h1dden-user", "h1dden-pass", "h1dden-path", "h1dden-query", "aDFkZGVu")  # the last: Basic, encoded

    @pytest.mark.parametrize(
        "reply",
        [
            answer(200, raw=b"x" * 100),
            answer(302, headers={"Location": "http://10.0.0.1/h1dden-path?h1dden-query"}),
            answer(302, headers={"Location": "http://h1dden-user:h1dden-pass@[bad/h1dden-path"}),
            answer(302, headers={"Location": "/h1dden-path"}),
            answer(200, raw=b"h1dden-path", headers={"Content-Encoding": "br"}),
            drop(),
            hang(),
        ],
    )
    def test_no_error_or_log_names_them(self, reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        with Server([reply]) as server, pytest.raises(outbound.OutboundError) as caught:
            get(
                server,
                "/h1dden-path?h1dden-query",
                host="h1dden-user:h1dden-pass@feeds.example",
                limits=Limits(seconds=0.3, body_bytes=50),
            )
        error = caught.value
        told = "".join([*traceback.format_exception(error), repr(error), str(error), caplog.text])
        assert not [secret for secret in self.SECRETS if secret in told]
        assert error.__context__ is None
        assert error.__cause__ is None

    def test_no_error_about_the_address_itself_names_them(self) -> None:
        for url in (
            "ftp://h1dden-user:h1dden-pass@feeds.example/h1dden-path",
            "https://h1dden-user:h1dden-pass@127.1/h1dden-path",
            "https://h1dden-user:h1dden-pass@[::1/h1dden-path",
            "https://h1dden-user:h1dden-pass@10.0.0.1/h1dden-path?h1dden-query",
            "https://h1dden-user:h1dden-pass@nowhere.invalid/h1dden-path",
            "h1dden-user:h1dden-pass",
        ):
            with pytest.raises(outbound.OutboundError) as caught:
                outbound.get(url)
            told = "".join([*traceback.format_exception(caught.value), repr(caught.value)])
            assert not [secret for secret in self.SECRETS if secret in told.replace(repr(url), "")]
            assert caught.value.__context__ is None

    def test_the_repr_of_targets_and_answers_hides_them(self) -> None:
        url = "https://h1dden-user:h1dden-pass@feeds.example/h1dden-path?h1dden-query"
        target = Target.parse(url, INTERNET)
        answered = Response(302, {"location": url}, b"h1dden-path")
        assert not [secret for secret in self.SECRETS if secret in f"{target!r}{answered!r}"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(x509.DNSName("feeds.example"), tmp_path_factory.mktemp("tls"))


class TestCertificates:
    @contextmanager
    def serving(self, certificate: Path, *replies: Reply) -> Iterator[tuple[Server, list[str | None]]]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        asked: list[str | None] = []
        context.sni_callback = lambda _connection, name, _context: asked.append(name)
        with Server(replies, tls=context) as server:
            yield server, asked

    def network(self, certificate: Path | None) -> Network:
        trust = ssl.create_default_context(cafile=str(certificate)) if certificate else None
        return Network(may_reach=only_the_server, resolve=lambda *_: ["127.0.0.1"], trust=trust)

    def test_the_certificate_is_that_of_the_name_though_an_address_is_connected_to(self, certificate: Path) -> None:
        with self.serving(certificate, answer(200, raw=b"safe")) as (server, asked):
            got = outbound.get(f"https://feeds.example:{server.port}/", network=self.network(certificate))
        assert got.body == b"safe"
        assert asked == ["feeds.example"]

    def test_a_certificate_of_another_name_is_refused_before_anything_is_sent(self, certificate: Path) -> None:
        with self.serving(certificate, answer(200)) as (server, _), pytest.raises(outbound.Unreachable):
            outbound.get(f"https://other.example:{server.port}/", network=self.network(certificate))
        assert server.requests == []

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, certificate: Path) -> None:
        with self.serving(certificate, answer(200)) as (server, _), pytest.raises(outbound.Unreachable):
            outbound.get(f"https://feeds.example:{server.port}/", network=self.network(None))
        assert server.requests == []

    def test_a_redirect_down_to_http_is_refused(self, certificate: Path) -> None:
        down = answer(302, headers={"Location": "http://feeds.example/x"})
        network = self.network(certificate)
        for plain_http in (False, True):
            both = Network(network.may_reach, plain_http, network.resolve, network.trust)
            with self.serving(certificate, down) as (server, _), pytest.raises(outbound.Refused, match="not https"):
                outbound.get(f"https://feeds.example:{server.port}/", network=both)
