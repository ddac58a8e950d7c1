from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pins", "0017_kinds_of_incidents"),
    ]

    operations = [
        migrations.AddField(
            model_name="pin",
            name="observed_rev",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Raised whenever the observed side or the plan is stored, so that nobody stores over it.",
            ),
        ),
        migrations.AddField(
            model_name="lockstate",
            name="block_is_void",
            field=models.BooleanField(
                default=False, help_text="What its run took from the budget in advance must not be sent any more."
            ),
        ),
    ]
