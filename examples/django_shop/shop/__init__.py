"""The project. Its application is imported here, so that tasks find it wherever Django runs."""

from __future__ import annotations

from shop.app import app

__all__ = ["app"]
