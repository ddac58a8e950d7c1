from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0003_passkey'),
    ]

    operations = [
        migrations.AddField(
            model_name='provideraccount',
            name='also_here',
            field=models.BooleanField(default=False, help_text='The person may also log in past the provider, with a password or a passkey.'),
        ),
    ]
