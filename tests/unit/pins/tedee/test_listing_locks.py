"""All locks of an account are found, whatever the server thinks of pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from pins.tedee import errors
from pins.tedee.auth import PersonalKey
from pins.tedee.client import Answer, TedeeClient
from tests.support.scripted_server import Reply, Server, answer, envelope, good, refusal

KEY = "k3y-canary-7781"


@contextmanager
def talking(*replies: Reply) -> Iterator[tuple[TedeeClient, Server]]:
    with Server(replies) as server, TedeeClient(server.url, PersonalKey(KEY), total_deadline=10.0) as client:
        yield client, server


def query_of(target: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(target).query)


def locks(*ids: int) -> Reply:
    return good([{"id": number, "serialNumber": f"s{number}"} for number in ids])


def paging(count: int, base: int, size: int, beyond: str = "empty") -> Callable[[httpx.Request], httpx.Response]:
    """A cloud of so many locks whose pages begin at `base`. `beyond`: how it answers a page that is not there."""

    def respond(request: httpx.Request) -> httpx.Response:
        page = int({name.lower(): value for name, value in request.url.params.items()}.get("page", base))
        last = base + max(0, count - 1) // size
        if page > last and beyond in ("400", "404"):
            return httpx.Response(int(beyond), json=envelope(None, int(beyond)))
        if beyond == "last":
            page = min(page, last)
        ids = range((page - base) * size, min(count, (page - base + 1) * size))
        return httpx.Response(200, json=envelope([{"id": 1 + number} for number in ids]))

    return respond


def listed(respond: Callable[[httpx.Request], httpx.Response]) -> Answer[tuple[int, ...]]:
    client = TedeeClient("http://localhost", PersonalKey(KEY), transport=httpx.MockTransport(respond))
    found = client.list_locks()
    return Answer(tuple(lock.id for lock in found.value), found.status, "", found.requests)


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("size", [1, 2, 3, 10])
@pytest.mark.parametrize("beyond", ["empty", "last", "400", "404"])
def test_no_lock_is_lost_whatever_the_pages_are(base: int, size: int, beyond: str) -> None:
    for count in range(12):
        assert sorted(listed(paging(count, base, size, beyond)).value) == list(range(1, count + 1)), count


@pytest.mark.parametrize(
    ("base", "count", "requests"), [(0, 2, 3), (1, 2, 3), (0, 4, 3), (1, 4, 4), (0, 6, 4), (1, 6, 5)]
)
def test_pages_of_two_cost_few_requests(base: int, count: int, requests: int) -> None:
    assert listed(paging(count, base, size=2)).requests == requests


def test_a_server_without_pages_repeats_itself_and_ends_the_listing() -> None:
    with talking(locks(1, 2)) as (client, server):
        found = client.list_locks()

    assert ([lock.id for lock in found.value], found.requests) == ([1, 2], 2)
    assert [query_of(request.target) for request in server.requests] == [
        [("IncludeAccessories", "true")],
        [("IncludeAccessories", "true"), ("Page", "2")],
    ]


def test_pages_are_read_until_one_adds_nothing() -> None:
    with talking(locks(1, 2), locks(2, 3), locks(1, 2), locks(4), locks()) as (client, server):
        found = client.list_locks()

    assert ([lock.id for lock in found.value], found.requests) == ([1, 2, 3, 4], 5)
    assert [query_of(request.target)[1:] for request in server.requests] == [
        *([], [("Page", "2")], [("Page", "1")], [("Page", "3")], [("Page", "4")])
    ]


def test_a_server_that_refuses_the_page_parameter_has_no_pages() -> None:
    with talking(locks(1), refusal(400)) as (client, _):
        found = client.list_locks()

    assert ([lock.id for lock in found.value], found.requests) == ([1], 3)


def test_an_account_without_locks_costs_one_request() -> None:
    with talking(locks()) as (client, _):
        assert client.list_locks() == Answer((), 200, "", 1)


def test_a_page_that_cannot_be_read_is_not_the_last_one() -> None:
    with talking(locks(1), answer(404, raw=b"<html>")) as (client, _), pytest.raises(errors.ServerFault):
        client.list_locks()


def test_pages_without_end_are_a_fault_and_not_half_a_list() -> None:
    with pytest.raises(errors.ServerFault, match="does not end"):
        listed(paging(10_000, base=1, size=1))


def test_who_asks_about_certain_locks_needs_no_other_page_once_they_are_there() -> None:
    with talking(locks(1, 2, 3)) as (client, _):
        found = client.list_locks([1, 3])
    assert ([lock.id for lock in found.value], found.requests) == ([1, 2, 3], 1)


def test_a_lock_that_is_not_on_the_first_page_is_looked_for_on_the_others() -> None:
    with talking(locks(1, 2), locks(3), locks(1, 2), locks()) as (client, _):
        found = client.list_locks([1, 3])
    assert ([lock.id for lock in found.value], found.requests) == ([1, 2, 3], 4)
