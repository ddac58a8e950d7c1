"""Lock accounts in the admin. A key goes in and never comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.admin.appearance import STYLES, PlainTitles
from rentals.admin.history import DetailedHistory
from rentals.admin.object_pages import ObjectPages
from rentals.admin.scoped import ClosedToRestricted, Scoped
from rentals.fields import UndecryptableValue
from rentals.models import LockAccount
from rentals.models.tokens import new_token

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[LockAccount]
    _Form = forms.ModelForm[LockAccount]
else:
    _Admin = admin.ModelAdmin
    _Form = forms.ModelForm


_OBSERVE_ONLY = lazy("Turnkey only observes this account: from now on it sends nothing that changes a lock.")
_RELEASED = lazy(
    "Turnkey writes to the locks of this account again: all that is due on them is being done now. The board shows the "
    "results."
)


class LockAccountForm(_Form):
    """The model form neither reads nor writes `secret`, so the stored key is never decrypted for a page. The page works
    even where no configured key opens it any more."""

    secret = forms.CharField(
        label=lazy("Access key"),
        required=False,
        strip=True,
        max_length=4000,
        widget=forms.PasswordInput(
            render_value=False, attrs={"autocomplete": "new-password", "class": "vTextField", "spellcheck": "false"}
        ),
    )

    class Meta:
        exclude = ("secret",)
        error_messages = {"name": {"required": lazy("Give the account a name.")}}
        help_texts = {
            "name": lazy("What you call this account, for example “Office Tedee”."),
            "kind": lazy(
                "A personal access key is pasted below. A connection is made by logging in at Tedee, with a button "
                "on the account's page."
            ),
            "observe_only": lazy(
                "Try Turnkey without touching a lock: it reads the locks and works out every code, but "
                "puts none on a lock, changes none and removes none. Meanwhile let guests in as before. Clear the tick "
                "to begin: then all that is due happens at once."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "secret" not in self.fields:
            return  # a person who may only look
        where = _(
            "Made at portal.tedee.com under Personal Access Keys, with the scopes Device.Read and Device.ReadWrite."
        )
        if self.instance.pk and self.instance.kind == LockAccount.Kind.OAUTH:
            said = _("Only for a personal access key."), where
        elif self.instance.pk:
            said = _("A key is stored. Leave this empty to keep it."), where
        else:
            said = where, _("A connection needs none.")
        self.fields["secret"].help_text = " ".join(said)

    def clean_name(self) -> str:
        """Every page and table knows an account by its name. Two accounts that share a name already may keep it."""
        name = str(self.cleaned_data["name"])
        others = LockAccount.objects.filter(name__iexact=name).exclude(pk=self.instance.pk)
        if "name" in self.changed_data and others.exists():
            raise ValidationError(_("There is an account of this name already. Choose another name."))
        return name

    def clean_secret(self) -> str:
        key = str(self.cleaned_data["secret"])
        for prefix in ("PersonalKey ", "Bearer "):
            key = key.removeprefix(prefix).strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValidationError(
                _("This is not an access key: it has spaces or special characters. Copy it once more.")
            )
        return key

    def clean(self) -> dict[str, Any]:
        """A key is needed where none is stored. One that was stored for another kind is none."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        needs_key = not self.instance.pk or "kind" in self.changed_data
        is_key = cleaned.get("kind") == LockAccount.Kind.PERSONAL_KEY
        if needs_key and is_key and "secret" in self.cleaned_data and not cleaned.get("secret"):
            self.add_error("secret", _("Paste the access key here. Turnkey cannot reach the locks without one."))
        return cleaned


@admin.register(LockAccount)
class LockAccountAdmin(ObjectPages, PlainTitles, DetailedHistory, Scoped, _Admin):
    closed = ClosedToRestricted.closed  # its locks may serve any property
    form = LockAccountForm
    sensitive_fields = ("secret",)
    list_display = ["name", "kind", "lock_count"]
    search_fields = ("name",)
    ordering = ("name", "pk")
    readonly_fields = ["events_address"]
    fieldsets = [
        (None, {"fields": ("name", "kind", "secret", "observe_only", "reads_activity")}),
        (
            lazy("Tedee's events"),
            {
                "fields": ("events_address",),
                "classes": ("collapse",),
                "description": lazy(
                    "Tedee can report at once that a lock is back online or low on battery. Enter this "
                    "address as the webhook of your Tedee integration. It is a secret: with it, anybody can send "
                    "events."
                ),
            },
        ),
        (lazy("Shared limits"), {"fields": ("rate_group",), "classes": ("collapse",)}),
    ]

    class Media:
        css = STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[LockAccount]:
        rows: QuerySet[LockAccount] = super().get_queryset(request).annotate(number_of_locks=Count("locks"))
        return rows.defer(*LockAccount.SECRETS)

    def get_fieldsets(self, request: HttpRequest, obj: LockAccount | None = None) -> Any:
        """A person who may only look sees the fields as text, so the key must not be among them."""
        if self.has_change_permission(request, obj) or (obj is None and self.has_add_permission(request)):
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": ("name", "kind", "observe_only", "reads_activity", "rate_group")}),)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A person who connects the first account by hand tries Turnkey out: write nothing before they say so."""
        return {"observe_only": not LockAccount.objects.exists(), **super().get_changeform_initial_data(request)}

    @admin.display(description=lazy("Address on this site"))
    def events_address(self, one: LockAccount) -> str:
        if not one.pk:
            return _("Shown after the account is saved.")
        try:
            token = one.webhook_token
        except UndecryptableValue:
            return _("Cannot be read: the encryption key that was in use when it was made is missing.")
        # An account that was stored without `save` has none.
        return reverse("tedee-events", args=[token]) if token else _("None: this account was stored without one.")

    @admin.display(description=lazy("Locks"), ordering="number_of_locks")
    def lock_count(self, one: LockAccount) -> int:
        return getattr(one, "number_of_locks", 0)

    def response_post_save_add(self, request: HttpRequest, obj: LockAccount) -> HttpResponseRedirect:
        """Go to the page with the button that is needed next."""
        if not self.has_change_permission(request, obj):
            return super().response_post_save_add(request, obj)
        is_key = obj.kind == LockAccount.Kind.PERSONAL_KEY or obj.secret
        button = _("Fetch locks") if is_key else _("Connect with Tedee")
        messages.info(request, _("Next: press “{button}”.").format(button=button))
        return self.redirect_to(obj)

    def save_model(self, request: HttpRequest, obj: LockAccount, form: Any, change: bool) -> None:
        key = form.cleaned_data.get("secret")
        if key or "kind" in form.changed_data:
            obj.secret = key or ""  # a personal key is never sent as the token of a connection
        try:
            obj.webhook_token  # noqa: B018 - read for whether it can be read
        except UndecryptableValue:
            # A person who replaces the key repairs this too: an account with one unreadable value cannot be used.
            obj.webhook_token = new_token()
        super().save_model(request, obj, form, change)
        if "observe_only" in form.changed_data and (change or obj.observe_only):
            messages.info(request, str(_OBSERVE_ONLY if obj.observe_only else _RELEASED))
