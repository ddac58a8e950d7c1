"""An operation for databases that were made before the first release.

Until then, migrations were edited in place: a table made at an early commit lacks columns that its migration has
today, and nothing would ever add them. This adds tables and columns that the state has and the database lacks.
It changes nothing where none is missing, so a squash may drop it.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddField
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class CompleteSchema(Operation):
    """Create what is missing of the app's tables and columns."""

    reduces_to_sql = False
    elidable = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The state is complete already."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        connection = schema_editor.connection
        with connection.cursor() as cursor:
            tables = set(connection.introspection.table_names(cursor))
            missing: list[tuple[str, Any]] = []
            for model in from_state.apps.get_app_config(app_label).get_models():
                if model._meta.db_table not in tables:
                    schema_editor.create_model(model)
                    continue
                described = connection.introspection.get_table_description(cursor, model._meta.db_table)
                columns = {column.name for column in described}
                missing += [(model.__name__, one) for one in model._meta.local_fields if one.column not in columns]
        # SQLite copies a table into a new one with all columns of the state: of a state without the missing ones.
        state = from_state.clone()
        for name, field in missing:
            state.remove_field(app_label, name.lower(), field.name)
        for name, field in missing:
            add = AddField(name, field.name, from_state.models[app_label, name.lower()].fields[field.name])
            following = state.clone()
            add.state_forwards(app_label, following)
            add.database_forwards(app_label, schema_editor, state, following)
            state = following

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """What was missing stays."""

    def describe(self) -> str:
        return "Adds what a database of an early checkout lacks"
