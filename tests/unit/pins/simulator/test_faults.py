"""Fault plans as text, chance by seed, and scripts."""

from __future__ import annotations

import random
from dataclasses import fields

import pytest

from pins.simulator.faults import KINDS, FaultDesk, FaultPlan, FaultTextError, ScriptStep


def test_every_kind_has_a_chance_and_every_chance_a_kind() -> None:
    assert {item.name for item in fields(FaultPlan)} - {"writes_only"} == set(KINDS)


def test_a_plan_survives_being_written_and_read() -> None:
    plan = FaultPlan(timeout_applied=0.1, busy=0.05, writes_only=True)
    assert FaultPlan.parse(plan.as_text()) == plan
    assert FaultPlan.parse(" timeout_applied = 0.1, busy=0.05,writes_only ") == plan
    assert FaultPlan.parse("") == FaultPlan()


@pytest.mark.parametrize("text", ["nonsense=0.1", "busy", "busy=often", "busy=1.5", "busy=-0.1", "busy=0.6,late=0.6"])
def test_a_wrong_text_is_refused_with_what_is_possible(text: str) -> None:
    with pytest.raises(FaultTextError, match=r"busy|chance"):
        FaultPlan.parse(text)


def test_chances_are_met_in_the_long_run() -> None:
    plan = FaultPlan(timeout_applied=0.1, drop_applied=0.02, busy=0.3)
    rng = random.Random(1)
    seen = [plan.choose(rng, "POST") for _ in range(20_000)]
    names = [fault.name for fault in seen if fault]
    assert names.count("timeout_applied") / len(seen) == pytest.approx(0.1, abs=0.01)
    assert names.count("drop_applied") / len(seen) == pytest.approx(0.02, abs=0.005)
    assert names.count("busy") / len(seen) == pytest.approx(0.3, abs=0.015)


def test_reads_are_spared_when_only_writes_fail() -> None:
    plan = FaultPlan(busy=1.0, writes_only=True)
    assert plan.choose(random.Random(1), "GET") is None
    assert plan.choose(random.Random(1), "PUT") is KINDS["busy"]


def test_a_lock_has_the_same_luck_whatever_happens_on_other_locks() -> None:
    plan = FaultPlan(busy=0.3, late=0.3)
    alone, mixed = FaultDesk(7, plan), FaultDesk(7, plan)
    first = [alone.next(1, "POST") for _ in range(50)]
    second = []
    for _ in range(50):
        mixed.next(2, "POST")
        second.append(mixed.next(1, "POST"))
    assert first == second
    assert first != [FaultDesk(8, plan).next(1, "POST") for _ in range(50)]


def test_a_script_comes_before_chance_and_is_used_up() -> None:
    desk = FaultDesk(0, FaultPlan(busy=1.0))
    desk.add_script(1, ["timeout_lost", "ok", "403"])
    assert desk.next(1, "POST") is KINDS["timeout_lost"]
    assert desk.next(1, "GET") is None
    refused = desk.next(1, "GET")
    assert refused is not None
    assert refused.statuses == (403,)
    assert desk.steps_left(1) == 0
    assert desk.next(1, "GET") is KINDS["busy"]


def test_a_step_with_a_method_waits_for_it() -> None:
    desk = FaultDesk(0, FaultPlan())
    desk.add_script(1, ["PUT:late"])
    assert desk.next(1, "GET") is None
    assert desk.next(1, "PUT") is KINDS["late"]


@pytest.mark.parametrize("step", ["", "never", "200", "PATCH:ok", "POST:", "99999"])
def test_a_wrong_step_is_refused(step: str) -> None:
    with pytest.raises(FaultTextError):
        ScriptStep.parse(step)


def test_nothing_of_a_script_is_taken_when_a_step_is_wrong() -> None:
    desk = FaultDesk(0, FaultPlan())
    with pytest.raises(FaultTextError):
        desk.add_script(1, ["ok", "nonsense"])
    assert desk.steps_left(1) == 0
