"""Tasks in documentation that Sphinx makes: ``extensions = [..., "celeriac.contrib.sphinx"]`` in ``conf.py``.

``automodule`` finds tasks as it finds functions, with their parameters and a prefix (``celery_task_prefix = "(task)"``).
``.. autotask:: proj.tasks.add`` documents one, ``.. py:task:: proj.tasks.add(x, y)`` by hand, and ``:task:`proj.tasks.add``` refers to it.
"""

from __future__ import annotations

import inspect
from typing import Any

from docutils import nodes
from sphinx.domains import ObjType
from sphinx.domains.python import PyFunction, PythonDomain, PyXRefRole
from sphinx.ext.autodoc import FunctionDocumenter

from celeriac.app.task import Task

PREFIX = "(task)"


class TaskDocumenter(FunctionDocumenter):
    """Documents tasks by the functions that they were made of."""

    objtype = "task"
    member_order = 11
    priority = FunctionDocumenter.priority + 10

    @classmethod
    def can_document_member(cls, member: Any, membername: str, isattr: bool, parent: Any) -> bool:
        """Tell whether it is a task that was made of a function."""
        return isinstance(member, Task) and getattr(member, "__wrapped__", None) is not None

    def format_args(self, **options: Any) -> str:
        """Return the parameters that callers give; a bound task's ``self`` is none of them."""
        function = self.object.__wrapped__
        found = inspect.signature(function)
        first = next(iter(found.parameters), None)
        if first is not None and self.object.run is not function:
            found = found.replace(parameters=[each for name, each in found.parameters.items() if name != first])
        return str(found)

    def check_module(self) -> bool:
        """Tell whether the task is of the module that is documented, and was not imported there."""
        return bool(self.options.imported_members) or self.object.__wrapped__.__module__ == self.modname

    def document_members(self, all_members: bool = False) -> None:
        """A task has no members of its own."""


class TaskDirective(PyFunction):
    """``.. py:task::``: a function with the prefix before its name."""

    def get_signature_prefix(self, sig: str) -> list[nodes.Node]:
        """Return the prefix that ``celery_task_prefix`` names."""
        return [nodes.Text(self.env.config.celery_task_prefix), nodes.Text(" ")]


def not_skipped(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Keep autodoc from passing tasks over: their text is that of a class made for each, which it takes for an inherited one."""
    function = getattr(obj, "__wrapped__", None) if isinstance(obj, Task) else None
    unwanted = name.startswith("_") or name in (options.exclude_members or ())
    if skip and function is not None and not unwanted and (function.__doc__ or options.undoc_members):
        return False
    return None


def setup(app: Any) -> dict[str, Any]:
    """Add directives, role and setting to Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    # From Sphinx 9 on, classes that document are asked only by the older implementation of autodoc.
    if "autodoc_use_legacy_class_based" in app.config:
        app.config.autodoc_use_legacy_class_based = True
    app.add_config_value("celery_task_prefix", PREFIX, "env")
    app.add_autodocumenter(TaskDocumenter)
    app.connect("autodoc-skip-member", not_skipped)
    PythonDomain.object_types.setdefault("task", ObjType("task", "task", "obj"))
    app.add_directive_to_domain("py", "task", TaskDirective)
    app.add_role_to_domain("py", "task", PyXRefRole())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
