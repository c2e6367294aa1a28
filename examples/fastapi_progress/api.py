"""A web service that sends tasks, waits for short ones, and streams the progress of long ones to the browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field

from celeriac import AsyncResult, GroupResult, group
from celeriac.exceptions import TimeoutError as TooLate
from reports import add, make_page, write_report
from reports import app as tasks

LOOK = 0.1
"""Seconds between two looks at how far a task is."""

api = FastAPI(title="Reports")


class Sum(BaseModel):
    """What to add."""

    x: int
    y: int


class Report(BaseModel):
    """What report to write."""

    rows: int = Field(ge=1, le=10_000)


class Book(BaseModel):
    """What book to make."""

    pages: int = Field(ge=1, le=1_000)


@api.get("/")
async def page() -> FileResponse:
    """Show the page with the progress bar."""
    return FileResponse(Path(__file__).with_name("page.html"))


@api.get("/health")
async def health() -> dict[str, str]:
    """Answer at once."""
    return {"status": "fine"}


@api.post("/sums")
async def sums(wanted: Sum) -> dict[str, int]:
    """Send a task and await its result: the event loop serves other requests meanwhile."""
    result = await add.adelay(wanted.x, wanted.y)
    try:
        return {"sum": await result.aget(timeout=10)}
    except TooLate:
        raise HTTPException(503, "No worker has answered within ten seconds") from None


@api.post("/reports", status_code=202)
async def start_report(wanted: Report) -> dict[str, str]:
    """Send a long task and return its id."""
    result = await write_report.adelay(wanted.rows)
    return {"id": result.id, "events": f"/reports/{result.id}/events"}


@api.get("/reports/{id}/events")
async def report_events(id: str) -> StreamingResponse:
    """Stream how far a report is."""
    return events(lambda: told_of_task(tasks.AsyncResult(id)))


@api.post("/books", status_code=202)
async def start_book(wanted: Book) -> dict[str, str]:
    """Send a task for each page, as one group, and return the group's id."""
    pages = group(make_page.s(number) for number in range(1, wanted.pages + 1))
    # Workflows are sent and saved by blocking calls: in a thread.
    result = await asyncio.to_thread(pages.apply_async)
    await asyncio.to_thread(result.save)
    return {"id": result.id, "events": f"/books/{result.id}/events"}


@api.get("/books/{id}/events")
async def book_events(id: str) -> StreamingResponse:
    """Stream how many pages of a book are there."""
    found = await asyncio.to_thread(GroupResult.restore, id, app=tasks)
    if found is None:
        raise HTTPException(404, f"There is no book {id}")
    return events(lambda: told_of_group(found))


def told_of_task(result: AsyncResult[Any]) -> dict[str, Any]:
    """Return what is known of a task; reads the result store."""
    state, info = result.state, result.info
    if state == "PROGRESS":
        return {"state": state, **info}
    if result.ready():
        return {"state": state, "result": info if result.successful() else repr(info), "end": True}
    return {"state": state}


def told_of_group(result: GroupResult[Any]) -> dict[str, Any]:
    """Return how many tasks of a group have ended; reads the result store once."""
    progress = result.progress()
    return {"state": "PROGRESS", "done": progress.done, "total": progress.total, "failed": progress.failed, "end": progress.done == progress.total}


def events(look: Callable[[], dict[str, Any]]) -> StreamingResponse:
    """Return a stream of server-sent events: what ``look`` returns, whenever it has changed, until it says that this is the end."""

    async def stream() -> AsyncIterator[str]:
        before: dict[str, Any] = {}
        while not before.get("end"):
            now = await asyncio.to_thread(look)
            if now != before:
                yield f"data: {json.dumps(now)}\n\n"
            before = now
            await asyncio.sleep(LOOK)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
