"""A form with secrets that go in and never come out: what is stored is on no page, and an empty field keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals import signing_secrets
from rentals.phrases import mark
from rentals.widgets import WriteOnlyInput

if TYPE_CHECKING:
    _Form = forms.ModelForm[Any]
else:
    _Form = forms.ModelForm


class SecretsForm(_Form):
    """A subclass excludes its secret columns from what the model form reads and writes."""

    signing_secret = forms.CharField(
        label=lazy("Signing secret"),
        required=False,
        strip=True,
        max_length=200,
        widget=WriteOnlyInput({"class": "vTextField"}),
    )
    #: The secret fields, with the word for what one holds, marked for translation.
    secret_words: ClassVar[dict[str, str]] = {"signing_secret": mark("secret")}

    def clean_signing_secret(self) -> str:
        secret = str(self.cleaned_data["signing_secret"])
        if secret:
            signing_secrets.validate(secret)
        return secret

    def _post_clean(self) -> None:
        """Django's own hook, after the model had its say. Another field is wrong, so the form is shown again, without
        the secrets that were sent: say so where they are good."""
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            return
        for name, word in self.secret_words.items():
            if name in self.fields and name not in self.errors and self.cleaned_data.get(name):
                said = _("This {what} is fine and is not stored yet: enter it once more. What was sent is never shown.")
                self.add_error(name, said.format(what=_(word)))
