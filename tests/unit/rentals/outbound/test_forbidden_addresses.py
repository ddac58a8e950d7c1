"""Where the guarded client does not go, by itself, by a redirect or by a name that changes."""

from __future__ import annotations

import pytest

from rentals import outbound
from rentals.outbound import NEIGHBOURHOOD, Network
from tests.support.outbound import get, lan
from tests.support.scripted_server import Server, answer


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

    def test_rule_18_five_are_followed_and_a_sixth_is_not(self) -> None:
        hop = answer(301, headers={"Location": "/next"})
        with Server([*[hop] * 5, answer(200, raw=b"here")]) as server:
            assert get(server).body == b"here"
        with Server([hop]) as server, pytest.raises(outbound.Refused, match="more than 5 redirects"):
            get(server)
        assert len(server.requests) == 6

    @pytest.mark.parametrize("hops", range(5))
    def test_rule_18_every_redirect_is_judged_like_the_first(self, hops: int) -> None:
        hop = answer(302, headers={"Location": "/next", "Set-Cookie": "a=b; Path=/"})
        inside = answer(302, headers={"Location": "http://inside.example/x"})
        names = [*[["127.0.0.1"]] * (hops + 1), ["10.0.0.1"]]
        with Server([*[hop] * hops, inside]) as server, pytest.raises(outbound.Refused, match=r"inside\.example"):
            get(server, network=lan(*names))
        assert len(server.requests) == hops + 1

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
