import logging

from django.db import migrations

logger = logging.getLogger(__name__)


def write_anew(apps, schema_editor):
    """Pictures of former uploads lose what cameras put into them. One that cannot be read stays as it is, and is named:
    a person should upload it again."""
    from pins.guests.pictures import CONTENT_TYPE, BadPictureError, written_anew

    rows = apps.get_model("pins", "GuestPicture").objects.using(schema_editor.connection.alias)
    for key in list(rows.order_by("pk").values_list("pk", flat=True)):  # one at a time: each has megabytes
        data = bytes(rows.values_list("data", flat=True).get(pk=key))
        try:
            anew = written_anew(data)
        except BadPictureError:
            logger.warning("picture_kept_as_it_was", extra={"picture_id": key})
        else:
            rows.filter(pk=key).update(data=anew, content_type=CONTENT_TYPE)


class Migration(migrations.Migration):
    dependencies = [("pins", "0029_messages_in_doubt")]

    operations = [migrations.RunPython(write_anew, migrations.RunPython.noop, elidable=True)]
