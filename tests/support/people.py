"""People who log in: what each of them may do."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User


def staff(name: str, *permissions: str) -> User:
    """A member of staff with these permissions, such as `view_booking`."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def viewer() -> User:
    """May look at stays and locks, and do nothing."""
    return staff("viewer", "view_booking", "view_lock", "view_property")


def operator(name: str = "operator") -> User:
    """May do what the day asks for."""
    return staff(name, "view_booking", "change_booking", "view_lock", "change_lock")
