"""The table of messages that wait for their transaction."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """The outbox."""

    dependencies = (("celeriac", "0002_schedule"),)
    operations = (
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("task", models.CharField(max_length=255)),
                ("task_id", models.CharField(db_index=True, max_length=255)),
                ("body", models.BinaryField()),
                ("owner", models.CharField(db_index=True, max_length=36)),
                ("until", models.DateTimeField(db_index=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
                ("created", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("pk",),
                "verbose_name": "message in the outbox",
                "verbose_name_plural": "messages in the outbox",
            },
        ),
    )
