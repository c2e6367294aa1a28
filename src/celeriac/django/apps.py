"""The installed app ``celeriac.django``: the tables of results."""

from __future__ import annotations

from django.apps import AppConfig


class CeleriacConfig(AppConfig):
    """Results of tasks in the project's database."""

    name = "celeriac.django"
    label = "celeriac"
    verbose_name = "Celeriac"
    default_auto_field = "django.db.models.BigAutoField"
