"""Form fields for days and times, drawn by the browser itself, which works well on a phone; and inputs for texts that
are never shown again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as lazy

DATE_FORMATS = ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d %b %Y", "%d %B %Y"]
TIME_FORMATS = ["%H:%M", "%H:%M:%S", "%H.%M", "%I:%M %p", "%I %p"]

_INVALID = lazy("Enter a time such as {example}.")
_INVALID_OR_EMPTY = lazy("Enter a time such as {example}, or leave it empty.")


class DayInput(forms.DateInput):
    """A day, by the browser's own calendar. The browser sends and expects ISO dates."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs=attrs, format="%Y-%m-%d")


class ClockInput(forms.TimeInput):
    """A time of day in hours and minutes."""

    input_type = "time"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs=attrs, format="%H:%M")


class DayField(forms.DateField):
    """A day; some common ways to write one are understood beside the browser's own."""

    widget = DayInput
    input_formats = DATE_FORMATS
    default_error_messages = {
        "required": lazy("Choose a day."),
        "invalid": lazy("Enter a day such as 2027-03-08 or 08/03/2027."),
    }


class ClockField(forms.TimeField):
    """A time of day on the clock of some place. `example` is what the error message shows."""

    widget = ClockInput
    input_formats = TIME_FORMATS

    def __init__(self, *, example: str = "15:00", **kwargs: Any) -> None:
        invalid = format_lazy(_INVALID if kwargs.get("required", True) else _INVALID_OR_EMPTY, example=example)
        super().__init__(**{"error_messages": {"invalid": invalid}, **kwargs})


class WriteOnlyInput(forms.TextInput):
    """Shows what is being typed, so that a slip is seen, and never what was sent."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false", **(attrs or {})})

    def format_value(self, value: Any) -> None:
        return None


class SuggestingInput(forms.TextInput):
    """A text with suggestions (`<datalist>`); anything else may be typed, and is judged by the field."""

    def __init__(self, suggestions: Iterable[str], attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs=attrs)
        self.suggestions = tuple(suggestions)

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        list_id = f"suggestions_{name}"
        options = format_html_join("", '<option value="{}">', ((text,) for text in self.suggestions))
        field = super().render(name, value, {**(attrs or {}), "list": list_id}, renderer)
        return format_html('{}<datalist id="{}">{}</datalist>', field, list_id, options)
