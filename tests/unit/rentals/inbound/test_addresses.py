"""Whose request it is, behind proxies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rentals.inbound.addresses import UNIX, client_address

OURS = ("10.0.0.0/8", "2001:db8:1::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "client"),
    [
        ("203.0.113.9", "", (), "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", (), "203.0.113.9"),  # nobody is trusted: the header is the client's own
        ("203.0.113.9", "198.51.100.1", OURS, "203.0.113.9"),
        ("10.0.0.2", "198.51.100.1", OURS, "198.51.100.1"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.1", OURS, "198.51.100.1"),  # the first one was sent by the client
        ("10.0.0.2", "1.2.3.4, 198.51.100.1, 10.7.7.7", OURS, "198.51.100.1"),  # two of ours in a row
        ("10.0.0.2", "10.9.9.9", OURS, "10.9.9.9"),  # a client within our own network
        ("10.0.0.2", "", OURS, "10.0.0.2"),
        ("10.0.0.2", "1.2.3.4, nonsense", OURS, "10.0.0.2"),  # what cannot be read ends the reading
        ("10.0.0.2", "198.51.100.1:4711", OURS, "198.51.100.1"),
        ("10.0.0.2", "[2001:db8:9::1]:4711", OURS, "2001:db8:9::1"),
        ("10.0.0.2", "fe80::1%eth0", OURS, "fe80::1"),
        ("::ffff:10.0.0.2", "::ffff:198.51.100.1", OURS, "198.51.100.1"),
        ("2001:db8:1::2", "2001:db8:9::1", OURS, "2001:db8:9::1"),
        ("", "198.51.100.1", (UNIX,), "198.51.100.1"),
        ("", "198.51.100.1", (), ""),
        ("", "", (UNIX,), ""),
    ],
)
def test_the_header_is_believed_as_far_as_our_proxies_wrote_it(
    peer: str, forwarded: str, trusted: tuple[str, ...], client: str
) -> None:
    assert client_address(peer, forwarded, trusted) == client


@given(st.text(max_size=80), st.text(max_size=40))
def test_whatever_is_sent_the_answer_is_an_address_or_nothing(forwarded: str, peer: str) -> None:
    import ipaddress

    found = client_address(peer, forwarded, ("0.0.0.0/0", "::/0", UNIX))
    assert found == (found and str(ipaddress.ip_address(found)))


@given(st.text(max_size=80))
def test_a_stranger_chooses_no_address(forwarded: str) -> None:
    assert client_address("203.0.113.9", forwarded, OURS) == "203.0.113.9"


def test_a_list_of_thousands_is_not_read_to_its_beginning() -> None:
    forwarded = ",".join(["192.0.2.1"] + ["10.0.0.1"] * 5000)
    assert client_address("10.0.0.2", forwarded, ["10.0.0.0/8"]) == "10.0.0.1"
