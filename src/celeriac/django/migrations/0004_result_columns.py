"""What results are found by."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns beside the encoded result."""

    dependencies = (("celeriac", "0003_outbox"),)
    operations = tuple(
        migrations.AddField("taskresult", name, models.CharField(blank=True, db_index=indexed, default="", max_length=255))
        for name, indexed in (("task", True), ("worker", False), ("parent_id", True))
    )
