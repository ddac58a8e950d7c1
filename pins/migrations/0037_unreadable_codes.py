from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pins", "0036_codes_under_other_names")]

    operations = [
        migrations.AddField(
            model_name="lockstate",
            name="known_pin",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="The last code that the backup knew which was restored last, by its key.",
                null=True,
            ),
        ),
        migrations.AddField(model_name="pin", name="read_failures", field=models.PositiveSmallIntegerField(default=0)),
    ]
