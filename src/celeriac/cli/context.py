"""What all commands share: the global options, the application they name, and how to speak to the user."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from celeriac.cli import user_options
from celeriac.lib.importing import symbol_by_name

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-A", "--app"), {"help": "The application: module, module:attribute, or package."}),
    (("-b", "--broker"), {"help": "URL of the broker, instead of the settings'."}),
    (("--result-backend",), {"help": "URL of the result store, instead of the settings'."}),
    (("--loader",), {"help": "Accepted for Celery's sake: only 'default' and 'app' exist."}),
    (("--config",), {"help": "Name of the module with the settings."}),
    (("--workdir",), {"type": click.Path(file_okay=False), "help": "Change to this folder first."}),
    (("-C", "--no-color"), {"is_flag": True, "default": None, "help": "No colours."}),
    (("-q", "--quiet"), {"is_flag": True, "default": None, "help": "Say less: no banner."}),
    (("--skip-checks",), {"is_flag": True, "default": None, "help": "Skip a framework's own checks at start."}),
)
NAMES = ("app", "broker", "result_backend", "loader", "config", "workdir", "no_color", "quiet", "skip_checks")


def global_options(function: F) -> F:
    """Give a command the options that may stand before and behind a command's name."""
    for flags, attributes in reversed(_OPTIONS):
        function = click.option(*flags, **attributes)(function)
    return function


class Context:
    """The object behind ``ctx.obj``; commands of plug-ins use it by Celery's names (app, no_color, quiet, workdir, echo, error ...)."""

    def __init__(self, app: Any = None) -> None:
        self._app = app
        self._loaded = app is not None
        self._given: dict[str, Any] = {}
        self.version: str | None = None
        self.user_options: dict[str, Any] = {}
        """The values of the options that the application adds."""

    def take(self, given: dict[str, Any]) -> None:
        """Note global options, from before or behind the command's name; the later ones win."""
        self._given.update((name, value) for name, value in given.items() if value is not None)
        if given.get("workdir"):
            self._change_folder(given["workdir"])
        if given.get("no_color"):
            os.environ["NO_COLOR"] = "1"
        if given.get("skip_checks"):
            os.environ["CELERY_SKIP_CHECKS"] = "true"
        if given.get("loader") not in (None, "default", "app"):
            raise click.UsageError(f"--loader {given['loader']}: this version has the loaders 'default' and 'app'")

    @property
    def app(self) -> Any:
        """The application that -A names, or the default one; imported when first asked for."""
        if not self._loaded:
            self._app = symbol_by_name("celeriac.cli.application:find_app")(self._given.get("app"))
            self._loaded = True
        self._apply(self._app)
        return self._app

    @property
    def named(self) -> bool:
        """Whether an application was named, or is there already."""
        return self._loaded or bool(self._given.get("app"))

    @property
    def no_color(self) -> bool:
        """Whether colours are unwanted."""
        return bool(self._given.get("no_color"))

    @property
    def quiet(self) -> bool:
        """Whether to say less."""
        return bool(self._given.get("quiet"))

    @property
    def workdir(self) -> str | None:
        """The folder that was changed to."""
        return self._given.get("workdir")

    def _apply(self, app: Any) -> None:
        """Lay the options that are settings over the application's, once each."""
        config = self._given.pop("config", None)
        if config:
            app.config_from_object(config)
        urls = {"broker": ("broker_url", "broker_read_url", "broker_write_url"), "result_backend": ("result_backend",)}
        for option, settings in urls.items():
            url = self._given.pop(option, None)
            if url:
                app.conf.override(dict.fromkeys(settings, url))

    @staticmethod
    def _change_folder(folder: str) -> None:
        try:
            os.chdir(folder)
        except OSError as error:
            raise click.UsageError(f"--workdir: cannot change to {folder!r}: {error.strerror}") from None

    def style(self, text: str = "", **styles: Any) -> str:
        """Return coloured text, unless colours are unwanted."""
        return text if self.no_color else click.style(text, **styles)

    def secho(self, message: Any = None, **styles: Any) -> None:
        """Print coloured text."""
        click.secho(message, color=False if self.no_color else None, **styles)

    def echo(self, message: Any = None, **options: Any) -> None:
        """Print."""
        click.echo(message, **options)

    def error(self, message: Any = None, **options: Any) -> None:
        """Print to stderr."""
        click.echo(message, file=sys.stderr, **options)


class Command(click.Command):
    """A command that also takes the global options behind its name: ``celeriac worker -A proj`` as well as ``celeriac -A proj worker``;

    and those that the application adds.
    """

    def __init__(self, *arguments: Any, sections: Mapping[str, Sequence[str]] | None = None, **attributes: Any) -> None:
        """``sections`` groups the options in the help text: title -> names of parameters; those that are in none come first."""
        super().__init__(*arguments, **attributes)
        self._sections = sections or {}
        taken = {flag for parameter in self.params for flag in parameter.opts}
        # Where a command has a flag of its own (call -b ...), that one counts.
        self.params += [
            click.Option([flag for flag in flags if flag not in taken], **{**options, "expose_value": False, "callback": _note, "hidden": True})
            for flags, options in _OPTIONS
            if not taken.issuperset(flags)
        ]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        titles = {name: title for title, names in self._sections.items() for name in names}
        rows: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *self._sections)}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                rows[titles.get(str(parameter.name), "Options")].append(record)
        for title, found in rows.items():
            if found:
                with formatter.section(title):
                    formatter.write_dl(found)
        formatter.write_paragraph()
        formatter.write_text("The options of celeriac itself (-A, -b, --config, --workdir, -C, -q ...) may stand here too.")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.ensure_object(Context)
        user_options.look_for(ctx, args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *user_options.added(ctx)]

    def invoke(self, ctx: click.Context) -> Any:
        ctx.obj.user_options = user_options.taken(ctx)
        return super().invoke(ctx)


def _note(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if value is not None and not ctx.resilient_parsing:
        ctx.ensure_object(Context)
        ctx.obj.take({str(parameter.name): value})
    return value
