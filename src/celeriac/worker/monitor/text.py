"""Prometheus' text format (version 0.0.4), written. By hand: it is small, so that metrics need no package beside this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from celeriac.lib.value import Value

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


class Family(Value, frozen=True):
    """One metric with its samples: (suffix of the name, labels, value)."""

    name: str
    kind: str
    about: str
    samples: Sequence[tuple[str, Labels, float]]


def simple(name: str, kind: str, about: str, samples: Iterable[tuple[Labels, float]]) -> Family:
    """Return a counter or gauge."""
    return Family(name, kind, about, [("", labels, value) for labels, value in samples])


def histogram(name: str, about: str, bounds: Sequence[float], found: Iterable[tuple[Labels, Sequence[int], float]]) -> Family:
    """Return a histogram: for each set of labels how many fell into each bucket (one more than ``bounds``), and the sum of all."""
    samples: list[tuple[str, Labels, float]] = []
    for labels, buckets, total in found:
        count = 0
        for bound, inside in zip((*map(_number, bounds), "+Inf"), buckets):
            count += inside
            samples.append(("_bucket", {**labels, "le": bound}, count))
        samples += [("_sum", labels, total), ("_count", labels, count)]
    return Family(name, "histogram", about, samples)


def write(families: Iterable[Family]) -> str:
    """Return the text of a scrape."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        lines.append(f"# HELP {family.name} {family.about}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        for suffix, labels, value in family.samples:
            inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            lines.append(f"{family.name}{suffix}{{{inside}}} {_number(value)}" if inside else f"{family.name}{suffix} {_number(value)}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
