"""What changed since last time: the numbers of two runs of one report that may be compared, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from salesops.errors import PeriodError
from salesops.periods import Period, named, parse_date, parse_period

MOST, MOST_FIGURES = 5, 3
FORMS = ("number", "percent")


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A run of a report: when it was made, what was asked for as period and day ("" for its own choice), results."""

    made: str
    period: str
    as_of: str
    results: Mapping[str, Any]

    @property
    def label(self) -> str:
        """What tells the run from others, in words."""
        span, day = self.span, self.day
        words = [self.period or str(named(span.start, span.end) if span else ""), f"as of {day}" if day else ""]
        return ", ".join(word for word in words if word) or f"made on {self.made[:10]}"

    @property
    def span(self) -> Period | None:
        """The period that it spoke of, by its results or by what was asked for; None if it spoke of none."""
        start, end = (self.results.get(name) for name in ("period_start", "period_end"))
        try:
            return Period(parse_date(str(start)), parse_date(str(end))) if start and end else parse_period(self.period)
        except PeriodError:
            return None

    @property
    def day(self) -> date | None:
        """The day as of which it was made; None if it names none."""
        try:
            return parse_date(str(self.results.get("as_of") or self.as_of))
        except PeriodError:
            return None


@dataclass(frozen=True)
class Change:
    """A number then and now, as text; `name` in words."""

    name: str
    before: str
    now: str


@dataclass(frozen=True)
class Figure:
    """A number that matters, of a form of FORMS; `name` in words."""

    name: str
    value: float
    form: str


@dataclass(frozen=True, kw_only=True)
class News:
    """What a manager must see first: alerts, and what changed since an earlier run."""

    alerts: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    since: str = ""


def to_compare(now: Earlier, runs: Sequence[Earlier]) -> Earlier | None:
    """Return the run that a run of the same report may be compared with, or None.

    It is the last one of the same period, of no later day; without one that of the period before, of its kind, at the
    same day of it, or both when their periods were over. A quarter of five weeks is not set beside a whole one.

    Parameters
    ----------
    runs : sequence of Earlier
        Good runs of the report, in the order in which they were made.
    """
    span, day = now.span, now.day
    runs = [run for run in runs if (run.day or date.min) <= (day or date.max)]
    same = [run for run in runs if _same(run.span, span)]
    if not same and span and day:
        before = span.previous()
        same = [run for run in runs if _same(run.span, before) and run.day and _alike(before, run.day, span, day)]
    return max(reversed(same), key=lambda run: run.day or date.min, default=None)


def _same(one: Period | None, other: Period | None) -> bool:
    return (one and (one.start, one.end)) == (other and (other.start, other.end))


def _alike(before: Period, then: date, span: Period, day: date) -> bool:
    """Tell whether two days lie as far into their periods."""
    return (then >= before.end and day >= span.end) or then - before.start == day - span.start


def changes(results: Mapping[str, Any], earlier: Earlier, watch: Mapping[str, str]) -> tuple[Change, ...]:
    """Return the numbers that moved most, relative to their size, at most five.

    Parameters
    ----------
    results : mapping
        Of this run. Numbers in nested mappings count too, by their names with dots between.
    watch : mapping
        The results that matter, each with its form: number or percent. Empty: every number.
    """
    now, before = dict(_numbers(results)), dict(_numbers(earlier.results))
    named = [name for name in (watch or now) if name in now and name in before and now[name] != before[name]]
    ranked = sorted(named, key=lambda name: (-_moved(before[name], now[name]), name))
    forms = {name: watch.get(name, "number") for name in ranked}
    return tuple(
        Change(words(name), _text(before[name], forms[name]), _text(now[name], forms[name])) for name in ranked[:MOST]
    )


def figures(results: Mapping[str, Any], watch: Mapping[str, str]) -> tuple[Figure, ...]:
    """Return the first results of those that matter, shares before amounts, at most three."""
    known = dict(_numbers(results))
    ranked = sorted((name for name in watch if name in known), key=lambda name: watch[name] != "percent")
    return tuple(Figure(words(name), float(known[name]), watch[name]) for name in ranked[:MOST_FIGURES])


def words(name: str) -> str:
    """Return the name of a result in words: "win_rate" as "win rate"."""
    return name.replace("_", " ").replace(".", ", ")


def number(results: Mapping[str, Any], name: str) -> float | None:
    """Return a number of the results by its name, with dots for nested ones; None if it has no value."""
    return dict(_numbers(results)).get(name)


def is_empty(results: Mapping[str, Any], name: str) -> bool:
    """Tell whether a result has no value this time."""
    return dict(_leaves(results)).get(name) is None


def names(results: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of all results, with dots for nested ones."""
    return tuple(name for name, _ in _leaves(results))


def _numbers(results: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in _leaves(results):
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value


def _leaves(results: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in results.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value


def _moved(before: float, now: float) -> float:
    return abs(now - before) / max(abs(now), abs(before))


def _text(value: float, form: str) -> str:
    if form == "percent":
        return f"{value:.0%}" if abs(value) < 10 else f"{value:,.0%}"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.2f}"
