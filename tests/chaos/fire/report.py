"""The figures of runs as text: how often each fault struck, how often all came right again, and how long that took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tests.chaos.fire import judge
from tests.chaos.fire.history import Blow
from tests.chaos.fire.run import Outcome


def by_kind(blows: Sequence[Blow]) -> dict[str, list[Blow]]:
    """Faults by kind, in the order of the names."""
    found: defaultdict[str, list[Blow]] = defaultdict(list)
    for blow in sorted(blows, key=lambda blow: blow.kind):
        found[blow.kind].append(blow)
    return dict(found)


def summary(outcome: Outcome) -> list[str]:
    """A run in lines."""
    options, history = outcome.options, outcome.history
    doubled = judge.doubled(history)
    longest = max((one.seconds for one in doubled), default=0.0)
    deaths = ", ".join(f"{name} {number}" for name, number in sorted(outcome.deaths.items())) or "none"
    failed = sum(request.fault is not None for request in history.requests)
    rest = f"{outcome.settled_after:.0f} s" if outcome.settled_after >= 0 else "never"
    machines = f"{options.workers} workers, 2 beats"
    sent = f"{len(history.requests)} requests, {failed} of them failed by a fault"
    calm = f"at most {longest:.1f} calm seconds ({history.rules.look:.0f} allowed)"
    return [
        f"{options.database}, seed {options.seed}: {options.seconds:.0f} s, {options.locks} locks, " + machines,
        f"{outcome.stays} stays, {outcome.changes} changes, {outcome.refused} of both not confirmed to the host",
        f"the host waited for a change: {outcome.host_waited:.0f} s at most",
        f"{sent}, {len(history.changes)} changes on locks",
        f"faults {len(outcome.blows)}, survived {sum(blow.healed is not None for blow in outcome.blows)}",
        f"all right after the last fault: {rest}",
        f"a guest with two codes: {len(doubled)} times, {calm}",
        f"processes that ended by themselves: {deaths}",
        f"invariants broken: {len(outcome.breaks)}",
    ]


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """All runs together, a line for each kind of fault (Markdown)."""
    blows = [blow for outcome in outcomes for blow in outcome.blows]
    lines = ["| fault | injected | survived | longest recovery |", "|---|---|---|---|"]
    for kind, alike in by_kind(blows).items():
        recoveries = [blow.recovery for blow in alike if blow.recovery is not None]
        longest = f"{max([*recoveries, 0.0]):.0f} s" if recoveries else "never"
        lines.append(f"| `{kind}` | {len(alike)} | {len(recoveries)} | {longest} |")
    skipped = {name: why for outcome in outcomes for name, why in outcome.skipped.items()}
    lines += [f"| `{name}` | not injected everywhere | | {why} |" for name, why in sorted(skipped.items())]
    return lines


def page(outcomes: Sequence[Outcome], day: str) -> str:
    """A page for `docs/reports/`."""
    parts = [f"# Under fire, {day}", "", "Made by `make chaos ARGS=--report`. `docs/chaos.md` says what it means.", ""]
    for outcome in outcomes:
        first, *others = summary(outcome)
        parts += [f"## {first}", "", *(f"- {line}" for line in others), ""]
        if outcome.breaks:
            parts += ["```", judge.told(outcome.history, outcome.breaks), "```", ""]
    return "\n".join([*parts, "## By kind of fault, all runs", "", *table(outcomes), ""])
