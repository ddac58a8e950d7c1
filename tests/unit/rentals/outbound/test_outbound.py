"""The guarded client against real servers on loopback, whose addresses alone are opened."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import threading
import time
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from rentals import outbound
from rentals.outbound import INTERNET, NEIGHBOURHOOD, Limits, Network, Response
from rentals.outbound.addresses import Address, is_public
from rentals.outbound.target import Target
from tests.support.paths import ROOT
from tests.support.scripted_server import Reply, Server, answer, dribble, drop, hang

SERVER = ipaddress.ip_address("127.0.0.1")
DEADLINE = 0.5
SLACK = 1.5  # a loaded machine
QUICK = Limits(seconds=DEADLINE)


def only_the_server(address: Address) -> bool:
    return address == SERVER or is_public(address)


def lan(*answers: Sequence[str] | OSError) -> Network:
    """Names lead to the given addresses, one answer for each look-up, the last one for ever."""
    waiting = list(answers) or [["127.0.0.1"]]

    def resolve(host: str, port: int) -> Sequence[str]:
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(found, OSError):
            raise found
        return found

    return Network(may_reach=only_the_server, plain_http=True, resolve=resolve)


def get(server: Server, path: str = "/feed.ics", *, host: str = "feeds.example", **options: object) -> Response:
    return outbound.get(f"http://{host}:{server.port}{path}", **{"network": lan(), **options})  # type: ignore[arg-type]


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


class TestWhereWeDoNotGo:
    @pytest.mark.parametrize(
        "url",
        [
            "http://feeds.example/a.ics",
            "file:///etc/passwd",
            "ftp://feeds.example/a.ics",
            "gopher://feeds.example/",
            "data:text/calendar,BEGIN",
            "//feeds.example/a",
            "feeds.example/a",
            "",
            "https:///a",
            "https://feeds.example:0/",
            "https://feeds.example:99999/",
            "https://feeds.example:x/",
            "https://exa mple/",
            "https://feeds.example/\n",
            "https://[::1/",
            "javascript:alert(1)",
        ],
    )
    def test_rule_18_a_scheme_or_spelling_that_is_refused(self, url: str) -> None:
        with pytest.raises(outbound.Refused):
            outbound.get(f"{url}x" if url.endswith("\n") else url)

    @pytest.mark.parametrize(
        "host",
        {
            "private 10": "10.0.0.1",
            "private 172": "172.16.0.1",
            "private 192": "192.168.0.1",
            "loopback": "127.0.0.1",
            "v6 loopback": "[::1]",
            "link-local": "169.254.1.1",
            "v6 link-local": "[fe80::1]",
            "zone id": "[fe80::1%25eth0]",
            "metadata": "169.254.169.254",
            "carrier": "100.64.0.1",
            "mapped": "[::ffff:127.0.0.1]",
            "mapped, hexadecimal": "[::ffff:7f00:1]",
            "compatible": "[::127.0.0.1]",
            "NAT64": "[64:ff9b::7f00:1]",
            "NAT64, local": "[64:ff9b:1::7f00:1]",
            "6to4": "[2002:7f00:1::]",
            "Teredo": "[2001::1]",
            "unique local": "[fd00::1]",
            "site-local": "[fec0::1]",
            "multicast": "224.0.0.1",
            "unspecified": "0.0.0.0",
            "v6 unspecified": "[::]",
            "decimal": "2130706433",
            "octal": "0177.0.0.1",
            "hexadecimal": "0x7f.0.0.1",
            "short": "127.1",
            "full-width digits": "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
            "localhost": "localhost",
            "below localhost": "x.localhost",
            "dot at the end": "feeds.example.",
        }.values(),
    )
    def test_rule_18_a_host_that_is_refused(self, host: str) -> None:
        with pytest.raises(outbound.Refused):
            outbound.get(f"https://{host}/feed.ics")

    @pytest.mark.parametrize("host", ["169.254.169.254", "2130706433", "0177.0.0.1", "[64:ff9b::a9fe:a9fe]"])
    def test_a_host_that_is_refused_even_where_private_hosts_are_allowed(self, host: str) -> None:
        with pytest.raises(outbound.Refused):
            outbound.get(f"http://{host}/feed.ics", network=NEIGHBOURHOOD)

    @pytest.mark.parametrize(
        "addresses",
        [["10.0.0.1"], ["::ffff:10.0.0.1"], ["64:ff9b::a00:1"], ["8.8.8.8", "192.168.0.1"], ["fe80::1%eth0"]],
    )
    def test_rule_18_a_name_is_refused_when_any_of_its_addresses_is_out_of_bounds(self, addresses: list[str]) -> None:
        network = Network(resolve=lambda host, port: addresses)
        with pytest.raises(outbound.Refused, match=r"feeds\.example leads to an address that is not public"):
            outbound.get("https://feeds.example/feed.ics", network=network)

    def test_a_name_that_does_not_exist_is_unreachable(self) -> None:
        with pytest.raises(outbound.Unreachable, match=r"no host named nowhere\.invalid"):
            outbound.get("https://nowhere.invalid/feed.ics")


class TestRedirects:
    @pytest.mark.parametrize(
        "location",
        [
            "http://10.0.0.1/x",
            "http://127.0.0.2/x",
            "http://[::1]/x",
            "http://[::ffff:127.0.0.1]/x",
            "http://[64:ff9b::7f00:1]/x",
            "http://169.254.169.254/latest/meta-data/",
            "http://2130706433/x",
            "http://0177.0.0.1/x",
            "file:///etc/passwd",
            "ftp://feeds.example/x",
            "http://feeds.example:0/x",
        ],
    )
    def test_rule_18_a_redirect_to_where_we_do_not_go(self, location: str) -> None:
        with Server([answer(302, headers={"Location": location})]) as server, pytest.raises(outbound.Refused):
            get(server)
        assert len(server.requests) == 1

    def test_a_redirect_to_a_name_that_leads_inside(self) -> None:
        redirect = answer(307, headers={"Location": "http://inside.example/x"})
        with Server([redirect]) as server, pytest.raises(outbound.Refused, match=r"inside\.example"):
            get(server, network=lan(["127.0.0.1"], ["10.0.0.1"]))

    def test_rule_18_three_are_followed_and_a_fourth_is_not(self) -> None:
        hop = answer(301, headers={"Location": "/next"})
        with Server([hop, hop, hop, answer(200, raw=b"here")]) as server:
            assert get(server).body == b"here"
        with Server([hop]) as server, pytest.raises(outbound.Refused, match="more than 3 redirects"):
            get(server)
        assert len(server.requests) == 4

    def test_a_redirect_without_a_place_is_an_answer(self) -> None:
        with Server([answer(302)]) as server:
            assert get(server).status == 302

    def test_credentials_stay_with_their_own_origin(self) -> None:
        with Server([answer(200, raw=b"there")]) as other:
            away = answer(302, headers={"Location": f"http://other.example:{other.port}/x"})
            home = answer(302, headers={"Location": "/y"})
            with Server([home, away]) as server:
                got = get(server, host="ann:s3cret@feeds.example", headers={"Cookie": "a=b", "X-Kept": "1"})

        assert got.body == b"there"
        assert [request.headers.get("authorization") for request in server.requests] == ["Basic YW5uOnMzY3JldA=="] * 2
        strange = other.requests[0].headers
        assert "authorization" not in strange
        assert "cookie" not in strange
        assert strange["x-kept"] == "1"

    def test_credentials_that_a_redirect_brings_are_not_used(self) -> None:
        with Server([answer(200, raw=b"there")]) as other:
            away = answer(302, headers={"Location": f"http://eve:pw@other.example:{other.port}/x"})
            with Server([away]) as server:
                get(server)
        assert "authorization" not in other.requests[0].headers

    def test_cookies_are_not_kept(self) -> None:
        hop = answer(302, headers={"Location": "/next", "Set-Cookie": "a=b"})
        with Server([hop, answer(200, raw=b"")]) as server:
            get(server)
        assert "cookie" not in server.requests[1].headers


class TestRebinding:
    def test_rule_18_the_name_is_asked_once_and_the_judged_address_is_connected_to(self) -> None:
        """A name that is innocent when judged and inward a moment later: there is no later question."""
        with Server([answer(200, raw=b"good")]) as server:
            assert get(server, network=lan(["127.0.0.1"], ["10.0.0.1"])).body == b"good"

    def test_each_request_judges_anew(self) -> None:
        network = lan(["127.0.0.1"], ["10.0.0.1"])
        with Server([answer(200, raw=b"good")]) as server:
            get(server, network=network)
            with pytest.raises(outbound.Refused):
                get(server, network=network)

    def test_a_redirect_to_the_same_name_judges_anew(self) -> None:
        with Server([answer(302, headers={"Location": "/y"})]) as server, pytest.raises(outbound.Refused):
            get(server, network=lan(["127.0.0.1"], ["10.0.0.1"]))
        assert len(server.requests) == 1

    def test_the_next_address_is_tried_when_one_is_dead(self) -> None:
        both = Network(
            may_reach=lambda address: address.is_loopback, plain_http=True, resolve=lambda *_: ["::1", "127.0.0.1"]
        )
        with Server([answer(200, raw=b"good")]) as server:
            assert get(server, network=both).body == b"good"


class TestSizes:
    def test_rule_19_fifty_megabytes_are_refused_by_their_announcement(self) -> None:
        def reply(connection: socket.socket, stop: threading.Event) -> bool:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n")
            stop.wait(10)
            return False

        with Server([reply]) as server, pytest.raises(outbound.TooLarge, match="5,242,880 bytes"):
            get(server)

    @pytest.mark.parametrize("chunked", [True, False])
    def test_rule_19_fifty_megabytes_without_announcement_are_cut(self, chunked: bool) -> None:
        sent = 0

        def reply(connection: socket.socket, stop: threading.Event) -> bool:
            nonlocal sent
            head = b"HTTP/1.1 200 OK\r\n" + (b"Transfer-Encoding: chunked\r\n" if chunked else b"Connection: close\r\n")
            connection.sendall(head + b"\r\n")
            block = b"x" * 65536
            for _ in range(800):
                connection.sendall(b"10000\r\n" + block + b"\r\n" if chunked else block)
                sent += len(block)
            return False

        with Server([reply]) as server, pytest.raises(outbound.TooLarge):
            get(server)
        assert sent < 20 * 1024 * 1024  # the sockets' buffers, not the whole

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
    def test_rule_19_a_bomb_is_cut_while_it_is_unpacked(self, encoding: str) -> None:
        plain = b"\0" * 50_000_000
        if encoding == "gzip":
            packed = gzip.compress(plain)
        elif encoding == "deflate":
            packed = zlib.compress(plain)
        else:
            packed = zlib.compress(plain)[2:-4]
        reply = answer(200, raw=packed, headers={"Content-Encoding": encoding.removeprefix("raw ")})
        with Server([reply]) as server, pytest.raises(outbound.TooLarge):
            get(server)

    def test_the_largest_allowed_body_passes_and_one_byte_more_does_not(self) -> None:
        for packed in (False, True):
            for size, fits in ((1000, True), (1001, False)):
                raw = b"y" * size
                headers = {"Content-Encoding": "gzip"} if packed else {}
                reply = answer(200, raw=gzip.compress(raw) if packed else raw, headers=headers)
                with Server([reply]) as server:
                    if fits:
                        assert get(server, limits=Limits(body_bytes=1000)).body == raw
                    else:
                        with pytest.raises(outbound.TooLarge):
                            get(server, limits=Limits(body_bytes=1000))

    def test_packed_bodies_are_unpacked(self) -> None:
        text = b"BEGIN:VCALENDAR\r\n" * 1000
        cases = [
            ("gzip", gzip.compress(text)),
            ("x-gzip", gzip.compress(text[:500]) + gzip.compress(text[500:])),
            ("GZIP", gzip.compress(text) + b"\0" * 8),
            ("deflate", zlib.compress(text)),
            ("deflate", zlib.compress(text)[2:-4]),
            ("identity", text),
            ("gzip", b""),
        ]
        for encoding, packed in cases:
            with Server([answer(200, raw=packed, headers={"Content-Encoding": encoding})]) as server:
                assert get(server).body == (text if packed else b"")

    @pytest.mark.parametrize(
        ("encoding", "packed"),
        [
            ("br", b"x"),
            ("zstd", b"x"),
            ("gzip, gzip", gzip.compress(gzip.compress(b"x"))),
            ("gzip", b"not gzip"),
            ("gzip", gzip.compress(b"x" * 1000)[:-9]),
            ("deflate", b"\xff" * 20),
        ],
    )
    def test_what_cannot_be_unpacked_is_no_answer(self, encoding: str, packed: bytes) -> None:
        with Server([answer(200, raw=packed, headers={"Content-Encoding": encoding})]) as server:  # noqa: SIM117
            with pytest.raises(outbound.Unreadable):
                get(server)

    def test_a_body_that_ends_before_its_announced_length_is_no_answer(self) -> None:
        def reply(connection: socket.socket, stop: threading.Event) -> bool:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nBEGIN:VCALENDAR")
            return False

        with Server([reply]) as server, pytest.raises(outbound.Unreadable):
            get(server)


@contextmanager
def cut_off() -> Iterator[None]:
    began = time.monotonic()
    with pytest.raises(outbound.TimedOut):
        yield
    assert time.monotonic() - began <= DEADLINE + SLACK


@pytest.mark.parametrize(
    "packet",
    [
        b"\x16\x03\x01 this is TLS",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello",
        b"HTTP/1.1 301 X\r\nLocation: https://[::\r\n\r\n",
        b"HTTP/1.1 301 X\r\nLocation: http://\xf0\x9f\x98\x80.example/\r\n\r\n",
        b"HTTP/1.1 302 X\r\nLocation: /\xff\xfe//\\\\evil:99999/%zz\r\n\r\n",
    ],
)
def test_garbage_is_an_error_of_ours(packet: bytes) -> None:
    def reply(connection: socket.socket, stop: threading.Event) -> bool:
        connection.sendall(packet)
        return False

    with Server([reply]) as server, pytest.raises(outbound.OutboundError):
        get(server, limits=Limits(seconds=5))


class TestDeadline:
    @pytest.mark.parametrize(
        "reply",
        [
            hang(),
            dribble(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX: " + b"x" * 5000, 0.05),
            dribble(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0.002),
        ],
        ids=["silence", "headers byte by byte", "endless interim answers"],
    )
    def test_a_slow_server_is_cut_off(self, reply: Reply) -> None:
        with Server([reply]) as server, cut_off():
            get(server, limits=QUICK)

    def test_rule_19_a_body_of_a_byte_at_a_time_is_cut_off(self) -> None:
        def reply(connection: socket.socket, stop: threading.Event) -> bool:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            return dribble(b" " * 100_000, 0.05)(connection, stop)

        with Server([reply]) as server, cut_off():
            get(server, limits=QUICK)

    def test_rule_19_redirects_share_one_deadline(self) -> None:
        def reply(connection: socket.socket, stop: threading.Event) -> bool:
            stop.wait(0.7 * DEADLINE)
            return answer(302, headers={"Location": "/again"})(connection, stop)

        with Server([reply]) as server, cut_off():
            get(server, limits=QUICK)
        assert len(server.requests) <= 2

    def test_a_look_up_that_hangs_is_cut_off(self) -> None:
        freed = threading.Event()

        def resolve(host: str, port: int) -> Sequence[str]:
            freed.wait(10)
            return ["127.0.0.1"]

        with cut_off():
            outbound.get("https://feeds.example/", limits=QUICK, network=Network(resolve=resolve))
        freed.set()

    def test_a_server_that_drops_the_line_is_no_answer(self) -> None:
        with Server([drop()]) as server, pytest.raises(outbound.Unreadable):
            get(server)

    def test_a_closed_port_is_unreachable(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(outbound.Unreachable, match=r"feeds\.example cannot be reached"):
            outbound.get(f"http://feeds.example:{port}/", network=lan())


class TestEnvironment:
    def test_rule_18_a_proxy_in_the_environment_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with Server([answer(200, raw=b"proxy")]) as proxy, Server([answer(200, raw=b"server")]) as server:
            for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            assert get(server).body == b"server"
        assert proxy.requests == []

    def test_webcal_means_https(self) -> None:
        for scheme in ("webcal", "webcals", "WebCal"):
            target = Target.parse(f" {scheme}://feeds.example/a.ics ", INTERNET)
            assert target.origin == ("https", b"feeds.example", 443)
