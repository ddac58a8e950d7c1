"""A small house on a simulated cloud: the domain code against the real client, without processes or sockets."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from urllib.parse import parse_qsl, urlsplit

import time_machine
from django.conf import settings
from django.db.models import Min
from django.utils import timezone

from pins.core.alias import reference_in
from pins.models import AccessGrant, AccountState, LockState, Pin, PinAttempt
from pins.reconcile import account_limits, run, sweep, tokens
from pins.simulator.authority import CLIENT_ID, CLIENT_SECRET
from pins.simulator.cloud import Cloud, CloudSettings
from pins.simulator.devices import SimPin
from pins.simulator.transport import CloudTransport
from pins.tedee import oauth
from pins.tedee.client import TedeeClient
from rentals.models import Booking, Lock, LockAccount, Property

KEY = "house-key"
WAY_BACK = "https://codes.example.com/back/"
REGISTRATION = oauth.Registration(
    "http://cloud.test/oauth2/authorize", "http://cloud.test/oauth2/token", CLIENT_ID, CLIENT_SECRET, "offline_access"
)


class House:
    """An account, locks and properties; `settle()` runs what is due, as worker and beat would."""

    def __init__(self, *, names_checked: bool = True, audits: bool = False, **cloud: object) -> None:
        """`names_checked`: the cloud is known to keep the names of codes, so that the first one is not read back.
        `audits`: locks are compared from time to time; without, a test knows each request."""
        self.audits = audits
        self.cloud = Cloud(
            CloudSettings(latency=(0.0, 0.0), **cloud),  # type: ignore[arg-type]
            key=KEY,
            clock=timezone.now,
            sleep=lambda _: None,
        )
        self.transport = CloudTransport(self.cloud)
        self.account = LockAccount.objects.create(name="Office", kind="personal_key", secret=KEY)
        if names_checked:
            AccountState.objects.create(account=self.account, alias_checked_at=timezone.now())
        self.requests = 0

    def lock(self, name: str = "Door") -> Lock:
        made = self.cloud.add_lock(name)
        lock = Lock.objects.create(account=self.account, device_id=made.id, name=name, serial_number=made.serial_number)
        if not self.audits:
            LockState.objects.create(lock=lock, audit_at=timezone.now() + timedelta(days=3650))
        return lock

    def flat(self, *locks: Lock, **fields: object) -> Property:
        flat = Property.objects.create(
            **{
                "name": "Flat",
                "timezone": "Europe/Warsaw",
                "check_in_time": time(15),
                "check_out_time": time(11),
                **fields,
            }
        )
        flat.locks.set(locks)
        return flat

    def stay(self, flat: Property, begins: timedelta | datetime, lasts: timedelta, name: str = "Anna Nowak") -> Booking:
        check_in = begins if isinstance(begins, datetime) else whole(timezone.now() + begins)
        return Booking.objects.create(property=flat, guest_name=name, check_in=check_in, check_out=check_in + lasts)

    def client(self, account: LockAccount) -> TedeeClient:
        return TedeeClient(
            "http://cloud.test/api/v37", tokens.auth_for(account, ask=self.renewed), transport=self.transport
        )

    def renewed(self, refresh_token: str, now: datetime) -> oauth.Tokens:
        """What the cloud's authorization server gives for a refresh token."""
        return oauth.renew(REGISTRATION, refresh_token, now=now, transport=self.transport)

    def connect(self) -> None:
        """A person logs in at Tedee for the account."""
        verifier, now = oauth.new_verifier(), timezone.now()
        asked = oauth.authorize_url(REGISTRATION, back=WAY_BACK, state="state", verifier=verifier)
        challenge = dict(parse_qsl(urlsplit(asked).query))["code_challenge"]
        code = self.cloud.authority.allow(CLIENT_ID, WAY_BACK, challenge, now)
        found = oauth.redeem(REGISTRATION, code, verifier=verifier, back=WAY_BACK, now=now, transport=self.transport)
        tokens.connect(self.account, found, now)

    def run(self, lock: Lock) -> run.Report:
        report = run.reconcile_lock(lock.pk, clients=self.client)
        self.requests += report.requests
        return report

    def settle(self, rounds: int = 50) -> None:
        """Run every lock with due work until none is left. Pauses are not waited for: move the clock."""
        for _ in range(rounds):
            if not self._work():
                return
        raise AssertionError("the house does not come to rest")

    def _work(self) -> bool:
        """Run each lock that is due now; whether any was."""
        due = sweep.due_locks(timezone.now())
        for lock in Lock.objects.filter(pk__in=due) if due else ():
            self.run(lock)
        return bool(due)

    def live(self, clock: time_machine.Traveller, span: timedelta) -> None:
        """Let time pass, second by second where something is due, and do what is due then."""
        ends = timezone.now() + span
        rounds = 0
        while True:
            worked = self._work()
            following = self.next_wake() or ends
            if worked and following <= timezone.now():
                rounds += 1
                assert rounds < 50, "the house does not come to rest"
                continue
            rounds = 0
            # What is due and yet left out, because the account cannot pay it, waits for a sweep to come.
            step = timedelta(seconds=1 if worked or following > timezone.now() else settings.SWEEP_SECONDS)
            following = max(following, timezone.now() + step)
            if following >= ends:
                clock.move_to(ends)
                self.settle()
                return
            clock.move_to(following)

    def run_at(self, clock: time_machine.Traveller, later: timedelta) -> None:
        """One run of each lock, some time later."""
        clock.shift(later)
        for lock in Lock.objects.all():
            self.run(lock)

    def next_wake(self) -> datetime | None:
        """When the first of the locks has work again, as far as anybody knows now."""
        now = timezone.now()
        account_state = AccountState.objects.filter(account=self.account).first()
        probing = account_state is not None and account_state.outages > 0
        resting: datetime | None = None
        moments: list[datetime] = []
        rows = Lock.objects.select_related("account", "operation").annotate(first=Min("pins__next_try_at"))
        for place, lock in enumerate(rows):
            state = getattr(lock, "operation", None) or LockState()
            if place == 0 or probing:  # else all locks of the account rest alike
                resting = account_limits.rests_until(lock, account_state, now)
            due = [moment for moment in (lock.first, state.audit_at) if moment is not None]
            rests = [moment for moment in (state.paused_until, state.lease_until, resting) if moment is not None]
            moments += [max([min(due), *rests])] if due else []
        return min(moments, default=None)

    def ours(self, lock: Lock) -> list[SimPin]:
        """The PINs that are really on the lock and carry one of our references."""
        references = set(AccessGrant.objects.values_list("reference", flat=True))
        return [pin for pin in self.cloud.pins(lock.device_id) if reference_in(pin.alias) in references]

    def statuses(self) -> Counter[int | None]:
        return Counter(PinAttempt.objects.values_list("status", flat=True))


def pin_of(booking: Booking, lock: Lock) -> Pin:
    return Pin.objects.select_related("grant").get(grant__booking=booking, lock=lock)


def whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
