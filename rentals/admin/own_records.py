"""Records that Turnkey alone writes: nobody needs a permission to delete them together with what they are about."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.http import HttpRequest


class DeletesOwnRecords:
    """Stands before ModelAdmin among the bases."""

    #: True for the pages of such records.
    kept_by_turnkey: ClassVar[bool] = False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """As Django's, without the permissions to delete Turnkey's own records, which nobody has."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)  # type: ignore[misc]
        site = self.admin_site  # type: ignore[attr-defined]
        own = {
            str(model._meta.verbose_name)
            for model in apps.get_models()
            if site.is_registered(model) and getattr(site.get_model_admin(model), "kept_by_turnkey", False)
        }
        return found, counts, needed - own, protected
