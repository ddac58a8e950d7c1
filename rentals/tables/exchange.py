"""Properties and locks as rows of a table, to move them from one installation to another.

A name identifies a property, a serial number a lock. Rows are saved one by one through the models, so that what a
change means for the locks is written with it. A missing column leaves its field alone. An unknown column is refused,
since otherwise a misspelt column would be left out silently.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Prefetch, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from import_export.fields import Field
from import_export.resources import Diff, ModelResource
from import_export.widgets import ManyToManyWidget

from rentals.models import Lock, Property
from rentals.tables.cells import Account, Clock, Locks, Number, Words, YesNo, find_lock, lock_key, text_in

MOST_ROWS = 2000


class TableError(Exception):
    """The table as a whole cannot be imported; the message is for people."""


@dataclass(frozen=True)
class CellChange:
    """What an import makes of one cell."""

    column: str
    before: str  # empty for a new row
    after: str


class PlainDiff(Diff):  # type: ignore[misc]
    """Whole cells before and after; the library itself would mark single letters."""

    def __init__(self, resource: Any, instance: Any, new: bool) -> None:
        super().__init__(resource, instance, new)
        self.columns = [field.column_name for field in resource.get_import_fields()]

    def as_html(self) -> list[CellChange]:
        """A new row with all its cells, a changed one with those that change. Escaped by the page."""
        cells = zip(self.columns, self.left, self.right, strict=True)
        return [
            CellChange(column, "" if self.new else str(before), str(after))
            for column, before, after in cells
            if self.new or before != after
        ]


class Table(ModelResource):  # type: ignore[misc]
    """What both tables have in common. The field `key` identifies a row.

    Fields that are `closed` are neither exported nor imported: they would show what this person may not see.
    """

    key: str
    #: Fields that show another model, and only to people who may see that one.
    shows_model: ClassVar[Mapping[str, type[Model]]] = {}

    class Meta:
        use_transactions = True
        skip_unchanged = True
        clean_model_instances = True

    def __init__(self, closed: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.closed = [self.fields.pop(one).column_name for one in closed]

    @classmethod
    def get_diff_class(cls) -> type[PlainDiff]:
        return PlainDiff

    def import_data(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        """Give the result `lines`, the row of the file for each row, because the library does not count empty ones."""
        result = super().import_data(dataset, *args, **kwargs)
        result.lines = dataset.lines
        return result

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        """Judge the table as a whole. If it is refused, no row is judged: further messages would only confuse."""
        try:
            self._judge(dataset)
        except TableError:
            dataset.wipe()
            raise

    def _judge(self, dataset: Any) -> None:
        headers = [str(one or "") for one in dataset.headers or ()]
        known = self.get_export_headers()
        key = self.fields[self.key].column_name
        if shut := [one for one in headers if one in self.closed]:
            said = ngettext(
                "The column {columns} is not open to you. Remove that from the file.",
                "The columns {columns} are not open to you. Remove that from the file.",
                len(shut),
            )
            raise TableError(said.format(columns=_named(shut)))
        if strange := [one for one in headers if one not in known]:
            if len(headers) == 1:
                raise TableError(_("Each row has only one cell. Separate cells by commas, semicolons or tabs."))
            said = ngettext(
                "The column {columns} is not known. Known are {known}. Is this the right file?",
                "The columns {columns} are not known. Known are {known}. Is this the right file?",
                len(strange),
            )
            raise TableError(said.format(columns=_named(strange), known=_named(known)))
        if twice := [one for one, count in Counter(headers).items() if count > 1]:
            said = ngettext(
                "The column {columns} is there more than once. Keep one of each.",
                "The columns {columns} are there more than once. Keep one of each.",
                len(twice),
            )
            raise TableError(said.format(columns=_named(twice)))
        if key not in headers:
            said = _("The column “{column}” is missing. It identifies each row: add it to the file.")
            raise TableError(said.format(column=key))
        if len(dataset) > MOST_ROWS:
            said = _("There are {number} rows. Import at most {most} at a time.")
            raise TableError(said.format(number=len(dataset), most=MOST_ROWS))
        self.repeated = {one for one, count in Counter(map(_recognised, dataset[key])).items() if count > 1}

    def before_import_row(self, row: Mapping[str, Any], **kwargs: Any) -> None:
        value = row.get(self.fields[self.key].column_name)
        if not text_in(value):
            raise ValidationError({self.key: _("It is empty. Each row needs it.")})
        if _recognised(value) in getattr(self, "repeated", ()):
            said = _("“{key}” is in more than one row. Keep one.")
            raise ValidationError({self.key: said.format(key=_recognised(value)[:80])})

    def key_of(self, row: Mapping[str, Any]) -> str:
        field = self.fields[self.key]
        try:
            return str(field.clean(row))
        except ValueError as wrong:
            raise ValidationError({self.key: str(wrong)}) from None

    def import_instance(self, instance: Any, row: Mapping[str, Any], **kwargs: Any) -> None:
        """Report everything that is wrong with a row at once, its locks included."""
        errors: dict[str, Any] = {}
        try:
            super().import_instance(instance, row, **kwargs)
        except ValidationError as found:
            errors = found.update_error_dict({})
        for field in self.get_import_fields():
            if isinstance(field.widget, ManyToManyWidget) and field.column_name in row:
                try:
                    field.clean(row)
                except ValueError as wrong:
                    errors[field.attribute] = [ValidationError(str(wrong))]
        if errors:
            raise ValidationError(errors)


class PropertyTable(Table):
    key = "name"
    shows_model: ClassVar[Mapping[str, type[Model]]] = {"locks": Lock}

    name = Field("name", "name", Words())
    timezone = Field("timezone", "time zone", Words())
    check_in_time = Field("check_in_time", "check-in", Clock())
    check_out_time = Field("check_out_time", "check-out", Clock())
    issue_ahead_days = Field("issue_ahead_days", "days ahead", Number())
    code_length = Field("code_length", "code length", Number())
    codes_from_phone = Field("codes_from_phone", "codes from phone", YesNo())
    early_minutes = Field("early_minutes", "minutes early", Number())
    late_minutes = Field("late_minutes", "minutes late", Number())
    is_active = Field("is_active", "active", YesNo())
    locks = Field("locks", "locks", Locks())

    class Meta:
        model = Property
        fields = (
            "name",
            "timezone",
            "check_in_time",
            "check_out_time",
            "issue_ahead_days",
            "code_length",
            "codes_from_phone",
            "early_minutes",
            "late_minutes",
            "is_active",
            "locks",
        )
        import_order = export_order = fields
        import_id_fields = ("name",)

    def filter_export(self, queryset: QuerySet[Property], **kwargs: Any) -> QuerySet[Property]:
        if "locks" not in self.fields:
            return queryset
        return queryset.prefetch_related(Prefetch("locks", queryset=Lock.objects.order_by("pk")))

    def get_instance(self, instance_loader: Any, row: Mapping[str, Any]) -> Property | None:
        name = self.key_of(row)
        found = list(Property.objects.filter(name=name)[:2])
        if len(found) > 1:
            said = _("Several properties are called “{name}”, so it is not clear which one is meant. Rename one.")
            raise ValidationError({"name": said.format(name=name)})
        if not found and "time zone" not in row:
            raise ValidationError({"timezone": _("A new property needs its time zone.")})
        return found[0] if found else None


class LockTable(Table):
    """Changes known locks. It never adds one: only Tedee knows the device id of a lock."""

    key = "serial_number"

    serial_number = Field("serial_number", "serial number", Words(), readonly=True)
    name = Field("name", "name", Words())
    account = Field("account", "account", Account())
    is_active = Field("is_active", "active", YesNo())
    pin_capacity = Field("pin_capacity", "room for codes", Number())

    class Meta:
        model = Lock
        fields = ("serial_number", "name", "account", "is_active", "pin_capacity")
        import_order = export_order = fields
        import_id_fields = ("serial_number",)

    def dehydrate_serial_number(self, lock: Lock) -> str:
        return Words().render(lock_key(lock))

    def get_instance(self, instance_loader: Any, row: Mapping[str, Any]) -> Lock:
        key = self.key_of(row)
        lock = find_lock(key)
        if lock is None:
            said = _(
                "No lock has the serial number “{key}”. An import changes locks and never adds one: press “Fetch "
                "locks” on the lock account, which gets each lock's number from Tedee, then import this file again."
            )
            raise ValidationError({"serial_number": said.format(key=key[:80])})
        return lock


def _recognised(value: Any) -> str:
    """The key as it is compared: two rows must not have the same."""
    try:
        return Words().clean(value)
    except ValueError:
        return text_in(value)  # its row reports what is wrong with it


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"“{one[:40]}”" for one in list(names)[:12])
