"""Every kind of address that is not the public internet, one by one."""

from __future__ import annotations

import ipaddress

import pytest

from rentals.outbound.addresses import is_local_name, is_plain_host, is_public, is_public_or_private, literal

FORBIDDEN = {
    "this network": "0.0.0.0",
    "this network, another": "0.1.2.3",
    "private 10": "10.0.0.1",
    "private 172": "172.16.0.1",
    "private 172, last": "172.31.255.255",
    "private 192": "192.168.1.1",
    "carrier": "100.64.0.1",
    "carrier, last": "100.127.255.255",
    "loopback": "127.0.0.1",
    "loopback, another": "127.255.255.254",
    "link-local": "169.254.0.1",
    "metadata": "169.254.169.254",
    "metadata of Azure": "168.63.129.16",
    "protocol assignments": "192.0.0.9",
    "documentation": "192.0.2.1",
    "6to4 relay": "192.88.99.1",
    "benchmarks": "198.18.0.1",
    "multicast": "224.0.0.1",
    "multicast, global": "239.1.2.3",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "v6 unspecified": "::",
    "v6 loopback": "::1",
    "v6 mapped loopback": "::ffff:127.0.0.1",
    "v6 mapped public": "::ffff:8.8.8.8",
    "v6 translated": "::ffff:0:127.0.0.1",
    "v6 compatible": "::127.0.0.1",
    "v6 compatible public": "::8.8.8.8",
    "NAT64": "64:ff9b::7f00:1",
    "NAT64 of a public address": "64:ff9b::808:808",
    "NAT64, local": "64:ff9b:1::7f00:1",
    "6to4 of loopback": "2002:7f00:1::",
    "6to4 of a public address": "2002:808:808::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "ORCHID": "2001:20::1",
    "v6 documentation": "2001:db8::1",
    "v6 documentation, new": "3fff::1",
    "discard": "100::1",
    "segment routing": "5f00::1",
    "unique local": "fd00::1",
    "unique local, metadata": "fd00:ec2::254",
    "v6 link-local": "fe80::1",
    "v6 link-local with a zone": "fe80::1%eth0",
    "v6 public with a zone": "2606:4700::1111%eth0",
    "site-local": "fec0::1",
    "v6 multicast": "ff02::1",
    "v6 multicast, global": "ff0e::1",
    "not assigned": "4000::1",
}
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "172.15.255.255", "100.63.255.255", "100.128.0.1", "169.253.0.1"]
PUBLIC += ["223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888"]


@pytest.mark.parametrize("text", FORBIDDEN.values(), ids=FORBIDDEN)
def test_rule_18_an_address_that_is_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.1", "172.20.0.2", "192.168.0.9", "::1", "fd00::1", "8.8.8.8"])
def test_the_neighbourhood_of_a_test(text: str) -> None:
    assert is_public_or_private(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0", "64:ff9b::1"])
def test_even_a_test_does_not_reach_the_metadata_service(text: str) -> None:
    assert not is_public_or_private(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0177.0.0.1", "127.1", "0x7f.0.0.1", "0x7f000001", "127.0.0.0x1", "017700000001", "1.2.3.4.5"),
        *("8.8.8.8.", "example.com.", "a..b", ".a", "", "-a.example", "a-.example", "exa%6dple.com", "256.1.1.1"),
        *(
            "fe80::1%eth0",
            "fe80::1%25eth0",
            "x" * 64 + ".example",
            "a." * 130 + "example",
            "ex ample.com",
            "a/b",
            "a@b",
        ),
    ],
)
def test_rule_18_an_odd_spelling_of_a_host_is_no_host(host: str) -> None:
    assert not is_plain_host(host)


@pytest.mark.parametrize(
    "host",
    ["www.airbnb.com", "a", "xn--bcher-kva.example", "my_host.example", "1and1.example", "8.8.8.8", "::1"],
)
def test_an_ordinary_host(host: str) -> None:
    assert is_plain_host(host)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "a.localhost", "localhost."])
def test_names_of_this_machine(host: str) -> None:
    assert is_local_name(host)
    assert not is_local_name("localhost.example.com")


def test_what_an_address_is_written_as() -> None:
    assert literal("8.8.8.8") == ipaddress.ip_address("8.8.8.8")
    assert literal("example.com") is None
