"""``celeriac events`` as a full-screen program. Its screens need textual (extra ``monitor``) and are imported by name, when it starts."""
