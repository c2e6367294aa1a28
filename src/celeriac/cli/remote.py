"""``celeriac inspect``, ``celeriac control`` and ``celeriac status``: questions and commands to running workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from textwrap import indent
from typing import Any, TypeVar

import click

from celeriac.cli.context import Command, Context
from celeriac.control.panel import CommandInfo, visible_commands
from celeriac.worker.options import names

F = TypeVar("F", bound=Callable[..., Any])
UNAVAILABLE = 69
NOBODY = "No nodes replied within time constraint"


def remote_options(function: F) -> F:
    """Give a command the options of remote control."""
    for flags, attributes in (
        (("-j", "--json"), {"is_flag": True, "help": "Print JSON."}),
        (("-d", "--destination"), {"metavar": "NODES", "default": "", "help": "Only these nodes (names with commas)."}),
        (("-p", "--pattern"), {"metavar": "GLOB", "help": "Only nodes whose name fits, such as 'mail-*@*'."}),
        (("-t", "--timeout"), {"type": float, "metavar": "SECONDS", "help": "How long to wait for replies."}),
    ):
        function = click.option(*flags, **attributes)(function)
    return function


def _list_commands(kind: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def show(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            ctx.ensure_object(Context)
            _load_custom(ctx.obj)
            formatter = ctx.make_formatter()
            with formatter.section(f"{kind.title()} Commands"):
                rows = visible_commands(kind).items()
                formatter.write_dl([(f"{name} {info.signature or ''}".strip(), info.help or "") for name, info in rows])
            click.echo(formatter.getvalue().rstrip("\n"))
            ctx.exit()

    return show


@click.command(cls=Command)
@click.argument("command")
@click.argument("words", nargs=-1)
@remote_options
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_list_commands("inspect"), help="List the questions and exit.")
@click.pass_obj
def inspect(context: Context, command: str, words: tuple[str, ...], timeout: float | None, destination: str, pattern: str | None, json: bool) -> int:
    """Ask workers: celeriac inspect active"""
    info, arguments = _understood(context, "inspect", command, words)
    return _ask(context, command, info, arguments, timeout, _to(destination, pattern), json, count=True)


@click.command(cls=Command, context_settings={"ignore_unknown_options": True})
@click.argument("command")
@click.argument("words", nargs=-1)
@remote_options
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_list_commands("control"), help="List the commands and exit.")
@click.pass_obj
def control(context: Context, command: str, words: tuple[str, ...], timeout: float | None, destination: str, pattern: str | None, json: bool) -> int:
    """Tell workers what to do: celeriac control rate_limit tasks.add 10/m"""
    info, arguments = _understood(context, "control", command, words)
    return _ask(context, command, info, arguments, timeout, _to(destination, pattern), json, count=False)


@click.command(cls=Command)
@remote_options
@click.pass_obj
def status(context: Context, timeout: float | None, destination: str, pattern: str | None, json: bool) -> int:
    """List the workers that are online."""
    answers = _gather(context, "ping", {}, 1.0 if timeout is None else timeout, _to(destination, pattern))
    if json:
        _print_json(context, {node: answer for reply in answers for node, answer in reply.items()})
    else:
        for reply in answers:
            for node in reply:
                context.echo(f"->  {node}: {context.style('OK', fg='green', bold=True)}")
        _print_count(context, len(answers))
    return 0


def _understood(context: Context, kind: str, command: str, words: Sequence[str]) -> tuple[CommandInfo, dict[str, Any]]:
    _load_custom(context)
    known = visible_commands(kind)
    info = known.get(command)
    if info is None:
        raise click.UsageError(f"Command {command} not recognized. Available {kind} commands: {', '.join(known)}")
    return info, arguments_of(info, words)


def arguments_of(info: CommandInfo, words: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that the words of a command line stand for."""
    given: dict[str, Any] = {}
    declared = list(info.args or ())
    for (name, convert), word in zip(declared, words):
        try:
            given[name] = convert(word)
        except ValueError:
            raise click.UsageError(f"The argument {name} cannot be {word!r}") from None
    rest = list(words[len(declared) :])
    if rest and info.variadic is None:
        raise click.UsageError(f"Too many arguments: {' '.join(rest)}")
    return {**given, info.variadic: rest} if info.variadic is not None else given


def _load_custom(context: Context) -> None:
    """Commands that a program adds are known once its modules are imported."""
    if context.named:
        context.app.import_task_modules()


def _to(destination: str, pattern: str | None) -> dict[str, Any]:
    return {"destination": list(names(destination)) or None, "pattern": pattern}


Hear = Callable[[dict[str, Any]], object]


def _gather(
    context: Context, command: str, arguments: dict[str, Any], timeout: float, to: dict[str, Any], hear: Hear | None = None
) -> list[dict[str, Any]]:
    answers = context.app.control.broadcast(command, arguments=arguments, reply=True, timeout=timeout, callback=hear, **to)
    if not answers:
        context.error(f"Error: {NOBODY}")
        raise click.exceptions.Exit(UNAVAILABLE)
    return list(answers)


def _ask(
    context: Context, command: str, info: CommandInfo, arguments: dict[str, Any], timeout: float | None, to: dict[str, Any], as_json: bool,
    *, count: bool,
) -> int:  # fmt: skip
    hear = None if as_json else lambda reply: _print_reply(context, reply)
    answers = _gather(context, command, arguments, info.default_timeout if timeout is None else timeout, to, hear)
    if as_json and count:
        _print_json(context, {node: answer for reply in answers for node, answer in reply.items()})
    elif as_json:
        _print_json(context, answers)
    elif count:
        _print_count(context, len(answers))
    return 0


def _print_reply(context: Context, reply: dict[str, Any]) -> None:
    for node, answer in reply.items():
        failed = isinstance(answer, dict) and "error" in answer
        verdict = context.style("ERROR", fg="red", bold=True) if failed else context.style("OK", fg="green", bold=True)
        context.echo(f"{'' if context.quiet else '->'}  {node}: {verdict}")
        text = pretty(answer)
        if text:
            context.echo(text)


def pretty(answer: Any) -> str:
    """Return an answer as people read it."""
    if isinstance(answer, dict) and len(answer) == 1 and isinstance(said := answer.get("ok", answer.get("error")), str):
        return indent(said, "        ")
    if isinstance(answer, list):
        return "\n".join(f"    * {item}" for item in answer) or "    - empty -"
    if answer is None:
        return ""
    return indent(answer if isinstance(answer, str) else json.dumps(answer, indent=4, default=repr), "    ")


def _print_json(context: Context, answer: Any) -> None:
    context.echo(json.dumps(answer, default=repr))


def _print_count(context: Context, count: int) -> None:
    if context.quiet:
        return
    context.echo(f"\n{count} {'node' if count == 1 else 'nodes'} online.")
