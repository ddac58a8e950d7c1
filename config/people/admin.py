"""People in the admin: Django's own pages; on the page of a person how they get in, and the properties they see.

A new person is invited: nobody but they themselves knows their password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from config.people import bound, links, second_step
from rentals.admin.appearance import STYLES
from rentals.admin.history import DetailedHistory
from rentals.admin.object_pages import ObjectPages, page_context
from rentals.admin.scoped import ClosedToRestricted
from rentals.models import PropertyAccess
from rentals.phrases import mark

if TYPE_CHECKING:
    _Users = UserAdmin[User]
    _Inline = admin.StackedInline[PropertyAccess, User]
    _Form = forms.ModelForm[User]
else:
    _Users = UserAdmin
    _Inline = admin.StackedInline
    _Form = forms.ModelForm

admin.site.unregister([User, Group])


class InviteForm(_Form):
    """Without a password: the person chooses it."""

    class Meta:
        model = User
        fields = ("username", "email")
        field_classes = {"username": UsernameField}

    def save(self, commit: bool = True) -> User:
        person: User = super().save(commit=False)
        person.set_unusable_password()
        person.is_staff = True
        if commit:
            person.save()
        return person


class PropertyAccessInline(_Inline):
    model = PropertyAccess
    filter_horizontal = ("properties",)
    extra = 0
    verbose_name_plural = lazy("restriction to some properties")


@admin.register(User)
class PeopleAdmin(ObjectPages, DetailedHistory, ClosedToRestricted, _Users):
    """Closed to restricted people: a person who may change people could lift a restriction."""

    inlines = (PropertyAccessInline,)
    add_form = InviteForm
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("username", "email")}),)

    class Media:
        css = STYLES

    # Read-only, because as form fields each date is split in two, and the second has no label.
    readonly_fields = ("last_login", "date_joined", "what_they_did", "way_in", "their_second_step", "their_provider")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        if self.has_change_permission(request, obj):
            known = bool(settings.OIDC_ISSUER) and obj.provider_accounts.filter(issuer=settings.OIDC_ISSUER).exists()
            more = ("their_provider",) if known else ()
            found = (*found, (_("Logging in"), {"fields": ("way_in", "their_second_step", *more)}))
        if not request.user.has_perm("admin.view_logentry"):
            return found
        return (*found, (_("History"), {"fields": ("what_they_did",)}))

    # Whoever changes a person's password or address, or holds a link for them, becomes that person: so only superusers
    # change superusers, and make others one.

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_govern(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_govern(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fixed = super().get_readonly_fields(request, obj)
        return fixed if request.user.is_superuser else (*fixed, "is_superuser")

    @admin.display(description=lazy("Password"))
    def way_in(self, one: User) -> str:
        """The button belongs to the form around it, and takes it to another address."""
        if bound.is_bound(one.pk):
            return _("Does not let them in: they log in with {provider}.").format(provider=settings.OIDC_NAME)
        said = _("Chosen.") if one.has_usable_password() else _("Not chosen yet, so this person cannot log in.")
        address = reverse("admin:auth_user_password_link", args=[one.pk])
        return format_html("{} {}", said, _button(address, _("Make a one-time link")))

    @admin.display(description=lazy("Second step"))
    def their_second_step(self, one: User) -> str:
        step, keys = second_step.confirmed(one), one.passkeys.count()
        if step is None and not keys:
            return _("Off. Each person switches it on for themselves.")
        address = reverse("admin:auth_user_drop_second_step", args=[one.pk])
        return format_html("{} {}", _second_step_of(step is not None, keys), _button(address, _("Switch it off")))

    @admin.display(description=lazy("Single sign-on"))
    def their_provider(self, one: User) -> str:
        if one.is_superuser:
            text = _("Known by {provider}. A superuser may always log in with a password as well.")
            return text.format(provider=settings.OIDC_NAME)
        if bound.is_bound(one.pk):
            said = _("With {provider}, alone: a password or a passkey does not let them in.")
            press = _("Allow a password and passkeys")
        else:
            said, press = _("With {provider}, or with a password or a passkey."), _("Single sign-on alone")
        address = reverse("admin:auth_user_log_in_here", args=[one.pk])
        return format_html("{} {}", said.format(provider=settings.OIDC_NAME), _button(address, press))

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.object_path("password_link", require_POST(self.password_link_view)),
            self.object_path("drop_second_step", require_POST(self.drop_second_step_view)),
            self.object_path("log_in_here", require_POST(self.log_in_here_view)),
        ]
        return [*own, *super().get_urls()]

    def _person(self, request: HttpRequest, object_id: int) -> User:
        one: User | None = self.get_object(request, str(object_id))
        if one is None:
            raise Http404
        if not self.has_change_permission(request, one):
            raise PermissionDenied
        return one

    @method_decorator(sensitive_variables())
    def password_link_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The link, shown once."""
        one = self._person(request, object_id)
        if not one.is_active:
            text = _("“{person}” is switched off: tick “Active” and save, then make a link.")
            messages.error(request, text.format(person=one))
            return redirect("admin:auth_user_change", one.pk)
        if bound.is_bound(one.pk):
            text = _("“{person}” logs in with {provider} alone. Allow a password first.")
            messages.error(request, text.format(person=one, provider=settings.OIDC_NAME))
            return redirect("admin:auth_user_change", one.pk)
        self.log_change(request, one, mark("Made a one-time link to choose a password."))
        context = {
            **page_context(self, request, _("One-time link")),
            "original": one,
            "link": links.link(one, request),
            "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
        }
        content = render_to_string("people/link.html", context, request)
        return HttpResponse(content, headers={"Cache-Control": "no-store"})

    def drop_second_step_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        one = self._person(request, object_id)
        if second_step.drop_all(one.pk):
            self.log_change(request, one, mark("Switched the second step off, and removed the passkeys."))
            text = _("The second step of “{person}” is off, with all passkeys: their password alone lets them in.")
            messages.success(request, text.format(person=one))
        return redirect("admin:auth_user_change", one.pk)

    def log_in_here_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """From the provider alone to any way, and back."""
        one = self._person(request, object_id)
        allowed = bound.is_bound(one.pk)
        if bound.allow_here(one, allowed=allowed):
            if allowed:
                did = mark("From now on may also log in with a password or a passkey.")
                text = _("“{person}” may also log in with a password or a passkey.")
            else:
                did = mark("From now on logs in through the provider alone.")
                text = _("“{person}” logs in through the provider alone.")
            self.log_change(request, one, did)
            messages.success(request, text.format(person=one))
        return redirect("admin:auth_user_change", one.pk)

    @admin.display(description=lazy("What they did"))
    def what_they_did(self, one: User) -> str:
        address = reverse("admin:admin_logentry_changelist", query={"user__id__exact": one.pk})
        return format_html(
            '<a href="{}">{}</a>', address, _("All changes by {person}").format(person=one.get_username())
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A person needs both “Staff status” and a group before they can work, and the login page does not say so."""
        super().save_related(request, form, formsets, change)
        person: User = form.instance
        if not change or not person.is_active or person.is_superuser:
            return
        if not person.is_staff:
            messages.warning(request, _("“{person}” cannot log in: tick “Staff status”.").format(person=person))
        if not person.get_all_permissions():
            text = _("“{person}” may do nothing yet: choose a group, such as operator.")
            messages.warning(request, text.format(person=person))

    def get_inline_instances(self, request: HttpRequest, obj: User | None = None) -> Any:
        """A new person is made with a name and a password first."""
        return super().get_inline_instances(request, obj) if obj is not None else []

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> HttpResponse:
        text = _("Choose a group and save. Then make a one-time link, and give it to the person.")
        messages.info(request, text)
        return super().response_add(request, obj, post_url_continue)


def _second_step_of(has_app: bool, keys: int) -> str:
    """What there is to switch off. `keys`: the number of passkeys."""
    if not keys:
        return _("On.")
    if has_app:
        text = ngettext("On and {number} passkey.", "On and {number} passkeys.", keys)
    else:
        text = ngettext("{number} passkey.", "{number} passkeys.", keys)
    return text.format(number=keys)


def _button(address: str, text: str) -> SafeString:
    """It sends the form around it to another address."""
    return format_html('<button type="submit" class="button" formaction="{}" formnovalidate>{}</button>', address, text)


def _may_govern(request: HttpRequest, one: User | None) -> bool:
    return one is None or not one.is_superuser or request.user.is_superuser


@admin.register(Group)
class RolesAdmin(DetailedHistory, ClosedToRestricted, GroupAdmin):
    """Closed to restricted people, like people."""
