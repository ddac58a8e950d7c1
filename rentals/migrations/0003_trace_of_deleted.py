from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rentals', '0002_calendars'),
    ]

    operations = [
        migrations.AddField(
            model_name='feeditem',
            name='trace',
            field=models.CharField(blank=True, help_text='Of a guest whose stay a person deleted: tells another one, not who it was.', max_length=8),
        ),
    ]
