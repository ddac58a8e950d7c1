from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rentals", "0014_guest_data")]

    operations = [
        migrations.AddField(
            model_name="booking",
            name="contact_from_feed",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="A calendar said once how to reach the guest. From then on that is a person's matter.",
            ),
        ),
    ]
