"""The installed app."""

from __future__ import annotations

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Orders of the shop."""

    name = "orders"
