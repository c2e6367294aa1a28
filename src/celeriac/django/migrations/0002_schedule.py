"""The tables of the schedule."""

from __future__ import annotations

from django.db import migrations, models

_ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
_PERIODS = ("days", "hours", "minutes", "seconds", "milliseconds")
_EVENTS = (
    *("dawn_astronomical", "dawn_nautical", "dawn_civil", "sunrise", "solar_noon", "sunset"),
    *("dusk_civil", "dusk_nautical", "dusk_astronomical"),
)
_MISFIRES = ("skip", "run_once", "run_all")


def _moment() -> models.DateTimeField:
    return models.DateTimeField(blank=True, null=True)


def _number() -> models.FloatField:
    return models.FloatField(blank=True, null=True)


def _counted() -> models.FloatField:
    return models.FloatField(editable=False, null=True)


def _text(length: int) -> models.CharField:
    return models.CharField(blank=True, default="", max_length=length)


_ENTRY = [
    ("id", _ID.clone()),
    ("space", models.CharField(blank=True, default="", editable=False, max_length=200)),
    ("name", models.CharField(max_length=255)),
    ("task", models.CharField(max_length=255)),
    ("every", _number()),
    ("period", models.CharField(choices=[(name, name) for name in _PERIODS], default="seconds", max_length=16)),
    ("crontab", _text(255)),
    (
        "solar_event",
        models.CharField(blank=True, choices=[(name, name.replace("_", " ")) for name in _EVENTS], default="", max_length=32),
    ),
    ("latitude", _number()),
    ("longitude", _number()),
    ("clocked", _moment()),
    ("special", models.JSONField(blank=True, editable=False, null=True)),
    ("timezone", _text(64)),
    ("args", models.JSONField(blank=True, default=list)),
    ("kwargs", models.JSONField(blank=True, default=dict)),
    ("options", models.JSONField(blank=True, default=dict)),
    ("enabled", models.BooleanField(default=True)),
    ("one_off", models.BooleanField(default=False)),
    ("start", _moment()),
    ("end", _moment()),
    ("jitter", models.FloatField(blank=True, default=0.0)),
    ("misfire", models.CharField(choices=[(name, name.replace("_", " ")) for name in _MISFIRES], default="run_once", max_length=16)),
    ("max_lateness", _number()),
    ("description", models.TextField(blank=True, default="")),
    ("source", models.CharField(default="run time", editable=False, max_length=16)),
    ("body", models.BinaryField(blank=True)),
    ("mark", models.CharField(blank=True, editable=False, max_length=32)),
    ("next_due", _counted()),
    ("last_run", _counted()),
    ("runs", models.BigIntegerField(default=0, editable=False)),
    ("fired", _counted()),
    ("changed", models.DateTimeField(auto_now=True)),
]


class Migration(migrations.Migration):
    """Entries, and who schedules."""

    dependencies = (("celeriac", "0001_initial"),)
    operations = (
        migrations.CreateModel(
            name="Scheduler",
            fields=[
                ("id", _ID.clone()),
                ("space", models.CharField(max_length=200, unique=True)),
                ("leader", models.CharField(blank=True, default="", max_length=255)),
                ("token", models.BigIntegerField(default=0)),
                ("expires", models.DateTimeField(null=True)),
                ("stamp", models.TextField(blank=True, default="")),
            ],
        ),
        migrations.CreateModel(
            name="PeriodicTask",
            fields=_ENTRY,
            options={
                "ordering": ("name",),
                "indexes": [models.Index(fields=["space", "enabled", "next_due"], name="celeriac_entry_due")],
                "constraints": [models.UniqueConstraint(fields=("space", "name"), name="celeriac_entry_name")],
            },
        ),
    )
