"""Differences of the cloud that the state machine switches on and off while the house lives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.support.differences import DIFFERENCES

if TYPE_CHECKING:
    from tests.support.machine import World

#: What each house of the machine has or has not, all its life; no invariant is any weaker there.
_TRAITS = frozenset({"id_reuse", "expiry_lag", "reject_past_start", "rate_limit"})
#: Settings that only change how answers look: with them every invariant holds as without.
_LOOKS = frozenset(
    {
        "error_body",
        "write_refusal",
        "seconds_cut",
        "default_hours_shown",
        "ids_as_text",
        "pins_null_when_empty",
        "put",
        "max_alias",
    }
)


@dataclass(frozen=True)
class Switch:
    """What a difference changes: settings of the cloud, every lock, or the key."""

    settings: dict[str, Any] = field(default_factory=dict)
    always: int | None = None  # the status of every request to a keypad
    claims_full: bool = False
    read_only: bool = False  # the key may not write

    @property
    def only_looks(self) -> bool:
        """Does it only change how answers look?"""
        return not (self.misleads or self.always or self.claims_full or self.read_only)

    @property
    def misleads(self) -> bool:
        """Can it hide a code from us, or make us take one for another?"""
        return bool(self.settings.keys() - _LOOKS)


SWITCHES: dict[str, Switch] = {
    name: Switch(difference.settings)
    for name, difference in DIFFERENCES.items()
    if difference.settings and not difference.settings.keys() & _TRAITS
} | {
    "every request is refused with 403": Switch(always=403),
    "every request is answered with 500": Switch(always=500),
    "every request is answered with 404": Switch(always=404),
    "the locks say that they are full": Switch(claims_full=True),
    "the key may not write": Switch(read_only=True),
    "the key may not write, says 401": Switch({"write_refusal": 401}, read_only=True),
}


class Differences:
    """Which differences are on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plain = world.cloud.settings
        self.on: list[str] = []

    def switch_on(self, name: str) -> None:
        """Several may be on at once; of two that set the same, the later one counts."""
        if name not in self.on:
            self.on.append(name)
        self._apply()

    def switch_off(self, which: int) -> None:
        if self.on:
            del self.on[which % len(self.on)]
        self._apply()

    def end(self, *, all_of_them: bool) -> None:
        """All, or only those with which no house comes to rest."""
        self.on = [] if all_of_them else [name for name in self.on if SWITCHES[name].only_looks]
        self._apply()

    def _apply(self) -> None:
        cloud, switches = self._world.cloud, [SWITCHES[name] for name in self.on]
        settings: dict[str, Any] = {}
        for switch in switches:
            settings |= switch.settings
            if switch.misleads:
                self._world.watch.disturbed()
        cloud.settings = replace(self._plain, **settings)
        always = next((switch.always for switch in switches if switch.always is not None), None)
        for lock in cloud.locks():
            cloud.set_always(lock.id, always)
            cloud.set_claims_full(lock.id, any(switch.claims_full for switch in switches))
        cloud.set_key_writes("demo", not any(switch.read_only for switch in switches))
