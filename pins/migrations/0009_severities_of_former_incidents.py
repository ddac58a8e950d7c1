"""What was open before there were severities became a warning, whatever its kind. Of some kinds every incident is
urgent now (`pins.models.incident`), and nothing would ever raise the severity of theirs: they are opened once."""

from django.db import migrations
from django.db.migrations.state import StateApps

ALWAYS_URGENT = ("code_changed", "dead_key", "budget_spent")


def raise_severities(apps: StateApps, schema_editor: object) -> None:
    Incident, IncidentNotice = apps.get_model("pins", "Incident"), apps.get_model("pins", "IncidentNotice")
    mistaken = Incident.objects.filter(resolved_at__isnull=True, kind__in=ALWAYS_URGENT).exclude(severity="urgent")
    # Noted first, so that nobody is told today of what is wrong since long ago.
    IncidentNotice.objects.filter(incident__in=mistaken.values("pk")).update(urgent=True)
    mistaken.update(severity="urgent")


class Migration(migrations.Migration):

    dependencies = [
        ("pins", "0008_channel_secret_rotation"),
    ]

    operations = [
        migrations.RunPython(raise_severities, migrations.RunPython.noop, elidable=True),
    ]
