"""The client: the application, its tasks, and what sends them."""

from celeriac.app.app import Celeriac, default_app
from celeriac.app.shared import shared_task
from celeriac.app.state import app_or_default, current_app, current_task
from celeriac.app.task import Task
from celeriac.contracts.current import set_fallback

set_fallback(default_app)

__all__ = ["Celeriac", "Task", "app_or_default", "current_app", "current_task", "shared_task"]
