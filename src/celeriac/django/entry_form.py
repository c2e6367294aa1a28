"""The form of an entry of the schedule: what is wrong is said at the field, with its place."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from celeriac.config.nearness import nearest
from celeriac.contracts.current import current_client
from celeriac.django.entries import PeriodicTask, current_space
from celeriac.django.entry_columns import KINDS, aware
from celeriac.schedules.crontab import crontab

_OPTIONS = (
    *("queue", "exchange", "routing_key", "priority", "expires", "countdown", "eta", "serializer", "compression", "headers", "time_limit"),
    *("soft_time_limit", "ignore_result", "delivery_mode", "expiration", "retry", "retry_policy", "shadow", "link", "link_error", "task_id"),
)
_ONE_WAY = "Say when in one way: every so often, by a crontab, by the sun, or once at a time"


class Suggesting(forms.TextInput):
    """A line of text with words to choose from."""

    def __init__(self, words: Iterable[str], list_id: str) -> None:
        super().__init__({"list": list_id, "class": "vTextField", "autocomplete": "off"})
        self.words, self.list_id = words, list_id

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Return the input and its list."""
        words = format_html_join("", "<option value='{}'>", ((word,) for word in self.words))
        return mark_safe(f'{super().render(name, value, attrs, renderer)}<datalist id="{self.list_id}">{words}</datalist>')


class Json(forms.CharField):
    """JSON of one kind, whose errors have a place."""

    def __init__(self, kind: type, example: str, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea({"rows": 2, "cols": 80, "style": "font-family: monospace"}), **kwargs)
        self.kind, self.example = kind, example

    def prepare_value(self, value: Any) -> Any:
        """Return the text that is shown."""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) if value else ""

    def to_python(self, value: Any) -> Any:
        """Read the text."""
        if value is None or not str(value).strip():
            return self.kind()
        if not isinstance(value, str):
            return value
        try:
            found = json.loads(value)
        except ValueError as error:
            place = f"line {error.lineno}, column {error.colno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else str(error)
            raise ValidationError(f"This is no JSON ({place}). Write something like {self.example}") from None
        if not isinstance(found, self.kind):
            raise ValidationError(f"This is no {'list' if self.kind is list else 'object'}. Write something like {self.example}")
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether another value was written."""
        try:
            return bool(self.to_python(data) != (initial if initial not in (None, "") else self.kind()))
        except ValidationError:
            return True


class PeriodicTaskForm(forms.ModelForm):
    """One entry."""

    elsewhere = forms.BooleanField(
        required=False, label="Not of this project", help_text="The task is registered by other workers only: its name cannot be checked here."
    )
    args = Json(list, '["orders", 3]', label="Positional arguments", help_text="A JSON list.")
    kwargs = Json(dict, '{"limit": 10}', label="Keyword arguments", help_text="A JSON object.")
    options = Json(
        dict, '{"queue": "mail", "expires": 60}', help_text='Those of <code>apply_async</code>, for example {"queue": "mail", "expires": 60}.'
    )

    class Meta:
        model = PeriodicTask
        exclude = ()
        widgets = {"description": forms.Textarea({"rows": 2, "cols": 80})}
        labels = {"period": "Unit", "clocked": "Once at", "solar_event": "Event of the sun", "timezone": "Time zone"}
        help_texts = {
            "task": "The name of a task, such as shop.tasks.poll.",
            "every": "So many of these units; counted from now on.",
            "crontab": "Minute, hour, day of month, month, day of week: <code>*/15 8-17 * * mon-fri</code>; or <code>@daily</code>.",
            "timezone": "Of the crontab; empty: the application's.",
            "one_off": "Send it once, at its first slot.",
            "start": "Nothing is sent before.",
            "end": "Nothing is sent after.",
            "jitter": "Seconds by which a slot may be delayed, so that not all come at once.",
            "misfire": "What becomes of slots that no scheduler was there for.",
            "max_lateness": "Seconds; a slot that is later is dropped.",
            "latitude": "Degrees; north is positive.",
            "longitude": "Degrees; east is positive.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tasks = registered()
        for name, words in (("task", sorted(self.tasks)), ("timezone", sorted(available_timezones()))):
            if name in self.fields:
                self.fields[name].widget = Suggesting(words, f"celeriac-{name}")
        for name in ("jitter", "max_lateness", "every"):
            if name in self.fields:
                self.fields[name].required = False
        if "elsewhere" in self.fields and self.instance.pk:
            self.fields["elsewhere"].initial = self.instance.task not in self.tasks

    # -- field by field

    def clean_name(self) -> str:
        """Refuse a name that is taken."""
        name = str(self.cleaned_data["name"])
        others = PeriodicTask.objects.filter(space=self.instance.space or current_space(), name=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError("There is a periodic task of this name already.")
        return name

    def clean_crontab(self) -> str:
        """Refuse a crontab that cannot be read, or would never run."""
        line = str(self.cleaned_data["crontab"]).strip()
        if line:
            try:
                crontab.from_string(line)
            except (ValueError, TypeError) as error:
                raise ValidationError(str(error)) from None
        return line

    def clean_every(self) -> Any:
        """Refuse an interval without length."""
        every = self.cleaned_data["every"]
        if every is not None and every <= 0:
            raise ValidationError("It would run without end: write a number above 0.")
        return every

    def clean_clocked(self) -> Any:
        """Refuse a time that is over."""
        moment = self.cleaned_data["clocked"]
        if moment is not None and "clocked" in self.changed_data and aware(moment) <= timezone.now():
            raise ValidationError("This time is over.")
        return moment

    def clean_timezone(self) -> str:
        """Refuse a time zone that there is not."""
        zone = str(self.cleaned_data["timezone"]).strip()
        if zone and zone not in available_timezones():
            raise ValidationError(f"There is no such time zone{_meant(zone, available_timezones())}")
        return zone

    def clean_options(self) -> dict[str, Any]:
        """Refuse options that were probably meant to be others."""
        found = dict(self.cleaned_data["options"])
        for name in found:
            if name not in _OPTIONS and nearest(name, _OPTIONS, 2):
                raise ValidationError(f"There is no option {name!r}{_meant(name, _OPTIONS, 2)}")
        return found

    def clean(self) -> dict[str, Any]:
        """Look at what belongs together."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.instance.from_code:
            self._check_task(found)
            self._check_when(found)
        return found

    def _post_clean(self) -> None:
        # The row as a whole is looked at when its fields are right: what is wrong is said once.
        if not self.errors:
            super()._post_clean()

    def _check_task(self, found: dict[str, Any]) -> None:
        name = found.get("task")
        if not name or found.get("elsewhere"):
            return
        if name not in self.tasks:
            hint = _meant(name, self.tasks)
            self.add_error("task", f"No task of this name is registered here{hint} Tick “Not of this project” if other workers have it.")
        elif "args" in found and "kwargs" in found:
            try:
                self.tasks[name].check_arguments(tuple(found["args"]), found["kwargs"])
            except TypeError as error:
                self.add_error("args", f"The task cannot be called with these arguments: {error}")

    def _check_when(self, found: dict[str, Any]) -> None:
        if any(name in self.errors for name in KINDS):
            return
        said = [name for name in KINDS if found.get(name) not in (None, "")]
        if not said and self.instance.special is None:
            self.add_error("every", _ONE_WAY)
        for name in said[1:]:
            self.add_error(name, _ONE_WAY)
        if said == ["solar_event"]:
            for name, most in (("latitude", 90), ("longitude", 180)):
                degrees = found.get(name)
                if degrees is None or not -most <= degrees <= most:
                    self.add_error(name, f"Write degrees from {-most} to {most}.")


def registered() -> dict[str, Any]:
    """Return the tasks of the application by name, without those that belong to it anyway."""
    app = current_client()
    app.import_task_modules()
    return {name: task for name, task in app.tasks.items() if not name.startswith(("celery.", "celeriac."))}


def _meant(name: str, known: Iterable[str], limit: int | None = None) -> str:
    meant = nearest(name, known, limit)
    return f": did you mean {meant}?" if meant else "."
