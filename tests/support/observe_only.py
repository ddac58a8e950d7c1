"""An observe-only account, and proof that nothing was written to its locks."""

from __future__ import annotations

from rentals.models import LockAccount
from tests.support.house import House


def observed_house() -> House:
    """A house to whose locks nothing is written."""
    house = House()
    watch(house.account)
    return house


def watch(account: LockAccount, *, only: bool = True) -> None:
    account.observe_only = only
    account.save()


def writes(house: House) -> list[str]:
    """Requests that would change a lock, as they reached the cloud, refused ones too."""
    return [one.method for one in house.cloud.journal.requests if one.method != "GET"]
