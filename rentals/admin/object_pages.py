"""Pages and buttons of one object in the admin, below the address of its own page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.debug import sensitive_post_parameters


class ObjectPages:
    """Stands before ModelAdmin among the bases. Django's site keeps all these pages out of caches."""

    #: Fields of the form whose values must not be in an error report.
    sensitive_fields: ClassVar[tuple[str, ...]] = ()

    admin_site: Any
    model: Any
    opts: Any
    media: Any
    get_object: Any
    has_change_permission: Any
    has_view_or_change_permission: Any

    def change_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What the template of the change page gets beside the form; only for a person who may see the object."""
        return {}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        view = super().changeform_view  # type: ignore[misc]

        def with_context(request: HttpRequest) -> HttpResponse:
            context = dict(extra_context or {})
            obj = self.get_object(request, object_id) if object_id else None
            if obj is not None and self.has_view_or_change_permission(request, obj):
                context |= self.change_context(request, obj)
            page: HttpResponse = view(request, object_id, form_url, context)
            return page

        if not self.sensitive_fields:  # for the decorator, no names mean all parameters
            return with_context(request)
        return sensitive_post_parameters(*self.sensitive_fields)(with_context)(request)

    # -- addresses ------------------------------------------------------------------------------------------------

    def object_path(self, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
        """`new_link` is at `<id>/new-link/` and is called `rentals_publishedcalendar_new_link`."""
        route = f"<int:object_id>/{name.replace('_', '-')}/"
        address: URLPattern = path(
            route, self.admin_site.admin_view(view), name=f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        )
        return address

    def button(self, name: str, press: Callable[[HttpRequest, Any], HttpResponse]) -> URLPattern:
        """The address of a button: `press` answers a POST by a person who may change the object."""

        @sensitive_post_parameters()
        def view(request: HttpRequest, object_id: int) -> HttpResponse:
            if request.method != "POST":
                return self.answer_without_post(request, object_id)
            return press(request, self.get_changeable(request, object_id))

        return self.object_path(name, view)

    def answer_without_post(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return HttpResponseNotAllowed(["POST"])

    def get_changeable(self, request: HttpRequest, object_id: int) -> Any:
        """The object, for a person who may change it. Raises Http404 or PermissionDenied."""
        obj = self.get_object(request, str(object_id))
        if obj is None:
            raise Http404
        if not self.has_change_permission(request, obj):
            raise PermissionDenied
        return obj

    def redirect_to(self, obj: Any) -> HttpResponseRedirect:
        """Back to the change page of an object."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[obj.pk]))

    # -- pages ----------------------------------------------------------------------------------------------------

    def object_page(self, request: HttpRequest, obj: Any, template: str, title: str, **more: Any) -> TemplateResponse:
        """A page of its own about one object; its template extends `rentals/admin/page_base.html`."""
        return TemplateResponse(request, template, {**page_context(self, request, title), "original": obj, **more})


def page_context(model_admin: Any, request: HttpRequest, title: str) -> dict[str, Any]:
    """What `rentals/admin/page_base.html` needs."""
    return {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": title,
        "media": model_admin.media,
    }
