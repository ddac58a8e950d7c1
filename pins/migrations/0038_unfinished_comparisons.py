from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pins", "0037_unreadable_codes")]

    operations = [
        migrations.AddField(
            model_name="lockstate",
            name="read_since",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Ids of codes that an unfinished comparison after that restore has read.",
            ),
        ),
    ]
