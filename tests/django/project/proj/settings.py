from __future__ import annotations

import json
import os
from pathlib import Path

import django

HERE = Path(__file__).resolve().parent.parent

SECRET_KEY = "test"
ROOT_URLCONF = "proj.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop.apps.ShopConfig", "django_celery_results", "django_celery_beat"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HERE / "db.sqlite3",
        "OPTIONS": {"timeout": 30, **({"transaction_mode": "IMMEDIATE"} if django.VERSION >= (5, 1) else {})},
    }
}
STATIC_URL = "static/"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": HERE / "cache"}}
TASKS = {"default": {"BACKEND": "celeriac.django.tasks.CeleriacBackend", "QUEUES": []}}
# The default of dictConfig: every logger that exists already is silenced.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": True,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": HERE / "shop.log"}},
    "loggers": {"shop": {"handlers": ["file"], "level": "INFO"}},
}

CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
CELERY_TASK_TRACK_STARTED = True
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_RESULT_CHORD_RETRY_INTERVAL = 0.2

globals().update(json.loads(os.environ.get("SHOP_SETTINGS", "{}")))
