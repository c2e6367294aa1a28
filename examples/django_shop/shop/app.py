"""The application: settings from Django's, tasks from the installed apps."""

from __future__ import annotations

import os

from celeriac import Celeriac

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celeriac("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
