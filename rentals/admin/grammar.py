"""Sentences of Django's own pages that have the name of a model in them.

Polish would need that name in another case and gender, which Django cannot know: “Dodaj rezerwacja”. So our catalog
says these sentences anew, with the name set apart: “Dodaj: rezerwacja”. And its word for “objects” is ours for
properties. They stand here so that `make messages` keeps them.
"""

from __future__ import annotations

from typing import Final

from rentals.phrases import mark

SENTENCES: Final = (
    mark("Add %s"),
    mark("Change %s"),
    mark("View %s"),
    mark("Select %s"),
    mark("Select %s to change"),
    mark("Select %s to view"),
    mark("Add %(name)s"),
    mark("Add another %(verbose_name)s"),
    mark("Add another %(model)s"),
    mark("Change selected %(model)s"),
    mark("Delete selected %(model)s"),
    mark("View selected %(model)s"),
    mark("Delete selected %(verbose_name_plural)s"),
    mark("Select all %(total_count)s %(module_name)s"),
    mark("Select all objects on this page for an action"),
    mark("Select this object for an action - {}"),
    mark("Objects"),
    mark("Cannot delete %(name)s"),
    mark("Successfully deleted %(count)d %(items)s."),
    mark("Added {name} “{object}”."),
    mark("Changed {fields} for {name} “{object}”."),
    mark("Deleted {name} “{object}”."),
    mark("The {name} “{obj}” was added successfully."),
    mark("The {name} “{obj}” was added successfully. You may add another {name} below."),
    mark("The {name} “{obj}” was changed successfully."),
    mark("The {name} “{obj}” was changed successfully. You may add another {name} below."),
    mark("The {name} “{obj}” was changed successfully. You may edit it again below."),
    mark("The %(name)s “%(obj)s” was deleted successfully."),
    mark("%(name)s with ID “%(key)s” doesn’t exist. Perhaps it was deleted?"),  # noqa: RUF001 - as Django writes it
    mark(
        'Are you sure you want to delete the %(object_name)s "%(escaped_object)s"? All of the following related items '
        "will be deleted:"
    ),
    mark(
        "Are you sure you want to delete the selected %(objects_name)s? All of the following objects and their related "
        "items will be deleted:"
    ),
    mark(
        "Deleting the %(object_name)s '%(escaped_object)s' would require deleting the following protected related "
        "objects:"
    ),
    mark(
        "Deleting the %(object_name)s '%(escaped_object)s' would result in deleting related objects, but your account "
        "doesn't have permission to delete the following types of objects:"
    ),
    mark("Deleting the selected %(objects_name)s would require deleting the following protected related objects:"),
    mark(
        "Deleting the selected %(objects_name)s would result in deleting related objects, but your account doesn't "
        "have permission to delete the following types of objects:"
    ),
)
