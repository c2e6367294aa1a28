"""Frameworks that an application adapts itself to."""
