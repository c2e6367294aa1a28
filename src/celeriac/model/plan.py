"""What sending a workflow comes to: messages, and the tree of results the caller holds."""

from __future__ import annotations

from typing import Any

from celeriac.lib.value import Value
from celeriac.model.options import SendOptions
from celeriac.model.record import GroupRecord
from celeriac.model.task_message import TaskMessage


class PlannedMessage(Value, frozen=True):
    """One message to be sent, and how."""

    message: TaskMessage
    options: SendOptions = SendOptions()


class KeptPart(Value, frozen=True):
    """A part of a workflow that the result store keeps under ``id`` until its turn comes: a signature as plain data."""

    id: str
    body: dict[str, Any]


class ChordSize(Value, frozen=True):
    """How many parts a chord has, for stores that are told (``AnnouncesChords``) before its last parts are sent."""

    group: str
    size: int


class ResultNode(Value, frozen=True):
    """A place in a result tree: a task, or a group when ``children`` is not None."""

    id: str
    parent: "ResultNode | None" = None
    children: "tuple[ResultNode, ...] | None" = None


class Plan(Value, frozen=True):
    """Everything that one call sends; a single task is the trivial one."""

    messages: tuple[PlannedMessage, ...]
    result: ResultNode
    groups: tuple[GroupRecord, ...] = ()
    kept: tuple[KeptPart, ...] = ()
    chords: tuple[ChordSize, ...] = ()
