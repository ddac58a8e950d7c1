"""People in the admin: Django's own pages, and on the page of a person the properties that this person sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from rentals.admin.appearance import STYLES
from rentals.admin.history import DetailedHistory
from rentals.admin.scoped import ClosedToRestricted
from rentals.models import PropertyAccess

if TYPE_CHECKING:
    _Users = UserAdmin[User]
    _Inline = admin.StackedInline[PropertyAccess, User]
else:
    _Users = UserAdmin
    _Inline = admin.StackedInline

admin.site.unregister([User, Group])


class PropertyAccessInline(_Inline):
    model = PropertyAccess
    filter_horizontal = ("properties",)
    extra = 0
    verbose_name_plural = "restriction to some properties"


@admin.register(User)
class PeopleAdmin(DetailedHistory, ClosedToRestricted, _Users):
    """Closed to restricted people: a person who may change people could lift a restriction."""

    inlines = (PropertyAccessInline,)

    class Media:
        css = STYLES

    # Read-only, because as form fields each date is split in two, and the second has no label.
    readonly_fields = ("last_login", "date_joined", "what_they_did")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None or not request.user.has_perm("admin.view_logentry"):
            return found
        return (*found, ("History", {"fields": ("what_they_did",)}))

    @admin.display(description="What they did")
    def what_they_did(self, one: User) -> str:
        address = reverse("admin:admin_logentry_changelist", query={"user__id__exact": one.pk})
        return format_html('<a href="{}">All changes by {}</a>', address, one.get_username())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A person needs both “Staff status” and a group before they can work, and the login page does not say so."""
        super().save_related(request, form, formsets, change)
        person: User = form.instance
        if not change or not person.is_active or person.is_superuser:
            return
        if not person.is_staff:
            messages.warning(request, f"“{person}” cannot log in: tick “Staff status”.")
        if not person.get_all_permissions():
            messages.warning(request, f"“{person}” may do nothing yet: choose a group, such as operator.")

    def get_inline_instances(self, request: HttpRequest, obj: User | None = None) -> Any:
        """A new person is made with a name and a password first."""
        return super().get_inline_instances(request, obj) if obj is not None else []


@admin.register(Group)
class RolesAdmin(DetailedHistory, ClosedToRestricted, GroupAdmin):
    """Closed to restricted people, like people."""
