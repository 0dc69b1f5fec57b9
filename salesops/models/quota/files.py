"""Scenarios as files that people share: TOML, bound to a book, a period and a version of the format."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from salesops.book.source import Book
from salesops.errors import ScenarioError, did_you_mean, system_reason
from salesops.files import read_text, toml_text, toml_values, write_whole
from salesops.models.forecast.inputs import Inputs
from salesops.models.quota.levers import check_fits
from salesops.models.quota.scenario import LEVERS, Move, Scenario
from salesops.periods import Period

FORMAT = 1
HEAD = ("name", "company", "book", "period_start", "period_end")
FIRST = 20


def baseline(book: Book, period: Period, **levers: Any) -> Scenario:
    """Return the scenario of a book and period in which nothing changes, but for the levers given."""
    settings = {"name": "Baseline", **levers}
    return Scenario(
        company=book.company, book=book_key(book), period_start=period.start, period_end=period.end, **settings
    )


def book_key(book: Book) -> str:
    """Return what tells a book from others wherever its files lie and however far it has grown since.

    It is made of the currency and the first deals, orders and users, which later days do not change.
    """
    return book.keep("scenario key", lambda: _book_key(book))


def write_scenario(scenario: Scenario, path: str | os.PathLike[str]) -> None:
    """Write a scenario; a file that is there is replaced at once and whole, or stays as it was."""
    target = Path(path)
    try:
        write_whole(target, to_toml(scenario))
    except OSError as error:
        raise ScenarioError(f"{target} cannot be written: {system_reason(error)}") from None


def read_scenario(path: str | os.PathLike[str], book: Book, period: Period | None = None) -> Scenario:
    """Read a scenario of this book, and of this period if one is given.

    Raises
    ------
    ScenarioError
        If the file cannot be read, is of another book, period or version, or a lever is out of its bounds.
        The file stays as it is.
    """
    source = Path(path)
    text = read_text(source, error=ScenarioError)
    scenario = from_toml(text, source.name)
    if scenario.book != book_key(book):
        raise ScenarioError(
            f"{source.name} was made for another book: that of '{scenario.company}'. "
            f"This is the book of '{book.company}'. Open the scenario with its own book."
        )
    if period and (scenario.period_start, scenario.period_end) != (period.start, period.end):
        raise ScenarioError(
            f"{source.name} is about {Period(scenario.period_start, scenario.period_end)}, not {period}. "
            "Open it with its own period."
        )
    return scenario


def to_toml(scenario: Scenario) -> str:
    """Return a scenario as TOML; levers without a value are left out."""
    head = {name: getattr(scenario, name) for name in HEAD}
    levers = {name: value for name in LEVERS if (value := getattr(scenario, name)) is not None}
    moves = {"moves": [asdict(move) for move in scenario.moves]} if scenario.moves else {}
    return toml_text({"format": FORMAT, **head, "levers": levers, "quotas": dict(scenario.quotas), **moves})


def from_toml(text: str, where: str = "The scenario") -> Scenario:
    """Read what `to_toml` writes; `where` names it in errors."""
    content = toml_values(text, where, error=ScenarioError)
    version = content.pop("format", None)
    if version != FORMAT:
        found = "names no format" if version is None else f"has format {version!r}"
        newer = isinstance(version, int) and version > FORMAT
        repair = "Update salesops." if newer else "Choose a scenario file."
        raise ScenarioError(f"{where} {found}; format {FORMAT} was expected. {repair}")
    parts = {name: content.pop(name, default) for name, default in (("levers", {}), ("quotas", {}), ("moves", []))}
    _only_known(where, content, HEAD)
    for name in ("levers", "quotas"):
        if not isinstance(parts[name], Mapping):
            raise ScenarioError(f"{where}: {name} must be a table. Got {parts[name]!r}.")
    _only_known(where, parts["levers"], LEVERS)
    lists = {"ramp": tuple(parts["levers"]["ramp"])} if isinstance(parts["levers"].get("ramp"), list) else {}
    settings = {**content, **parts["levers"], **lists}
    missing = [name for name in HEAD if name not in settings]
    if missing:
        raise ScenarioError(f"{where} does not say its {missing[0]}. Choose a scenario file.")
    try:
        moves = tuple(_move(entry) for entry in _listed(parts["moves"]))
        return Scenario(**settings, quotas=tuple(parts["quotas"].items()), moves=moves)
    except ScenarioError as error:
        raise ScenarioError(f"{where}: {error}") from None


def _move(entry: Any) -> Move:
    known = {field.name for field in fields(Move)}
    if not isinstance(entry, Mapping) or set(entry) != known:
        raise ScenarioError(f"a move has a giver, a receiver and a share. Got {entry!r}.")
    return Move(**entry)


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ScenarioError(f"moves must be a list. Got {value!r}.")
    return value


def _only_known(where: str, content: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in content:
        if key not in known:
            raise ScenarioError(f"{where} has an unknown key '{key}'. {did_you_mean(key, known)}")


def _book_key(book: Book) -> str:
    firsts = [book.currency]
    for table, key, since in (
        ("opportunities", "opportunity_id", "created_date"),
        ("orders", "order_id", "ordered_at"),
        ("users", "user_id", "hire_date"),
    ):
        rows = book.table(table)
        dated = rows.filter(rows[since].notnull()) if table != "users" else rows
        first = dated.order_by(since, key).limit(FIRST).select(key).to_pyarrow()
        firsts += [f"{table} {value}" for value in first[key].to_pylist()]
        if len(firsts) > FIRST:
            break  # the first table that is long enough tells enough
    return hashlib.sha256(json.dumps(firsts).encode()).hexdigest()[:16]


def read_scenarios(where: Sequence[Path], book: Book, inputs: Inputs) -> tuple[dict[str, Scenario], tuple[str, ...]]:
    """Return the scenarios of this book and period, by name, and a sentence for each file that holds none.

    Parameters
    ----------
    where : sequence of Path
        Files, and folders whose TOML files are meant. A folder that is not there holds nothing. Of two scenarios of
        one name the later one has its file's name behind it.
    """
    paths = [path for one in where for path in (sorted(one.glob("*.toml")) if _is_folder(one) else [one])]
    found: dict[str, Scenario] = {}
    refused = []
    for path in paths:
        try:
            scenario = read_scenario(path, book, inputs.period)
            check_fits(inputs, scenario)
        except ScenarioError as error:
            refused.append(str(error))
            continue
        found |= named(scenario, path.stem, found)
    return found, tuple(refused)


def named(scenario: Scenario, stem: str, others: Mapping[str, Scenario]) -> dict[str, Scenario]:
    """Return a scenario under a name that no other has: its own, or with its file's name behind it."""
    name = scenario.name or stem
    if name in others and others[name] != scenario:
        name = f"{name} ({stem})"
    return {name: replace(scenario, name=name)}


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.suffix != ".toml"
