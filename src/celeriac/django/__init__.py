"""Inside Django: the fix-up, tasks that wait for the commit, result stores, a backend of ``django.tasks``.

Importing this package imports no Django; its modules ``project``, ``connections``, ``task``, ``results`` and ``tasks`` do.
"""
