"""The worker's end: a message in, an answer out. No sockets, no threads."""

from __future__ import annotations

import fnmatch
import logging
import re

from celeriac.control.panel import Panel
from celeriac.control.state import ControlState
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import DecodeError, MissingExtra
from celeriac.wire.control import Command, Reply, decode_command, encode_reply

logger = logging.getLogger("celeriac.worker.pidbox")


class Node:
    """Obeys the commands that are meant for this worker."""

    def __init__(self, state: ControlState) -> None:
        self._state = state

    def receive(self, envelope: Envelope) -> Outgoing | None:
        """Obey a message, if it is for this worker and has not expired; return the reply, if one is wanted."""
        try:
            command = decode_command(envelope)
        except DecodeError as error:
            logger.error("%s", error)
            return None
        self._state.logical.adjust(command.clock)
        if not self._concerns_us(command):
            return None
        if command.expires and self._state.worker.clock.now() > command.expires:
            logger.warning("The remote control command %r came too late and was not obeyed: clocks of machines that differ?", command.method)
            return None
        answer = self.obey(command)
        if command.ticket is None:
            return None
        reply = Reply(self._state.hostname, answer, command.ticket, self._state.logical.forward())
        try:
            return encode_reply(reply, exchange=command.reply_exchange, routing_key=command.reply_key)
        except Exception as error:
            failure = reply.replace(answer={"error": f"The answer to {command.method!r} cannot be sent: {error}"})
            return encode_reply(failure, exchange=command.reply_exchange, routing_key=command.reply_key)

    def obey(self, command: Command) -> object:
        """Carry out a command and return its answer; an error is an answer as well."""
        handler = Panel.data.get(command.method)
        try:
            if handler is None:
                raise KeyError(command.method)
            return handler(self._state, **command.arguments)
        except SystemExit:
            raise
        except Exception as error:
            expected = handler is None or isinstance(error, ValueError | MissingExtra)
            logger.error("pidbox command error: %r", error, exc_info=not expected)
            return {"error": repr(error)}

    def _concerns_us(self, command: Command) -> bool:
        name = self._state.hostname
        if command.destination:
            return name in command.destination
        return command.pattern is None or matches(name, command.pattern, command.matcher)


def matches(name: str, pattern: str, matcher: str | None) -> bool:
    """Whether a node's name fits a pattern: a ``glob`` (default), or a regular expression (``pcre``) that fits its beginning."""
    if matcher in ("pcre", "regex"):
        try:
            return re.match(pattern, name) is not None
        except re.error:
            return False
    return fnmatch.fnmatchcase(name, pattern)
