"""What servers expect of a client that follows them: cookies of one chain, and places written in UTF-8."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rentals import outbound
from rentals.outbound.cookies import Cookies
from tests.support.outbound import get, lan
from tests.support.scripted_server import Reply, Server, answer, packets

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


def redirect(location: bytes, *cookies: str) -> Reply:
    """A redirect with exactly these bytes as its place."""
    lines = [b"HTTP/1.1 302 Found", b"Location: " + location, b"Content-Length: 0"]
    lines += [f"Set-Cookie: {one}".encode("latin-1") for one in cookies]
    return packets(b"\r\n".join(lines) + b"\r\n\r\n")


class TestCookies:
    def sent(self, *replies: Reply, headers: dict[str, str] | None = None) -> list[str | None]:
        with Server([*replies, answer(200, raw=b"here")]) as server:
            assert get(server, headers=headers).body == b"here"
        return [request.headers.get("cookie") for request in server.requests]

    def test_a_cookie_that_comes_with_a_redirect_goes_back_to_its_host(self) -> None:
        assert self.sent(redirect(b"/feed.ics", "session=abc; Path=/; HttpOnly; Secure")) == [None, "session=abc"]

    def test_each_answer_may_set_several_and_replace_or_end_one(self) -> None:
        said = self.sent(
            redirect(b"/2", "a=1; Path=/", "b=2; Path=/", "c=x; Path=/"),
            redirect(b"/3", "b=3; Path=/", "c=; Path=/; Max-Age=0"),
            redirect(b"/4", "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        )
        assert said == [None, "a=1; b=2; c=x", "a=1; b=3", "b=3"]

    def test_the_next_request_begins_without_them(self) -> None:
        hop = redirect(b"/next", "a=b; Path=/")
        with Server([hop, answer(200), answer(200)]) as server:
            get(server)
            get(server)
        assert [request.headers.get("cookie") for request in server.requests] == [None, "a=b", None]

    def test_they_go_beside_those_that_the_caller_gives(self) -> None:
        assert self.sent(redirect(b"/n", "a=1; Path=/"), headers={"Cookie": "own=2"}) == ["own=2", "own=2; a=1"]

    def test_they_stay_with_their_site(self) -> None:
        """A redirect to a foreign host gets nothing, and the way back finds them again."""
        with Server([]) as server:
            there = f"http://other.example:{server.port}/x".encode()
            back = f"http://cal.feeds.example:{server.port}/y".encode()
            server.replies = [
                redirect(there, "host=1; Path=/", "site=2; Path=/; Domain=feeds.example"),
                redirect(back, "stolen=3; Path=/; Domain=feeds.example", "own=4; Path=/"),
                answer(200, raw=b"here"),
            ]
            get(server)
        assert [request.headers.get("cookie") for request in server.requests] == [None, None, "site=2"]

    def test_a_post_keeps_none(self) -> None:
        with Server([answer(200, headers={"Set-Cookie": "a=b; Path=/"})]) as server:
            for _ in range(2):
                outbound.post(f"http://feeds.example:{server.port}/", b"{}", network=lan())
        assert all("cookie" not in request.headers for request in server.requests)


class TestWhichCookies:
    @pytest.mark.parametrize(
        ("line", "host", "path", "goes"),
        [
            ("a=b", "feeds.example", "/cal/x", True),
            ("a=b", "feeds.example", "/other", False),  # the folder of the request is its path
            ("a=b; Path=/", "feeds.example", "/other", True),
            ("a=b; path=/cal", "feeds.example", "/calendar", False),
            ("a=b; Path=nonsense", "feeds.example", "/cal/y", True),
            ("a=b; Path=/", "sub.feeds.example", "/", False),
            ("a=b; Path=/; Domain=.FEEDS.example", "sub.feeds.example", "/", True),
            ("a=b; Path=/; Domain=feeds.example", "badfeeds.example", "/", False),
            ("a=b; Path=/; Domain=other.example", "feeds.example", "/", False),
            ("a=b; Path=/; Domain=example", "other.example", "/", False),  # a whole ending, shared by strangers
            ("a=b; Path=/; Domain=example", "feeds.example", "/", True),  # but its own host may have it back
            ("a=b; Path=/; Expires=Wed, 01 Mar 2028 00:00:00 GMT", "feeds.example", "/", True),
            ("a=b; Path=/; Expires=someday", "feeds.example", "/", True),
            ("a=b; Path=/; Max-Age=-1", "feeds.example", "/", False),
            ("a=b; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "feeds.example", "/", True),
            ("=b; Path=/", "feeds.example", "/", False),
            ("nothing", "feeds.example", "/", False),
            ("a=b\x01; Path=/", "feeds.example", "/", False),
            ("a=" + "x" * 5000 + "; Path=/", "feeds.example", "/", False),
        ],
    )
    def test_where_a_cookie_goes(self, line: str, host: str, path: str, goes: bool) -> None:
        cookies = Cookies()
        cookies.keep([line], "feeds.example", "/cal/feed.ics", NOW)
        assert bool(cookies.header(host, path)) is goes

    @pytest.mark.parametrize("shared", ["co.uk", "com.au", "or.jp", "asso.fr"])
    def test_the_ending_of_a_country_is_no_site(self, shared: str) -> None:
        cookies = Cookies()
        cookies.keep([f"a=b; Path=/; Domain={shared}"], f"feeds.{shared}", "/", NOW)
        assert cookies.header(f"other.{shared}", "/") == ""
        assert cookies.header(f"feeds.{shared}", "/") == "a=b"

    def test_an_address_has_no_site_above_it(self) -> None:
        cookies = Cookies()
        cookies.keep(["a=b; Path=/; Domain=0.0.1"], "127.0.0.1", "/", NOW)
        assert cookies.header("9.0.0.1", "/") == ""

    def test_a_server_cannot_fill_our_memory(self) -> None:
        cookies = Cookies()
        for number in range(1000):
            cookies.keep([f"n{number}={'x' * 4000}; Path=/"], "feeds.example", "/", NOW + timedelta(number))
        assert len(cookies.header("feeds.example", "/")) <= Cookies.LONGEST_HEADER

    def test_no_text_of_ours_shows_one(self) -> None:
        cookies = Cookies()
        cookies.keep(["a=h1dden; Path=/"], "feeds.example", "/", NOW)
        assert "h1dden" not in repr(cookies) + repr(vars(cookies))


class TestPlaces:
    @pytest.mark.parametrize(
        ("location", "asked"),
        [
            ("/kalender/M\u00fcnchen.ics".encode(), "/kalender/M%C3%BCnchen.ics"),
            ("/\u65e5\u672c?\u540d=\u6771\u4eac".encode(), "/%E6%97%A5%E6%9C%AC?%E5%90%8D=%E6%9D%B1%E4%BA%AC"),
            (b"/M\xfcnchen.ics", "/M%FCnchen.ics"),  # Latin-1: its own bytes, as browsers send them
            (b"/a%C3%BC.ics", "/a%C3%BC.ics"),
            (b"/with space.ics", "/with%20space.ics"),
        ],
    )
    def test_a_place_may_hold_bytes_beyond_ascii(self, location: bytes, asked: str) -> None:
        with Server([redirect(location), answer(200, raw=b"here")]) as server:
            assert get(server).body == b"here"
        assert server.requests[1].target == asked

    def test_a_host_in_utf_8_is_the_name_that_it_spells(self) -> None:
        with Server([answer(200, raw=b"here")]) as other:
            place = f"http://k\u00fcche.example:{other.port}/\u00fc".encode()
            with Server([redirect(place)]) as server:
                assert get(server).body == b"here"
        assert other.requests[0].headers["host"] == f"xn--kche-0ra.example:{other.port}"

    @pytest.mark.parametrize(
        "host", ["\uff11\uff12\uff17.\uff10.\uff10.\uff12", "\u2460\u2461\u2466.0.0.2", "loc\u0430lhost\u3002"]
    )
    def test_a_host_that_only_looks_like_a_name_is_judged_as_ever(self, host: str) -> None:
        with Server([redirect(f"http://{host}/x".encode())]) as server, pytest.raises(outbound.OutboundError):
            get(server, network=lan(["127.0.0.1"], ["10.0.0.1"]))
        assert len(server.requests) == 1
