from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pins", "0038_unfinished_comparisons")]

    operations = [
        migrations.AddField(
            model_name="pin",
            name="read_when_near",
            field=models.BooleanField(
                default=False,
                help_text="Somebody changed codes of the lock: this one is read when its stay comes near.",
            ),
        ),
    ]
