"""The roles: four groups that say what people may do. Made and kept up to date after each `migrate`.

It only adds: a permission that somebody gave to one of these groups stays, and so does the group. For a role with fewer
permissions people make a group of their own (docs/operations.md).
"""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps as all_apps
from django.apps.registry import Apps
from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

VIEWER: Final = "viewer"
OPERATOR: Final = "operator"
CODE_REVEAL: Final = "code-reveal"
ADMINISTRATOR: Final = "administrator"

_OURS = Q(content_type__app_label__in=["rentals", "pins"])
_LOOK = _OURS & Q(codename__startswith="view_")
_WORK = Q(
    content_type__app_label="rentals",
    codename__in=[
        "add_booking",
        "change_booking",
        "delete_booking",
        "change_calendarfeed",
        "change_property",
        "change_lock",
    ],
)
_STAFF = Q(
    content_type__app_label="pins",
    codename__in=["add_staffaccess", "change_staffaccess", "delete_staffaccess"],
)
_PEOPLE = Q(content_type__app_label="auth", content_type__model__in=["user", "group"])
_HISTORY = Q(content_type__app_label="admin", codename="view_logentry")
_SCHEDULE = Q(content_type__app_label="django_celery_beat")

#: The permissions that each group has at least.
ROLES: Final[dict[str, Q]] = {
    VIEWER: _LOOK,
    OPERATOR: _LOOK | _WORK | _STAFF,
    CODE_REVEAL: Q(content_type__app_label="pins", codename="reveal_code"),
    ADMINISTRATOR: _OURS | _PEOPLE | _HISTORY | _SCHEDULE,
}


def keep_roles(apps: Apps = all_apps, using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Receiver of `post_migrate` for the last of our apps, when the permissions of all of them exist.

    When the tables of people are not there yet, as during `migrate rentals`, the next migration makes the roles.
    `flush` sends the signal too, without `apps`.
    """
    try:
        for name in ("Group", "Permission"):
            apps.get_model("auth", name)
    except LookupError:
        return
    for name, may in ROLES.items():
        group, _made = Group.objects.using(using).get_or_create(name=name)
        missing = Permission.objects.using(using).filter(may).exclude(group=group)
        group.permissions.add(*missing.values_list("pk", flat=True))
