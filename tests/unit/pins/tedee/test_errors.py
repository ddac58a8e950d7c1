from __future__ import annotations

import pickle

import pytest

from pins.tedee import errors
from pins.tedee.errors import AmbiguousError, Cause, RefusedError, TedeeError, error_for
from tests.support.scripted_server import envelope

LISTED = [
    (400, errors.BadRequest, Cause.BAD_REQUEST),
    (401, errors.Unauthorized, Cause.UNAUTHORIZED),
    (403, errors.Forbidden, Cause.FORBIDDEN),
    (404, errors.PinNotFound, Cause.NOT_FOUND),
    (406, errors.PinExists, Cause.PIN_EXISTS),
    (408, errors.DeviceTimeout, Cause.TIMEOUT),
    (409, errors.DeviceBusy, Cause.BUSY),
    (412, errors.NoRoom, Cause.NO_ROOM),
    (422, errors.NoRoom, Cause.NO_ROOM),
    (428, errors.DeviceOffline, Cause.OFFLINE),
    (429, errors.RateLimited, Cause.RATE_LIMITED),
]
AMBIGUOUS = (errors.DeviceTimeout, errors.ServerFault, errors.NetworkFault)


@pytest.mark.parametrize(("status", "kind", "cause"), LISTED)
def test_a_listed_status_in_the_envelope_has_its_own_class(status: int, kind: type[TedeeError], cause: Cause) -> None:
    error = error_for(status, envelope(None, status), correlation_id="c-1", retry_after=7.0)

    assert type(error) is kind
    assert (error.status, error.cause, error.correlation_id, error.retry_after) == (status, cause, "c-1", 7.0)
    assert isinstance(error, AmbiguousError if kind in AMBIGUOUS else RefusedError)


@pytest.mark.parametrize("status", [200, 201])
def test_success_needs_the_envelope_to_say_so(status: int) -> None:
    assert error_for(status, envelope({"id": 1}, status)) is None
    bodies: list[object] = [None, [], "ok", {}, {"id": 1}, {"success": "true", "result": {}}, envelope(success=False)]
    for body in bodies:
        assert type(error_for(status, body)) is errors.ServerFault


def test_no_content_is_a_success_and_not_modified_only_when_asked_for() -> None:
    assert error_for(204, None) is None
    assert error_for(304, None, not_modified_asked=True) is None
    assert type(error_for(304, None)) is errors.ServerFault


@pytest.mark.parametrize("status", [100, 202, 206, 301, 302, 307, 308, 500, 502, 503, 504, 599, 999])
def test_every_other_status_is_a_fault_even_in_the_envelope(status: int) -> None:
    assert type(error_for(status, envelope(None, status, success=False))) is errors.ServerFault


@pytest.mark.parametrize("status", [400, 404, 406, 410, 418])
def test_a_page_of_a_proxy_concludes_nothing(status: int) -> None:
    assert type(error_for(status, None)) is errors.ServerFault


PROBLEM = {"type": "about:blank", "title": "No", "status": 0}


@pytest.mark.parametrize(
    ("status", "kind"), [(status, kind) for status, kind, _ in LISTED if status not in (400, 404, 406)]
)
@pytest.mark.parametrize("body", [None, {}, [], "no", PROBLEM, {"message": "no"}])
def test_a_status_that_says_enough_needs_no_envelope(status: int, kind: type[TedeeError], body: object) -> None:
    error = error_for(status, body, retry_after=7.0)

    assert type(error) is kind
    assert error.retry_after == 7.0


@pytest.mark.parametrize("body", [None, {}, PROBLEM])
def test_a_bare_404_is_a_fault_that_shows_its_status(body: object) -> None:
    error = error_for(404, body)

    assert type(error) is errors.ServerFault
    assert error.status == 404


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize(
    "body",
    [
        {"statusCode": 404, "message": "Resource not found"},
        {"type": "about:blank", "title": "Not Found", "status": 404},
        {"success": False},
        {"success": True, "errorMessages": [], "statusCode": 404},
        {"success": False, "errorMessages": [], "statusCode": 200},
        {},
    ],
)
def test_json_of_a_gateway_never_confirms_a_deletion(status: int, body: object) -> None:
    assert type(error_for(status, body)) is errors.ServerFault


def test_an_unlisted_refusal_in_the_envelope_is_a_bad_request() -> None:
    for status in (402, 405, 410, 415, 418, 451):
        assert type(error_for(status, envelope(None, status))) is errors.BadRequest


def test_a_refusal_by_the_frameworks_own_validation_is_a_bad_request() -> None:
    assert (
        type(error_for(400, {"title": "One or more validation errors occurred.", "status": 400})) is errors.BadRequest
    )


def test_the_status_code_may_be_missing_from_the_envelope() -> None:
    assert type(error_for(404, {"success": False, "errorMessages": ["no"]})) is errors.PinNotFound


def test_what_the_server_said_is_not_repeated() -> None:
    for status in (*range(200, 600), 999):
        error = error_for(status, envelope("739105", status, errorMessages=["pin 739105 is taken"]))
        assert "739105" not in f"{error!r} {error!s} {getattr(error, '__dict__', '')}"


def test_the_text_tells_status_and_correlation() -> None:
    assert str(errors.DeviceBusy(409, "abc")) == "The lock is busy with another request (status 409, correlation abc)"
    assert str(errors.Unreachable()) == "The Tedee cloud cannot be reached"
    assert str(errors.NetworkFault(detail="It hung", hung=True)) == "It hung"


def test_what_a_refusal_is_about_survives_pickling_and_its_words_do_not() -> None:
    refused = error_for(400, envelope(None, 400, errorMessages=["Pin 739105 has fewer than 3 different digits"]))
    error = pickle.loads(pickle.dumps(refused))

    assert (type(error), error.about, error.status) == (errors.BadRequest, "value", 400)
    assert "739105" not in f"{refused!r} {refused!s} {vars(refused)} {error!r} {vars(error)}"


def test_an_unlisted_refusal_is_about_nothing() -> None:
    error = error_for(415, envelope(None, 415, errorMessages=["The alias"]))

    assert isinstance(error, errors.BadRequest)
    assert error.about == ""


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(errors.NetworkFault(None, "abc", 2.0, "It hung", hung=True)))

    assert (error.correlation_id, error.retry_after, error.detail, error.hung) == ("abc", 2.0, "It hung", True)
