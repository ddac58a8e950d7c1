"""Import and export in the admin: a file, a preview of what it would do, then all of it or nothing.

The library turns tables into models; the pages and their words are ours. Between the preview and the import the file
travels in the page itself, signed: nothing is left on a disk, and any web process can go on.
"""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from import_export.admin import ImportExportMixin
from import_export.forms import ConfirmImportForm, ExportForm, ImportForm
from import_export.results import Result, RowResult
from import_export.tmp_storages import BaseStorage

from rentals.admin.scoped import may_see
from rentals.admin.table_files import TableAsCsv, TableAsJson
from rentals.phrases import mark
from rentals.tables.exchange import CellChange, Table, TableError

MOST_BYTES = 500_000
#: Seconds between the preview and the import, at most.
_PATIENCE = 3600
_FORMATS = (TableAsCsv, TableAsJson)


class SignedStorage(BaseStorage):  # type: ignore[misc]
    """The file as a signed text: its own name."""

    def save(self, data: bytes) -> None:
        self.name = _signer().sign(urlsafe_b64encode(zlib.compress(data)).decode("ascii"))

    def read(self) -> bytes:
        """Raises `BadSignature`."""
        return zlib.decompress(urlsafe_b64decode(_signer().unsign(self.name, max_age=_PATIENCE)))

    def remove(self) -> None:
        """Nothing is kept."""


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="rentals.admin.exchange")


class UploadForm(ImportForm):  # type: ignore[misc]
    """Asks only for the file: its name says which format it has."""

    def __init__(self, formats: Any, resources: Any, **kwargs: Any) -> None:
        super().__init__(formats, resources, **kwargs)
        del self.fields["format"]
        field = self.fields["import_file"]
        field.label, field.help_text = _("File"), _("CSV or JSON, as “Export” writes it.")
        field.error_messages |= {"required": _("Choose a file."), "empty": _("The file is empty.")}
        field.widget.attrs = {"accept": ".csv,.json,text/csv,application/json"}

    @property
    def media(self) -> forms.Media:
        return forms.Media()

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > MOST_BYTES:
            said = _("The file is larger than {size} kB. Import it in parts.")
            raise forms.ValidationError(said.format(size=MOST_BYTES // 1000))
        self.cleaned_data["format"] = "1" if file.name.lower().endswith(".json") else "0"
        return file


class ConfirmationForm(ConfirmImportForm):  # type: ignore[misc]
    original_file_name = forms.CharField(widget=forms.HiddenInput, max_length=200)
    format = forms.ChoiceField(choices=[("0", "CSV"), ("1", "JSON")], widget=forms.HiddenInput)
    resource = forms.ChoiceField(choices=[("0", "")], required=False, widget=forms.HiddenInput)


@dataclass(frozen=True)
class Complaint:
    """What is wrong with a cell or with the whole file."""

    row: int | None  # of the file, as a spreadsheet counts
    column: str
    text: str

    def __str__(self) -> str:
        row = _("Row {row}").format(row=self.row) if self.row else ""
        where = ", ".join(one for one in (row, self.column) if one)
        return f"{where}: {self.text}" if where else self.text


class ImportExportPages(ImportExportMixin):  # type: ignore[misc]
    """Stands first among the bases of a ModelAdmin. `table` describes the rows."""

    table: type[Table]
    import_notes: str | Promise = ""
    formats = _FORMATS
    import_form_class = UploadForm
    confirm_form_class = ConfirmationForm
    export_form_class = ExportForm
    tmp_storage_class = SignedStorage
    import_template_name = "rentals/admin/import.html"
    export_template_name = "rentals/admin/export.html"
    #: In place of the list's own template, with two more buttons.
    import_export_change_list_template = "rentals/admin/import_export_list.html"

    def get_resource_classes(self, request: HttpRequest) -> list[type[Table]]:
        return [self.table]

    def get_resource_kwargs(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Leave out the columns about models that this person may not see on other pages."""
        return {"closed": [one for one, model in self.table.shows_model.items() if not may_see(request, model)]}

    def _columns(self, request: HttpRequest) -> list[str]:
        columns: list[str] = self.table(**self.get_resource_kwargs(request)).get_export_headers()
        return columns

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_add_permission(request) and self.has_change_permission(request))

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_or_change_permission(request))

    # -- import -------------------------------------------------------------------------------------------------

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        form.add_error("import_file", str(e) if isinstance(e, TableError) else _("The file cannot be read as a table."))

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The form, or a preview of what the file would do: all of it is done and rolled back."""
        response = super().import_action(request, **kwargs)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            self._explain(request, response.context_data)
        answer: HttpResponse = response
        return answer

    def _explain(self, request: HttpRequest, context: dict[str, Any]) -> None:
        result = context.get("result")
        plural = str(self.model._meta.verbose_name_plural)
        context |= {
            "title": _("Import {rows}").format(rows=plural),
            "columns": self._columns(request),
            "notes": self.import_notes,
            "complaints": [
                *(Complaint(None, "", text) for texts in context["form"].errors.values() for text in texts),
                *(self._complaints(result) if result is not None else ()),
            ],
            "counts": _counts(result, str(self.model._meta.verbose_name), plural) if result is not None else "",
            "changes": [row for row in result.valid_rows() if row.import_type != "skip"] if result is not None else [],
            "file_name": context["form"].cleaned_data["import_file"].name if result is not None else "",
        }
        if result is not None and not context["changes"]:
            context.pop("confirm_form", None)

    def _complaints(self, result: Result) -> Iterator[Complaint]:
        if result.base_errors:
            for error in result.base_errors:
                known = isinstance(error.error, TableError)
                yield Complaint(None, "", str(error.error) if known else _("The file cannot be read as a table."))
            return
        names = {field.attribute: field.column_name for field in self.table.fields.values()}
        lines = dict(enumerate(result.lines, 1))
        for row in result.invalid_rows:
            line = lines[row.number]
            for attribute, texts in row.field_specific_errors.items():
                yield from (Complaint(line, names.get(attribute, attribute), text) for text in texts)
            yield from (Complaint(line, "", text) for text in row.non_field_specific_errors)
        for number, errors in result.row_errors():
            for error in errors:
                yield Complaint(lines[number], "", _("It cannot be saved: {error}").format(error=error.error))

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and not self.has_import_permission(request):
            raise PermissionDenied
        try:
            if request.method == "POST" and not self.create_confirm_form(request).is_valid():
                raise BadSignature
            response: HttpResponse = super().process_import(request, **kwargs)
        except BadSignature:
            messages.error(request, _("Nothing was imported: the preview is over an hour old. Choose the file again."))
            return HttpResponseRedirect(reverse(f"admin:rentals_{self.model._meta.model_name}_import"))
        return response

    def process_dataset(self, dataset: Any, form: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """All or nothing, even if a row became wrong after the preview."""
        kwargs |= {"raise_errors": False, "rollback_on_validation_errors": True}
        return super().process_dataset(dataset, form, request, **kwargs)

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        complaints = list(self._complaints(result))
        if complaints:
            messages.error(request, _("Nothing was imported. {reason}").format(reason=complaints[0]))
            return HttpResponseRedirect(reverse(f"admin:rentals_{self.model._meta.model_name}_import"))
        response: HttpResponse = super().process_result(result, request)
        return response

    def add_success_message(self, result: Result, request: HttpRequest) -> None:
        touched = {RowResult.IMPORT_TYPE_NEW, RowResult.IMPORT_TYPE_UPDATE}
        self.after_import(request, [row.object_id for row in result if row.import_type in touched])
        opts = self.model._meta
        counts = _counts(result, str(opts.verbose_name), str(opts.verbose_name_plural))
        messages.success(request, _("Imported: {counts}").format(counts=counts))

    def after_import(self, request: HttpRequest, changed: Collection[int]) -> None:
        """Say what follows from the import. `changed`: the keys of the new and the changed rows."""

    def _log_actions(self, result: Result, request: HttpRequest) -> None:
        """What the history says about each row: the changed cells, with their former and new values."""
        words = {
            RowResult.IMPORT_TYPE_NEW: (ADDITION, mark("Added by import of a file")),
            RowResult.IMPORT_TYPE_UPDATE: (CHANGE, mark("Changed by import of a file")),
        }
        for row in result:
            if row.import_type in words:
                flag, word = words[row.import_type]
                cells = [] if flag == ADDITION else [self._cell_change(one) for one in row.diff]
                said = f"{'. '.join([word, *cells])}."  # in English, see `rentals.admin.history.told`
                LogEntry.objects.log_actions(request.user.pk or 0, [row.instance], flag, said, single_object=True)

    def _cell_change(self, cell: CellChange) -> str:
        """More people may read the history than may see some of the cells."""
        kept = {field.column_name for field in self.table.fields.values() if field.attribute in self.table.shows_model}
        return f"{cell.column}: changed" if cell.column in kept else f"{cell.column}: {cell.before} → {cell.after}"

    # -- export -------------------------------------------------------------------------------------------------

    def export_action(self, request: HttpRequest) -> HttpResponse:
        """A filter that the list does not know leads back to the list, as Django's own pages do."""
        try:
            response: HttpResponse = super().export_action(request)
        except IncorrectLookupParameters:
            opts = self.model._meta
            listed = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
            return redirect(f"{listed}?{ERROR_FLAG}=1")
        return response

    def init_request_context_data(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().init_request_context_data(request, form)
        return context | {
            "title": _("Export {rows}").format(rows=self.model._meta.verbose_name_plural),
            "columns": self._columns(request),
            "count": self.get_export_queryset(request).count(),
            "media": self.media,
        }


def _counts(result: Result, singular: str, plural: str) -> str:
    """`2 properties are new, 1 changes, 4 are as they should be.`"""
    new, changed, same = (
        result.totals[one]
        for one in (RowResult.IMPORT_TYPE_NEW, RowResult.IMPORT_TYPE_UPDATE, RowResult.IMPORT_TYPE_SKIP)
    )
    said = (
        new and ngettext("{number} new", "{number} new", new).format(number=new),
        changed and ngettext("{number} changed", "{number} changed", changed).format(number=changed),
        same and ngettext("{number} unchanged", "{number} unchanged", same).format(number=same),
    )
    total = new + changed + same
    what = ", ".join(one for one in said if one) or _("nothing")
    return _("{number} {rows}: {what}.").format(number=total, rows=singular if total == 1 else plural, what=what)
