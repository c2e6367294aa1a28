"""Inside Django: the fix-up, tasks that wait for the commit, result stores, a backend of ``django.tasks``.

Importing this package imports no Django; its modules ``fixup`` and ``opening`` do not either, before they are asked.
"""
