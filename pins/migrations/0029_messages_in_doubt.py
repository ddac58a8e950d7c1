from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pins", "0028_guest_pages")]

    operations = [
        migrations.RenameField(model_name="delivery", old_name="attempted_at", new_name="begun_at"),
        migrations.AlterField(
            model_name="delivery",
            name="begun_at",
            field=models.DateTimeField(
                blank=True, help_text="A try began then, and nobody wrote down yet what came of it.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="last_error",
            field=models.CharField(blank=True, help_text="In words, without the address.", max_length=200),
        ),
        migrations.AddField(
            model_name="guestmessage",
            name="begun_at",
            field=models.DateTimeField(
                blank=True, help_text="A try began then, and nobody wrote down yet what came of it.", null=True
            ),
        ),
        migrations.AddField(
            model_name="guestmessage",
            name="doubted_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When a try ended without a certain answer: the guest may have the message.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="guestmessage",
            name="claimed_until",
            field=models.DateTimeField(
                blank=True, help_text="A worker is sending it, until then at the latest.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="guestmessage",
            name="ended_at",
            field=models.DateTimeField(blank=True, help_text="When it was sent, dropped or given up.", null=True),
        ),
    ]
