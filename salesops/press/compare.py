"""What changed since last time: the numbers of two runs of one report, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MOST = 5
FORMS = ("number", "percent")


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """An earlier run of a report: when it was made, of what period and as of what day, and its results."""

    made: str
    period: str
    as_of: str
    results: Mapping[str, Any]

    @property
    def label(self) -> str:
        """What tells the run from others, in words."""
        words = [self.period, f"as of {self.as_of}" if self.as_of else ""]
        return ", ".join(word for word in words if word) or f"made on {self.made[:10]}"


@dataclass(frozen=True)
class Change:
    """A number then and now, as text; `name` in words."""

    name: str
    before: str
    now: str


@dataclass(frozen=True, kw_only=True)
class News:
    """What a manager must see first: alerts, and what changed since an earlier run."""

    alerts: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    since: str = ""


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
