"""A code that waits for its end is due as a removal, a day after it (`pins.core.deadlines`). Before, its end itself was
stored, and where requests were few such removals came before all arrivals."""

from datetime import timedelta

from django.db import migrations
from django.db.models import F


def correct(apps, schema_editor):
    waiting = apps.get_model("pins", "Pin").objects.filter(state="set", deadline_at=F("applied_ends_at"))
    waiting.filter(next_try_at=F("applied_ends_at")).update(deadline_at=F("applied_ends_at") + timedelta(hours=24))


class Migration(migrations.Migration):
    dependencies = [("pins", "0019_measures")]

    operations = [migrations.RunPython(correct, migrations.RunPython.noop, elidable=True)]
