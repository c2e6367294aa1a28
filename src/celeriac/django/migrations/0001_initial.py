"""The tables of results."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

_ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
_KEPT = [
    ("body", models.BinaryField()),
    ("content_type", models.CharField(max_length=128)),
    ("content_encoding", models.CharField(max_length=64)),
    ("expires", models.DateTimeField(blank=True, db_index=True, null=True)),
]


class Migration(migrations.Migration):
    """The first tables."""

    initial = True
    dependencies: list[Any] = []
    operations = [
        migrations.CreateModel(
            name="GroupResult",
            fields=[
                ("id", _ID.clone()),
                *((name, field.clone()) for name, field in _KEPT),
                ("group_id", models.CharField(max_length=255, unique=True)),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="TaskResult",
            fields=[
                ("id", _ID.clone()),
                *((name, field.clone()) for name, field in _KEPT),
                ("task_id", models.CharField(max_length=255, unique=True)),
                ("state", models.CharField(db_index=True, max_length=50)),
                ("changed", models.DateTimeField(auto_now=True, db_index=True)),
            ],
            options={"ordering": ("-changed",)},
        ),
    ]
