from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pins", "0033_spare_codes")]

    operations = [
        migrations.AddField(
            model_name="accountstate",
            name="key_may_write",
            field=models.BooleanField(
                blank=True, help_text="Whether the access key may change codes, where Tedee says so.", null=True
            ),
        ),
    ]
