"""The table of orders."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """The first table."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=100)),
                ("parcels", models.PositiveIntegerField(default=5)),
                ("packed", models.PositiveIntegerField(default=0)),
                ("task_id", models.CharField(blank=True, max_length=255)),
            ],
        ),
    )
