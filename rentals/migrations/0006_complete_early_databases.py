"""Adds to databases of commits before the first release what their migrations were edited to have since."""

from django.db import migrations

from rentals.migrations._complete import CompleteSchema


class Migration(migrations.Migration):

    dependencies = [
        ("rentals", "0005_words"),
    ]

    operations = [CompleteSchema()]
