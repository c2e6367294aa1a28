"""Migrations of the tables of results."""
