"""What a cloud that differs from its documents makes of aliases, updates and dates, and how its answers look."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.small_cloud import ALIAS, CODE, PINS, SmallCloud


@pytest.mark.parametrize(
    ("shape", "stored"),
    [
        ("kept", ALIAS),
        ("cut", "Anna 03-08 Mar #7F3K"),
        ("no_hash", "Anna 03-08 Mar 7F3K2Q"),
        ("no_spaces", "Anna03-08Mar#7F3K2Q"),
        ("upper", "ANNA 03-08 MAR #7F3K2Q"),
    ],
)
def test_an_alias_is_stored_in_the_shape_that_the_cloud_likes(shape: str, stored: str) -> None:
    small = SmallCloud(alias_shape=shape)
    small.create()
    assert small.listed()["pins"] == [{"id": 1, "alias": stored}]
    assert small.read()["alias"] == stored
    small.client.put(f"{PINS}/1", json={"alias": f"{ALIAS} #", "pin": CODE})
    assert small.read()["alias"] != f"{ALIAS} #" or shape == "kept"
    assert [change.alias_sent for change in small.cloud.journal.changes] == [ALIAS, f"{ALIAS} #"]
    assert small.cloud.journal.changes[0].alias == stored


def test_a_late_write_is_stored_in_that_shape_too() -> None:
    small = SmallCloud(alias_shape="upper", late_seconds=30)
    small.cloud.script(10001, ["late"])
    assert small.create().status_code == 408
    small.forward(31)
    assert small.read()["alias"] == ALIAS.upper()


def test_two_aliases_that_are_stored_alike_are_the_same_to_the_cloud() -> None:
    small = SmallCloud(alias_shape="cut", alias_cut=4, unique_alias=True)
    small.create()
    assert small.create("314159", alias="Anna Nowak").status_code == 406


def test_an_alias_that_is_too_long_is_refused_by_name() -> None:
    small = SmallCloud(max_alias=20)
    refused = small.create()
    assert refused.status_code == 400
    assert refused.json()["errorMessages"] == ["Alias cannot be longer than 20 characters."]


FULL: dict[str, Any] = {
    "startDate": "2027-03-01T12:00:00.000Z",
    "endDate": "2027-03-08T10:00:00.000Z",
    "dayStartTime": "2021-10-01T10:00:00.000Z",
    "dayEndTime": "2021-10-01T12:00:00.000Z",
    "weekDays": 48,
}


@pytest.mark.parametrize(("late", "status"), [(False, 204), (True, 408)])
def test_a_merging_update_keeps_what_is_absent_and_clears_what_is_null(late: bool, status: int) -> None:
    small = SmallCloud(put="merges", late_seconds=30)
    small.create(**FULL)
    body = {"alias": "Anna", "pin": "314159", "weekDays": None, "endDate": "2027-03-09T10:00:00.000Z"}
    if late:
        small.cloud.script(10001, ["late"])
    assert small.client.put(f"{PINS}/1", json=body).status_code == status
    small.forward(31)
    changed = {"id": 1, "alias": "Anna", "pin": "314159", "weekDays": None, "endDate": "2027-03-09T10:00:00.000Z"}
    assert small.read() == FULL | changed
    small.client.put(f"{PINS}/1", json={"alias": "Anna", "pin": CODE} | dict.fromkeys(FULL))
    assert small.read() == {"id": 1, "alias": "Anna", "pin": CODE} | dict.fromkeys(FULL)


def test_dates_may_lose_their_seconds_when_read() -> None:
    small = SmallCloud(seconds_cut=True)
    small.create(**FULL)
    seen = small.read()
    assert (seen["startDate"], seen["dayEndTime"]) == ("2027-03-01T12:00Z", "2021-10-01T12:00Z")


def test_hours_and_days_that_were_never_set_may_be_shown() -> None:
    small = SmallCloud(default_hours_shown=True)
    small.create()
    hours = {"dayStartTime": "2021-10-01T00:00:00.000Z", "dayEndTime": "2021-10-01T23:59:00.000Z", "weekDays": 127}
    assert small.read() == {"id": 1, "alias": ALIAS, "pin": CODE, "startDate": None, "endDate": None} | hours
    small.create("314159", **FULL)
    assert small.read(2)["weekDays"] == 48


def test_ids_and_versions_may_be_text() -> None:
    small = SmallCloud(ids_as_text=True)
    assert small.create().json()["result"] == {"id": "1"}
    assert small.listed() == {"listVersion": "2", "pins": [{"id": "1", "alias": ALIAS}]}
    assert small.read()["id"] == "1"
    (lock,) = small.client.get("/my/lock").json()["result"]
    assert (lock["id"], lock["connectedToId"], lock["type"]) == ("10001", "501", 2)
    assert small.client.get("/my/lock/sync").json()["result"][0]["id"] == "10001"


def errors_of(small: SmallCloud) -> dict[int, Any]:
    """One answer of each status that may come without the envelope, and one of others."""
    cloud, answers = small.cloud, {}
    answers[401] = small.client_of("PersonalKey other").get(PINS)
    cloud.set_forbidden(10001, True)
    answers[403] = small.client.get(PINS)
    cloud.set_forbidden(10001, False)
    answers[404] = small.client.get(f"{PINS}/9")
    cloud.script(10001, ["busy", "408"])
    answers[409] = small.client.get(PINS)
    answers[408] = small.client.get(PINS)
    cloud.set_connected(10001, False)
    answers[428] = small.client.get(PINS)
    answers[400] = small.create("12345")
    cloud.settings = replace(cloud.settings, rate_limit=1)
    small.client.get(PINS)
    answers[429] = small.client.get(PINS)
    assert {answer.status_code for answer in answers.values()} == set(answers)
    return answers


BARE = {401, 403, 404, 409, 428, 429}


def test_errors_come_in_the_envelope() -> None:
    for status, answer in errors_of(SmallCloud()).items():
        assert answer.json()["statusCode"] == status


def test_errors_may_come_without_a_body() -> None:
    answers = errors_of(SmallCloud(error_body="empty"))
    assert {status for status, answer in answers.items() if answer.content == b""} == BARE
    assert answers[429].headers["Retry-After"]
    assert "Content-Type" not in answers[404].headers


def test_errors_may_come_as_a_problem_document() -> None:
    answers = errors_of(SmallCloud(error_body="problem"))
    problems = {status for status, answer in answers.items() if "problem+json" in answer.headers["Content-Type"]}
    assert problems == BARE
    assert answers[404].json() == {"type": "about:blank", "title": "Not Found", "status": 404}
    assert answers[429].headers["Retry-After"]


def test_a_page_that_is_no_answer_of_the_api_stays_html() -> None:
    small = SmallCloud(error_body="empty")
    assert "<html>" in small.client.get("/my/nothing").text


def test_locks_have_the_names_of_their_version() -> None:
    small = SmallCloud()
    (new,) = small.client.get("/my/lock").json()["result"]
    small.cloud.settings = replace(small.cloud.settings, lock_shape="v1.32")
    (old,) = small.client.get("/my/lock").json()["result"]
    assert set(new) - set(old) == {"deviceState", "accessDetails"}
    assert set(old) - set(new) == {"lockProperties", "shareDetails"}
    assert old["lockProperties"] == new["deviceState"]
    assert new["deviceState"]["doorState"] == 0
    (state,) = small.client.get("/my/lock/sync").json()["result"]
    assert state["lockProperties"]["batteryLevel"] == 87
    small.cloud.set_connected(10001, False)
    assert small.client.get("/my/lock/sync").json()["result"][0]["lockProperties"] is None


def test_addresses_may_end_with_a_slash() -> None:
    small = SmallCloud(api_base="/api/v1.32")
    small.create()
    for path in ("/my/lock/", "/my/lock/10001/", "/my/lock/sync/", f"{PINS}/", f"{PINS}/1/", "/my/bridge/"):
        assert small.client.get(path).status_code == 200
    assert small.client.get("/my/lock//").status_code == 404
    assert small.client.get("/my/bridge").json()["result"] == [
        {"id": 501, "serialNumber": "B-000501", "name": "Bridge 501"}
    ]


def page_of(small: SmallCloud, **query: object) -> list[int]:
    answer = small.client.get("/my/lock", params={name: str(value) for name, value in query.items()})
    return [lock["id"] - 10000 for lock in answer.json()["result"]]


@pytest.mark.parametrize("base", [0, 1])
def test_the_list_of_locks_may_come_in_pages(base: int) -> None:
    small = SmallCloud(page_base=base, page_size=2)
    for _ in range(4):
        small.cloud.add_lock("More")
    assert page_of(small) == [1, 2]
    assert [page_of(small, Page=base + number) for number in range(4)] == [[1, 2], [3, 4], [5], []]
    assert page_of(small, page=base + 1, itemsperpage=3) == [4, 5]
    for wrong in ({"Page": "-1"}, {"Page": "x"}, {"ItemsPerPage": "0"}):
        assert small.client.get("/my/lock", params=wrong).status_code == 400


def test_without_pages_all_locks_come_whatever_is_asked() -> None:
    small = SmallCloud(page_size=1)
    small.cloud.add_lock("Second")
    assert page_of(small, Page=2, ItemsPerPage=1) == [1, 2]
