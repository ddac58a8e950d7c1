"""Connecting an account by logging in at Tedee: the way there and back, and what the account's page says of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, get_random_string
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from pins import tasks
from pins.admin.setup import connecting
from pins.board.set_up_rights import may_set_up
from pins.models import AccountTokens
from pins.reconcile import account_limits, tokens
from pins.status import connections
from pins.tedee import oauth
from pins.tedee.errors import TedeeError
from rentals.fields import behind
from rentals.models import LockAccount
from rentals.phrases import mark

logger = logging.getLogger(__name__)

#: Columns that no page needs.
TOKENS: Final = behind("tokens", ("access_token", "refresh_token"))
_UNDER_WAY: Final = "connecting_with_tedee"
#: Seconds between leaving for Tedee and coming back.
_LONGEST: Final = 900
_NOT_FROM_HERE: Final = mark("This was not begun on this page, or took too long. Press “Connect with Tedee” once more.")


def way_back(request: HttpRequest) -> str:
    """The address to which Tedee leads the browser back, the same for all accounts: it is registered there."""
    where = reverse("admin:rentals_lockaccount_connected")
    return f"{settings.PUBLIC_URL}{where}" if settings.PUBLIC_URL else request.build_absolute_uri(where)


def leave(request: HttpRequest, account: LockAccount | None, back: HttpResponse, *, first_run: bool) -> HttpResponse:
    """Send the browser to Tedee, or `back` with a message. Without an account one is made when the browser returns.
    By GET: a form that posts may not be led to another site by browsers, where a content security policy names this one
    alone. Begun from another site, it is refused."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        messages.error(request, _(_NOT_FROM_HERE))
        return back
    if not settings.TEDEE_OAUTH_CLIENT_ID:
        messages.error(request, _("Set TEDEE_OAUTH_CLIENT_ID first: Tedee gives one on request."))
        return back
    state, verifier = get_random_string(32), oauth.new_verifier()
    kept = {"account": account.pk if account is not None else None, "first_run": first_run}
    request.session[_UNDER_WAY] = {**kept, "state": state, "verifier": verifier, "at": time.time()}
    there = oauth.authorize_url(tokens.registration(), back=way_back(request), state=state, verifier=verifier)
    return HttpResponseRedirect(there)


class ConnectionPages:
    """Of the admin of accounts. Stands before it among the bases."""

    admin_site: Any
    object_path: Callable[..., URLPattern]
    get_changeable: Callable[[HttpRequest, int], LockAccount]
    redirect_to: Callable[[LockAccount], HttpResponseRedirect]
    log_change: Callable[[HttpRequest, LockAccount, str], Any]

    def after_connecting(self, request: HttpRequest, account: LockAccount) -> None:
        raise NotImplementedError

    def connection_urls(self) -> list[URLPattern]:
        back = self.admin_site.admin_view(self._come_back)
        return [
            self.object_path("connect", self._leave),
            path("connected/", back, name="rentals_lockaccount_connected"),
        ]

    def change_context(self, request: HttpRequest, account: LockAccount) -> dict[str, Any]:
        row = AccountTokens.objects.defer("access_token", "refresh_token").filter(account=account).first()
        return {
            "connection": {
                "sentences": connections.sentences(account, row, timezone.now()),
                "possible": bool(settings.TEDEE_OAUTH_CLIENT_ID),
                "back": way_back(request),
            }
        }

    def save_model(self, request: HttpRequest, obj: LockAccount, form: Any, change: bool) -> None:
        """What a person enters now is used from now on, and nothing else is kept."""
        super().save_model(request, obj, form, change)  # type: ignore[misc]
        if change and (form.cleaned_data.get("secret") or obj.kind != LockAccount.Kind.OAUTH):
            tokens.forget(obj)

    def _leave(self, request: HttpRequest, object_id: int) -> HttpResponse:
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        account = self.get_changeable(request, object_id)
        return leave(request, account, self.redirect_to(account), first_run=False)

    @sensitive_variables()
    def _come_back(self, request: HttpRequest) -> HttpResponse:
        """The browser comes back with a code, or with a refusal. What was kept for this counts once."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        kept: dict[str, Any] = request.session.pop(_UNDER_WAY, None) or {}
        fresh = bool(kept) and 0 <= time.time() - kept["at"] < _LONGEST
        if not fresh or not constant_time_compare(request.GET.get("state", ""), kept["state"]):
            messages.error(request, _(_NOT_FROM_HERE))
            return HttpResponseRedirect(reverse("admin:rentals_lockaccount_changelist"))
        first_run = bool(kept.get("first_run"))
        if first_run and not may_set_up(request.user):
            raise PermissionDenied
        is_new = kept["account"] is None
        account = connecting.new_account() if is_new else self.get_changeable(request, kept["account"])
        if refusal := _refusal(request.GET.get("error", ""), request.GET.get("code", "")):
            messages.error(request, refusal)
        elif self._redeem(request, account, request.GET["code"], kept["verifier"], is_new=is_new):
            if first_run:
                answer = connecting.connected(request, account)
            else:
                self.after_connecting(request, account)
                answer = self.redirect_to(account)
            due = account_limits.with_work(timezone.now()).filter(account=account)
            tasks.wake_locks(list(due.values_list("pk", flat=True)))
            return answer
        return HttpResponseRedirect(reverse("setup")) if first_run else self.redirect_to(account)

    @sensitive_variables()
    def _redeem(self, request: HttpRequest, account: LockAccount, code: str, verifier: str, *, is_new: bool) -> bool:
        """Whether the account is connected, and stored if `is_new`. Else it is said why not."""
        now = timezone.now()
        try:
            found = oauth.redeem(tokens.registration(), code, verifier=verifier, back=way_back(request), now=now)
        except TedeeError as error:
            logger.warning("connecting_failed", extra={"account_id": account.pk, "cause": type(error).__name__})
            messages.error(request, _why(error, way_back(request)))
            return False
        if not found.refresh:
            messages.error(
                request,
                _(
                    "Tedee gave nothing to renew the connection with, so it would end within hours. Add offline_access "
                    "to TEDEE_OAUTH_SCOPES. Nothing was changed."
                ),
            )
            return False
        with transaction.atomic():
            if is_new:
                account.save()
            tokens.connect(account, found, timezone.now())
            self.log_change(request, account, mark("Connected with Tedee."))
        messages.success(request, _("{account} is connected with Tedee.").format(account=account))
        return True


def _refusal(error: str, code: str) -> str:
    """What to say where Tedee sent no code. Its own words are not repeated: anybody can write such an address."""
    if error == "access_denied":
        return _("Nothing was connected: it was refused at Tedee.")
    if error or not code:
        return _(
            "Tedee did not connect the account. Check TEDEE_OAUTH_CLIENT_ID and TEDEE_OAUTH_SCOPES, then try again."
        )
    return ""


def _why(error: TedeeError, back: str) -> str:
    if isinstance(error, oauth.GrantRefused):
        return _("Tedee no longer accepts this login: it was used already, or took too long. Connect once more.")
    if isinstance(error, oauth.ClientRefused):
        return _(
            "Tedee refuses this Turnkey. Check TEDEE_OAUTH_CLIENT_ID and TEDEE_OAUTH_CLIENT_SECRET, and that the "
            "address {address} is registered at Tedee."
        ).format(address=back)
    return _("Tedee's login gave no answer that can be used. Nothing was changed; connect once more in a minute.")
