import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pins', '0015_refused_feeds'),
        ('rentals', '0001_squashed_0_2'),
    ]

    operations = [
        migrations.AddField(
            model_name='incident',
            name='item',
            field=models.ForeignKey(blank=True, help_text='One row of the calendar `feed`.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='incidents', to='rentals.feeditem'),
        ),
    ]
