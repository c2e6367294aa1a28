"""``celeriac upgrade``: old names of settings in a file, brought up to date."""

from __future__ import annotations

import io
import shutil
import tokenize

import click

from celeriac.config.table import OLD_NAMES, SETTINGS

_PREFIX = "CELERY_"


@click.group()
def upgrade() -> None:
    """Bring a project up to date: celeriac upgrade settings proj/celeryconfig.py"""


@upgrade.command()
@click.argument("filename", type=click.Path(exists=True, dir_okay=False, writable=True))
@click.option("--django", is_flag=True, help="The file is Django's settings: new names in capitals, with CELERY_ before them.")
@click.option("--compat", is_flag=True, help="Keep the old names too: new = OLD = value.")
@click.option("--no-backup", is_flag=True, help="Keep no copy of the file as it was (FILE.orig).")
def settings(filename: str, django: bool, compat: bool, no_backup: bool) -> None:
    """Rename old settings (CELERY_TASK_SERIALIZER) to the names of today (task_serializer) in a Python file."""
    with open(filename, encoding="utf-8") as file:
        before = file.read()
    try:
        after, renamed = renew(before, django=django, compat=compat)
    except (tokenize.TokenError, SyntaxError) as error:
        raise click.ClickException(f"{filename} is not Python that can be read: {error}") from None
    if not renamed:
        click.echo(f"Nothing to do: {filename} has no old names.")
        return
    if not no_backup:
        shutil.copy2(filename, f"{filename}.orig")
    with open(filename, "w", encoding="utf-8") as file:
        file.write(after)
    for old, new in renamed.items():
        click.echo(f"{old} -> {new}")
    click.echo(f"Changed {filename}{'' if no_backup else f'; as it was: {filename}.orig'}. Look it over: git diff")


def renew(text: str, *, django: bool = False, compat: bool = False) -> tuple[str, dict[str, str]]:
    """Return Python source with new names, and which were changed; strings and comments stay as they are."""
    lines = text.splitlines(keepends=True)
    renamed: dict[str, str] = {}
    names = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.NAME]
    for token in reversed(names):
        new = _new_name(token.string, django)
        if new is None:
            continue
        row, column = token.start[0] - 1, token.start[1]
        line = lines[row]
        assigned = line[token.end[1] :].lstrip().startswith("=") and not line[:column].strip()
        shown = f"{new} = {token.string}" if compat and assigned else token.string if compat else new
        lines[row] = line[:column] + shown + line[token.end[1] :]
        renamed[token.string] = new
    return "".join(lines), dict(reversed(renamed.items()))


def _new_name(name: str, django: bool) -> str | None:
    if not name.isupper():
        return None
    current = OLD_NAMES.get(name)
    if django and current is None and name.startswith(_PREFIX) and name.removeprefix(_PREFIX).lower() in SETTINGS:
        return None
    new = None if current is None else f"{_PREFIX}{current.upper()}" if django else current
    return None if new == name else new
