"""A web site with a form that sends a task, and a page that shows how far it is."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, render_template_string, request, url_for

from jobs import app as tasks
from jobs import import_rows

web = Flask(__name__)

FORM = """
<!doctype html><title>Jobs</title>
<h1>Import</h1>
<form method="post" action="{{ url_for('start') }}"><input name="rows" type="number" value="100" min="1"> rows <button>Import</button></form>
"""

PAGE = """
<!doctype html><title>Job {{ id }}</title>
<h1>Import {{ id }}</h1>
<p><progress id="bar" value="0" max="1"></progress> <output id="told"></output></p>
<script>
  async function look() {
    const job = await (await fetch("{{ url_for('state', id=id) }}")).json();
    document.getElementById("told").textContent = job.error || job.state;
    if (job.total) { bar.max = job.total; bar.value = job.done; }
    if (job.ready) { bar.value = job.error ? 0 : bar.max; } else { setTimeout(look, 300); }
  }
  look();
</script>
"""


@web.get("/")
def form() -> str:
    """Show the form."""
    return render_template_string(FORM)


@web.post("/jobs")
def start() -> Any:
    """Send the task and show its page."""
    rows = request.form.get("rows", type=int)
    if rows is None or rows < 1:
        return {"error": "rows has to be a number from 1"}, 400
    result = import_rows.delay(rows)
    return redirect(url_for("page", id=result.id), code=303)


@web.get("/jobs/<id>")
def page(id: str) -> str:
    """Show how far a job is; the page asks ``state`` by itself."""
    return render_template_string(PAGE, id=id)


@web.get("/jobs/<id>/state")
def state(id: str) -> dict[str, Any]:
    """Tell how far a job is."""
    result = tasks.AsyncResult(id)
    told: dict[str, Any] = {"state": result.state, "ready": result.ready()}
    if result.state == "PROGRESS":
        told.update(result.info)
    elif result.successful():
        told["result"] = result.result
    elif result.ready():
        told["error"] = str(result.result)
    return told
