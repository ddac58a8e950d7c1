from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pins", "0034_what_a_key_may_do")]

    operations = [
        migrations.AddField(
            model_name="notificationchannel",
            name="language",
            field=models.CharField(
                choices=[("en", "English"), ("pl", "Polski")],
                default="en",
                help_text="Of everything that is sent here.",
                max_length=2,
                verbose_name="language",
            ),
        ),
    ]
