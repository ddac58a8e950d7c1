from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rentals', '0012_locks_that_need_attention'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='booking',
            options={'ordering': ('check_in', 'pk'), 'permissions': (('forget_guest', 'Can erase the data of guests'),)},
        ),
        migrations.AddField(
            model_name='booking',
            name='forget_guest',
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text="The guest's data is to be erased when the stay is over and its code is off every lock."),
        ),
        migrations.AddIndex(
            model_name='booking',
            index=models.Index(condition=models.Q(('forget_guest', True)), fields=['check_out'], name='booking_to_forget'),
        ),
    ]
