"""Statements that are composed once say the same as the querysets that they come from."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from pins.models import Pin, PinAttempt
from pins.models.pin import OBSERVED_COLUMNS
from pins.reconcile import demand, statements
from pins.reconcile.statements import slot
from tests.support.house import House

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
NOON = datetime(2027, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
#: Where a column holds one of a few words, or the plan that follows from the others.
WORDS: dict[str, Any] = {"op": "put", "state": "removed", "blocked": ""}


def other_value(name: str) -> Any:
    """Something that the column does not hold at first."""
    kind = Pin._meta.get_field(name).get_internal_type()
    values = {"BooleanField": True, "UUIDField": uuid.uuid4(), "JSONField": [1, {"a": "ü"}], "DateTimeField": NOON}
    values |= {"TextField": "4711", "CharField": "a\"'%s", "BigIntegerField": 2**40}
    return WORDS[name] if name in WORDS else values.get(kind, 7)


def one_pin(house: House) -> Pin:
    house.stay(house.flat(house.lock("Front door")), HOUR, 20 * HOUR)
    return Pin.objects.get()


@pytest.mark.parametrize("values", ["empty", "full"])
def test_every_column_is_stored_as_a_queryset_stores_it(house: House, values: str) -> None:
    pin = one_pin(house)
    columns = [name for name in OBSERVED_COLUMNS if values == "full" or Pin._meta.get_field(name).null]
    wanted = {name: other_value(name) if values == "full" else None for name in columns}
    wanted |= {"op_token": uuid.uuid4()} if values == "full" else {}
    rows = Pin.objects.filter(pk=slot("pin", Pin, "id"))
    kept = statements.update(rows, {name: slot(name, Pin) for name in columns})
    for _ in range(2):
        assert kept.run({**wanted, "pin": pin.pk}) == 1
    assert kept.run({**wanted, "pin": pin.pk + 1}) == 0
    stored = Pin.objects.get()
    assert {name: getattr(stored, name) for name in columns} == wanted
    Pin.objects.update(**wanted)
    assert {name: getattr(Pin.objects.get(), name) for name in columns} == wanted


def test_a_value_is_never_part_of_the_text(house: House) -> None:
    pin = one_pin(house)
    kept = statements.update(Pin.objects.filter(pk=slot("pin", Pin, "id")), {"alias": slot("alias", Pin)})
    nasty = "x', wanted=false --%s"
    assert nasty not in kept.sql
    kept.run({"alias": nasty, "pin": pin.pk})
    stored = Pin.objects.get()
    assert (stored.alias, stored.wanted) == (nasty, True)


def test_a_column_may_follow_from_another(house: House) -> None:
    pin = one_pin(house)
    kept = statements.update(Pin.objects.filter(pk=slot("pin", Pin, "id")), {"observed_rev": F("observed_rev") + 1})
    kept.run({"pin": pin.pk})
    kept.run({"pin": pin.pk})
    assert Pin.objects.get().observed_rev == pin.observed_rev + 2


def test_a_missing_value_is_an_error(house: House) -> None:
    pin = one_pin(house)
    kept = statements.update(Pin.objects.filter(pk=slot("pin", Pin, "id")), {"alias": slot("alias", Pin)})
    with pytest.raises(KeyError, match="alias"):
        kept.run({"pin": pin.pk})


def test_a_new_row_has_the_defaults_of_its_model(house: House) -> None:
    pin = one_pin(house)
    slots: Any = {name: slot(name, PinAttempt) for name in ("pin_id", "token")}
    kept = statements.insert(PinAttempt(**slots, op="post", started_at=NOON))
    tokens = [uuid.uuid4(), uuid.uuid4()]
    for token in tokens:
        kept.run({"pin_id": pin.pk, "token": token})
    made = list(PinAttempt.objects.order_by("pk"))
    plain = PinAttempt.objects.create(pin=pin, op="post", started_at=NOON)
    assert [one.token for one in made] == tokens
    ignored = ("id", "token")
    expected = {name: value for name, value in _row(plain).items() if name not in ignored}
    assert [{name: value for name, value in _row(one).items() if name not in ignored} for one in made] == [expected] * 2


def _row(attempt: PinAttempt) -> dict[str, Any]:
    return dict(PinAttempt.objects.filter(pk=attempt.pk).values().get())


def test_rows_are_found_and_counted(house: House) -> None:
    pin = one_pin(house)
    rows = Pin.objects.filter(wished_at__lte=slot("until", Pin, "wished_at"))
    asked, counted = statements.question(rows), statements.count(rows.order_by()[:5])
    for until, found in ((pin.wished_at, 1), (pin.wished_at - timedelta(microseconds=1), 0)):
        assert asked.finds({"until": until}) is bool(found)
        assert counted.number({"until": until}) == found


def test_who_shares_a_budget_is_counted_and_nobody_else(house: House) -> None:
    alone, shared = house.lock("Alone"), house.lock("Shared")
    for door in (alone, shared):
        house.stay(house.flat(door, name=door.name), HOUR, 20 * HOUR)
    account, now = alone.account, Pin.objects.latest("next_try_at").next_try_at
    assert now is not None
    later = now + timedelta(days=400)
    assert demand.due_before(f"account:{account.pk}", later, now, most=10) == 2
    assert demand.due_before(f"account:{account.pk}", later, now, most=1) == 1
    assert demand.due_before(f"account:{account.pk + 1}", later, now, most=10) == 0
    account.rate_group = "family"
    account.save()
    assert demand.due_before("group:family", later, now, most=10) == 2
    assert demand.due_before(f"account:{account.pk}", later, now, most=10) == 0


def test_models_are_read_with_what_stands_beside_them(house: House, django_assert_num_queries: Any) -> None:
    pin = one_pin(house)
    rows = Pin.objects.filter(pk=slot("pin", Pin, "id")).select_related("grant").annotate(double=F("desired_rev") * 2)
    kept, code = statements.Rows(rows), pin.grant.code
    with django_assert_num_queries(2):
        for _ in range(2):
            (read,) = kept.read({"pin": pin.pk})
            assert (read, read.grant.code, read.double) == (pin, code, 2 * pin.desired_rev)
    assert kept.read({"pin": pin.pk + 1}) == []


def test_what_was_read_is_read_anew(house: House) -> None:
    pin = one_pin(house)
    kept = statements.Rows(Pin.objects.filter(pk=slot("pin", Pin, "id")).values_list("wished_at", "wanted"))
    assert kept.read({"pin": pin.pk}) == [(pin.wished_at, True)]
    Pin.objects.update(wanted=False)
    assert kept.read({"pin": pin.pk}) == [(pin.wished_at, False)]
