"""Guest guides in the admin: what guests of a property read, when they are told, and how the message looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pins.guests import letters, pictures, template
from pins.guests.sending import PHONE
from pins.guests.timing import Kind
from pins.models import GuestGuide, GuestPicture, GuestText
from pins.notify import mail, services
from rentals.admin.appearance import STYLES, PlainTitles
from rentals.admin.history import DetailedHistory
from rentals.admin.object_pages import ObjectPages
from rentals.admin.scoped import Scoped
from rentals.widgets import WriteOnlyInput
from rentals.wording import said

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[GuestGuide]
    _Texts = admin.StackedInline[GuestText, GuestGuide]
    _Pictures = admin.TabularInline[GuestPicture, GuestGuide]
    _GuideForm = forms.ModelForm[GuestGuide]
    _PictureForm = forms.ModelForm[GuestPicture]
    _TextForm = forms.ModelForm[GuestText]
    _TextSet = forms.BaseInlineFormSet[GuestText, GuestGuide, forms.ModelForm[GuestText]]
else:
    _Admin, _Texts, _Pictures = admin.ModelAdmin, admin.StackedInline, admin.TabularInline
    _GuideForm = _PictureForm = _TextForm = forms.ModelForm
    _TextSet = forms.BaseInlineFormSet

MOST_PICTURES = 8
_ANY_NUMBER = "48601234567"


class GuideForm(_GuideForm):
    new_service = forms.CharField(
        label=lazy("Text messages"),
        required=False,
        max_length=2000,
        widget=WriteOnlyInput({"class": "vTextField"}),
        help_text=lazy(
            "The Apprise URL of a service for SMS or WhatsApp, with {phone} where the guest's number belongs: "
            "clicksend://user:key@{phone}. What is stored is never shown; leave this empty to keep it."
        ),
    )
    no_service = forms.BooleanField(label=lazy("Send no text messages any more"), required=False)

    class Meta:
        exclude = ("text_service",)
        widgets = {"wifi_password": forms.TextInput({"autocomplete": "off", "class": "vTextField"})}

    def clean_new_service(self) -> str:
        typed = str(self.cleaned_data["new_service"]).strip()
        if typed and PHONE not in typed:
            raise ValidationError(_("Write {phone} where the guest's number belongs."))
        if typed:
            services.clean(typed.replace(PHONE, _ANY_NUMBER))
        return typed

    def save(self, commit: bool = True) -> GuestGuide:
        if self.cleaned_data.get("no_service"):
            self.instance.text_service = ""
        elif self.cleaned_data.get("new_service"):
            self.instance.text_service = self.cleaned_data["new_service"]
        return super().save(commit)


class TextSet(_TextSet):
    """Judges the templates by the guide as it was typed with them."""

    def clean(self) -> None:
        super().clean()
        may_have_code = self.instance.code_in_message
        for form in self.forms:
            typed = getattr(form, "cleaned_data", {})
            if typed.get("DELETE"):
                continue
            for name, needs_link in (("subject", False), ("message", True)):
                if text := typed.get(name):
                    may = may_have_code and name == "message"  # a subject is shown on locked screens
                    for problem in template.problems(text, needs_link=needs_link, may_have_code=may):
                        form.add_error(name, said(problem))


class TextForm(_TextForm):
    class Meta:
        help_texts = {
            "message": format_lazy(
                lazy("Empty: Turnkey's own. Variables: {names}. A line whose variables are all empty is left out."),
                names=", ".join(f"{{{{ {name} }}}}" for name in template.VARIABLES),
            ),
        }


class TextInline(_Texts):
    model = GuestText
    form = TextForm
    formset = TextSet
    extra = 0


class PictureForm(_PictureForm):
    upload = forms.FileField(
        label=lazy("File"),
        required=False,
        help_text=lazy("JPEG, PNG or WebP, up to 6 MB. Place, time and camera are removed."),
        widget=forms.FileInput({"accept": "image/jpeg,image/png,image/webp"}),
    )

    class Meta:
        fields = ("place", "caption")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        file = cleaned.get("upload")
        if file is None:
            if not self.instance.pk:
                self.add_error("upload", _("Choose the file of the picture."))
            return cleaned
        try:
            # One byte more than allowed: a file that is much larger is not read to its end.
            data = pictures.written_anew(file.read(pictures.LARGEST + 1))
        except pictures.BadPictureError as error:
            self.add_error("upload", str(error))
        else:
            self.instance.content_type, self.instance.data = pictures.CONTENT_TYPE, data
        return cleaned


class PictureInline(_Pictures):
    model = GuestPicture
    form = PictureForm
    fields = ("place", "caption", "upload")
    extra = 0
    max_num = MOST_PICTURES

    def get_queryset(self, request: HttpRequest) -> QuerySet[GuestPicture]:
        return super().get_queryset(request).defer("data")


@admin.register(GuestGuide)
class GuestGuideAdmin(ObjectPages, PlainTitles, DetailedHistory, Scoped, _Admin):
    form = GuideForm
    sensitive_fields = ("new_service", "wifi_password")
    change_form_template = "pins/admin/guide_form.html"
    list_display = ("property", "is_active", "message_hours", "code_hours", "needs_release", "code_in_message")
    list_filter = ("is_active",)
    search_fields = ("property__name",)
    inlines = (TextInline, PictureInline)

    class Media:
        css = STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[GuestGuide]:
        rows: QuerySet[GuestGuide] = super().get_queryset(request)
        return rows.select_related("property").defer("text_service")

    def get_fieldsets(self, request: HttpRequest, obj: GuestGuide | None = None) -> Any:
        """A person who may only look sees the fields as text, so no secret may be among them."""
        may_edit = self.has_change_permission(request, obj) or (obj is None and self.has_add_permission(request))
        password = ("wifi_password",) if may_edit else ()
        texts = (("new_service", "no_service"),) if may_edit else ()
        return (
            (None, {"fields": ("property", "is_active")}),
            (_("The code"), {"fields": ("code_hours", "needs_release", "hands_out_spares", "grace_hours")}),
            (_("The message"), {"fields": ("message_hours", "code_in_message", *texts)}),
            (_("The place"), {"fields": ("address", "host_phone", "wifi_name", *password)}),
        )

    def save_model(self, request: HttpRequest, obj: GuestGuide, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not settings.PUBLIC_URL:
            messages.warning(request, _("No message goes out yet: the operator of Turnkey must set PUBLIC_URL."))
        elif not mail.is_set_up():
            messages.warning(
                request, _("No mail server is set up, so no e-mail goes out yet. The operator must set EMAIL_URL.")
            )

    def change_context(self, request: HttpRequest, obj: GuestGuide) -> dict[str, Any]:
        """The messages as a made-up guest would get them, as they are stored."""
        languages = list(obj.texts.values_list("language", flat=True)) or ["en"]
        kinds = (Kind.READY, Kind.CHANGED)
        return {
            "previews": [(one, letters.example(obj, one, kind)) for one in languages for kind in kinds],
            "stored_service": services.service_of(obj.text_service) if obj.sends_texts else "",
        }
