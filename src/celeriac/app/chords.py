"""How a chord comes to its body: parts as the store counts them, the message that finishes a chord, and what its task does.

The consumer, which sees a chord fall due, runs no user code: it sends a message of the built-in task ``celery.chord_unlock``, into which
it puts the parts' results as they are. A task process joins them and sends the body, or lets it fail and calls its errbacks. Celery's
workers know a task of that name and arguments too, so in a mixed fleet either may finish a chord.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from celeriac.canvas import Signature, maybe_signature
from celeriac.canvas.chord import chord_error, regrouped
from celeriac.canvas.sending import collecting
from celeriac.contracts.backend import StoresGroups
from celeriac.engine import abandon
from celeriac.engine.current import Attempt, current
from celeriac.engine.exception_info import text_of
from celeriac.engine.follow_ups import call_errbacks
from celeriac.engine.retry import again
from celeriac.engine.shares import ADDED
from celeriac.lib.ids import uuid
from celeriac.model import states
from celeriac.model.effects import ChordShare
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import ChordError, DecodeError, OperationalError
from celeriac.model.record import EXTRA, ChordPart, DueChord
from celeriac.model.task_message import TaskMessage
from celeriac.results import result_from_tuple
from celeriac.wire import json_codec
from celeriac.wire.results import decode_group, decode_part, encode_part
from celeriac.wire.serializers import dumps, loads
from celeriac.wire.task import encode_task

UNLOCK = "celery.chord_unlock"
JSON = "application/json"

_json = msgspec.json.Encoder().encode


class _Way(msgspec.Struct, array_like=True, frozen=True):
    """What a part tells of its chord's body: where the chord is finished, and the body as JSON."""

    queue: str
    priority: int
    root_id: str | None
    body: msgspec.Raw


_read_way = msgspec.json.Decoder(_Way).decode


def encode_share(share: ChordShare, result_serializer: str, task_serializer: str, ttl: float | None) -> ChordPart:
    """Return a finished part of a chord as stores count it; the result is left out when the body does not want it."""
    wanted = share.failed or not (isinstance(share.body, Mapping) and share.body.get("immutable"))
    result = share.result if wanted else None
    body = encode_part(share.task_id, share.state, result, serializer=result_serializer)
    way = _json(_Way(share.queue, share.priority, share.root_id, msgspec.Raw(_body_text(share.body, task_serializer))))
    return ChordPart(share.group, share.index, share.task_id, share.state, share.size, body, share.failed, ttl, way, share.more)


def _body_text(body: Any, serializer: str) -> bytes:
    kind, encoding, text = dumps(body, serializer)
    return text if kind == JSON else _json({"packed": [kind, encoding, b64encode(text).decode("ascii")]})


def body_maker(app: Any) -> Callable[[DueChord], Sequence[Outgoing]]:
    """Return what makes the message that finishes a due chord; it runs in the consumer and calls nothing that users write."""
    conf = app.conf
    kind, encoding, _ = dumps(None, conf.result_serializer)
    shared, fall_back = not app.keeps_parts, conf.task_default_queue

    def body_of(due: DueChord) -> Sequence[Outgoing]:
        way = next((_read_way(part.chord) for part in due.parts if part.chord), None)
        if way is None:
            raise DecodeError(f"The chord {due.group} cannot be finished: none of its parts tells what its body is")
        parts = [part.body if kind == JSON else _json(b64encode(part.body).decode("ascii")) for part in due.parts]
        tuples = _json([[[part.task_id, None], None] for part in due.parts]) if shared else b"null"
        named = b'{"interval": null, "max_retries": null, "result": %s, "parts": [%s], "kind": %s, "failed": %s}' % (
            tuples, b", ".join(parts), _json([kind, encoding]), b"true" if due.failed else b"false",
        )  # fmt: skip
        nothing = b'{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'
        last = due.parts[-1].task_id
        message = TaskMessage(
            task=UNLOCK, id=uuid(), root_id=way.root_id, parent_id=last, ignore_result=True, origin=app.origin,
            argsrepr=f"('{due.group}', ...)", kwargsrepr=f"{{{len(due.parts)} parts}}",
        )  # fmt: skip
        envelope = encode_task(message)
        envelope = envelope.replace(body=b"[[%s, %s], %s, %s]" % (_json(due.group), bytes(way.body), named, nothing))
        accepted = envelope if JSON in app.accept else _in_other_words(envelope, conf.task_serializer)
        return [Outgoing(accepted, way.queue or fall_back, priority=way.priority)]

    return body_of


def _in_other_words(envelope: Envelope, serializer: str) -> Envelope:
    """Return a JSON message as the serializer writes it: where workers accept no JSON (``accept_content``), this one has to be as all others."""
    kind, encoding, body = dumps(json_codec.decode(envelope.body), serializer)
    return envelope.replace(body=body, content_type=kind, content_encoding=encoding)


def finish(
    task: Any, group: str, body: Any, *, parts: Any, kind: Any, result: Any, interval: float | None, max_retries: int | None,
    error: BaseException | None = None,
) -> None:  # fmt: skip
    """Finish a chord: what the task ``celery.chord_unlock`` does; ``error`` is given by a caller in the same process whose chord has failed."""
    attempt, app = current(), task.app
    assert attempt is not None
    attempt.once = group
    body = _unpacked(body)
    sig = maybe_signature(body, app=app)
    if parts is None and error is None:
        parts = _look(attempt, app, result, interval, max_retries)
        if parts is None:
            return
    else:
        parts = [_part(part, kind, app) for part in parts or ()]
    bad = next((part for part in parts if part[1] in states.PROPAGATE_STATES), None)
    if bad is not None:
        error = chord_error(bad[0], bad[2])
    if error is None:
        error = _send_body(attempt, sig, _joined(app, group, body, parts))
    if error is not None:
        abandon.workflow(attempt, sig, error, text_of(error), call_errbacks)


def unfinished(task: Any, error: BaseException, task_id: str, args: Any, kwargs: Any, info: Any) -> None:
    """Let the body of a chord fail that could not be finished: what ``celery.chord_unlock`` does when it has failed itself."""
    attempt = current()
    if attempt is None or len(args) < 2:
        return
    attempt.once = str(args[0])
    failed = ChordError(f"Callback error: {error!r}")
    failed.__cause__ = error
    abandon.workflow(attempt, maybe_signature(_unpacked(args[1]), app=task.app), failed, text_of(failed), call_errbacks)


def _send_body(attempt: Attempt, sig: Signature, joined: Any) -> ChordError | None:
    """Register the body; return its error when it cannot be sent (its arguments do not fit, its serializer is unknown): nobody may wait then."""
    request = attempt.request
    try:
        with collecting() as plans:
            sig.apply_async((joined,), root_id=request.root_id, parent_id=request.parent_id, add_to_parent=False)
        for name in {planned.options.serializer for plan in plans for planned in plan.messages if planned.options.serializer}:
            # Here the body can still fail by itself.
            dumps(None, name)
    except OperationalError as trouble:
        raise again(attempt, exc=trouble, countdown=sig.app.conf.result_chord_retry_interval, max_retries=1 << 30) from trouble
    except Exception as trouble:
        unsent = ChordError(f"Callback error: {trouble!r}")
        unsent.__cause__ = trouble
        return unsent
    attempt.plans.extend(plans)
    return None


def _joined(app: Any, group: str, body: Any, parts: Sequence[tuple[str, str, Any]]) -> Any:
    """Return the list that the body gets; Celery's clients save a group's tree when it is more than a list."""
    values = [value for _, _, value in parts]
    shape = body.get("chord_shape")
    if shape is not None:
        each = iter(values)
        # Parts that were added while the chord ran have no place in the shape: they come behind.
        return [*regrouped(each, shape), *each]
    # One of ours needs no store for it, and a task process that has not reached it yet need not.
    backend = None if "chord_size" in body or app.keeps_parts else app.result_backend
    if not isinstance(backend, StoresGroups):
        return values
    record = backend.load_group(group)
    known = {task_id: value for task_id, _, value in parts}
    tree = None if record is None else result_from_tuple(decode_group(record, None), app)
    placed = set() if tree is None else {leaf.id for leaf in _leaves(tree)}
    if tree is None or not known.keys() >= placed:
        return values
    return [*_in_tree(tree, known), *(value for task_id, value in known.items() if task_id not in placed)]


def _in_tree(result: Any, known: Mapping[str, Any]) -> Any:
    children = getattr(result, "results", None)
    return known[result.id] if children is None else [_in_tree(child, known) for child in children]


def _look(attempt: Attempt, app: Any, result: Any, interval: float | None, max_retries: int | None) -> list[tuple[str, str, Any]] | None:
    """Poll the results of a chord that no store counts; None when they are not all there, and this task is tried again."""
    found: list[tuple[str, str, Any]] = []
    backend = app.result_backend
    for entry in result or ():
        for leaf in _leaves(result_from_tuple(entry, app)):
            record = backend.load((leaf.id,)).get(leaf.id)
            if record is not None and record.state in states.PROPAGATE_STATES:
                return [(leaf.id, record.state, app.decode_result(record).result)]
            found.append((leaf.id, states.PENDING, None) if record is None else (leaf.id, record.state, app.decode_result(record).result))
    if all(state == states.SUCCESS for _, state, _ in found):
        return found
    limit = 1 << 30 if max_retries is None else max_retries
    raise again(attempt, countdown=interval or app.conf.result_chord_retry_interval, max_retries=limit)


def _leaves(result: Any) -> list[Any]:
    children = getattr(result, "results", None)
    return [result] if children is None else [leaf for child in children for leaf in _leaves(child)]


def _part(part: Any, kind: Any, app: Any) -> tuple[str, str, Any]:
    content_type, encoding = kind
    text = _json(part) if content_type == JSON else b64decode(part)
    return decode_part(text, content_type, encoding, None if content_type == JSON else app.accept_results)


def _unpacked(body: Any) -> Any:
    packed = body.get("packed") if isinstance(body, dict) else None
    if packed is None:
        return body
    kind, encoding, text = packed
    return loads(b64decode(text), kind, encoding, None)


def add_to_chord(task: Any, signature: Any, lazy: bool = False) -> Any:
    """Add a call to the header of the chord that the running task is a part of; ``lazy`` leaves the sending to the caller."""
    attempt = current()
    request = task.request
    if attempt is None or not request.chord:
        raise ValueError("Current task is not member of any chord")
    sig: Signature = maybe_signature(signature, app=task.app)
    earlier = int((request.headers or {}).get(ADDED) or 0)
    index = (request.group_index or 0) + (earlier + attempt.added + 1) * EXTRA
    attempt.added += sig.width
    result = sig.freeze(group_id=request.group, chord=request.chord, root_id=request.root_id, group_index=index)
    if lazy:
        return result
    with collecting(attempt.plans):
        sig.apply_async(root_id=request.root_id or request.id, parent_id=request.id)
    return result
