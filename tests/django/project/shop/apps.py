from __future__ import annotations

import os

from django.apps import AppConfig
from django.core import checks


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self) -> None:
        if os.environ.get("SHOP_IS_WRONG"):
            checks.register(lambda **_: [checks.Error("The shop is closed.", id="shop.E001")])
