"""Accounting for every row: where it went, what was changed in it, and which columns nobody asked for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from salesops.book.schema import SCHEMA
from salesops.intake.convert import Bound, keyed
from salesops.intake.mapfile import Map
from salesops.intake.names import quoted
from salesops.intake.orphans import Emptied
from salesops.intake.read_item import Loaded
from salesops.intake.report import TableResult, rows_text
from salesops.intake.sources import Sources

_MONEY = ("amount", "net_amount", "quota_amount", "annual_amount")
_LISTED = 12


@dataclass(frozen=True)
class Account:
    """An import under way, with what is to be said about it."""

    con: Any
    map: Map
    sources: Sources
    tables: dict[str, Bound]
    warnings: list[str] = field(default_factory=list)
    emptied: list[Emptied] = field(default_factory=list)
    not_read: list[tuple[str, str, int, int]] = field(default_factory=list)
    _notes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _told: set[str] = field(default_factory=set)

    def note(self, name: str, *sentences: str) -> None:
        """Keep sentences about a table."""
        self._notes[name].extend(sentences)

    def notes(self, name: str) -> list[str]:
        """Return the sentences about a table."""
        return self._notes[name]

    def first_time(self, label: str) -> bool:
        """Tell whether a source is spoken of for the first time."""
        new = label not in self._told
        self._told.add(label)
        return new


def table_result(account: Account, name: str) -> TableResult:
    """Return what became of a table."""
    con, bound = account.con, account.tables[name]
    aside = con.raw_sql(f"SELECT reason, count(*), min(_row) FROM _rejected_{name} GROUP BY 1 ORDER BY 3").fetchall()
    rows_out = _number(con, f"SELECT count(*) FROM _live_{name}")
    notes = [*_counted(con, bound), *_changes(con, bound), *account.notes(name)]
    notes += [f"{rows_text(reading.cells)}: {reading.column} {reading.words}" for reading in bound.readings]
    notes += [*_merged(con, bound), *_empty(con, bound, rows_out)]
    if name == "opportunities":
        notes += _stages(account)
    if not rows_out:
        notes.append("no row is left, so the table is not written")
    loaded = _first_read(account, bound)
    left = [(item.label, part) for item in loaded for part in item.not_read]
    notes += [f"{label}: {rows_text(part.rows)} not read, {part.reason}" for label, part in left]
    account.not_read.extend((name, part.reason, part.rows, bound.view.origin.rows + part.rows) for _, part in left)
    return TableResult(
        name=name,
        origin=bound.view.origin.label,
        rows_in=bound.view.origin.rows,
        rows_out=rows_out,
        set_aside=tuple((reason, rows) for reason, rows, _ in aside),
        share=_share(con, name) if aside else "",
        notes=(*notes, *(f"{item.label}: {note.rstrip('.')}" for item in loaded for note in item.notes)),
        unused=_unused(account, loaded),
    )


def unused_files(sources: Sources) -> tuple[str, ...]:
    """Return a sentence about what lies in the source and no table asked for."""
    left = [item for item in sources.items if not sources.was_read(item)]
    labels = [f"{item.label} (hidden)" if item.hidden else item.label for item in left]
    return (f"not used: {', '.join(labels)}",) if labels else ()


def _counted(con: Any, bound: Bound) -> list[str]:
    """Say how many rows of the source are what the map asks to count, and how many of them are kept."""
    sentences = []
    for words, condition in bound.map.count.items():
        marked = f"SELECT _row, ({condition})::BOOLEAN AS _meant FROM {bound.view.relation}"
        query = (
            f"SELECT count(*), count(*) FILTER (_row IN (SELECT _row FROM _live_{bound.name})) "
            f"FROM ({marked}) WHERE _meant"
        )
        rows, kept = con.raw_sql(query).fetchone()
        # of equal rows that are read once only the first stands in the table
        left = f", {kept:,} of them kept" if kept < rows and not bound.map.distinct else ""
        sentences.append(f"{rows_text(rows)}: {words}{left}")
    return sentences


def _changes(con: Any, bound: Bound) -> list[str]:
    """Say how many cells the map changed, each kind in a sentence."""
    counts = [count for column in bound.columns.values() for count in column.counts]
    if not counts:
        return []
    listed = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition, _ in counts)
    kept = f" SEMI JOIN _staged_{bound.name} USING (_row)" if not bound.map.distinct else ""
    found = con.raw_sql(f"SELECT {listed} FROM {bound.view.relation}{kept}").fetchone()
    pairs = zip(found, counts, strict=True)
    return [f"{rows_text(rows)}: {sentence}" for rows, (_, sentence) in pairs if rows]


def _merged(con: Any, bound: Bound) -> list[str]:
    if not bound.map.distinct:
        return []
    key = SCHEMA[bound.name].key[0]
    counts = f"SELECT count(*), count({keyed(bound.name)}) FROM _raw_{bound.name} WHERE _kept"
    kept, with_key = con.raw_sql(counts).fetchone()
    merged = with_key - _number(con, f"SELECT count(*) FROM _staged_{bound.name}")
    sentences = (
        (merged, "equal to an earlier one, read once"),
        (kept - with_key, f"without {key}, so not of this table"),
    )
    return [f"{rows_text(rows)} {sentence}" for rows, sentence in sentences if rows]


def _empty(con: Any, bound: Bound, rows: int) -> list[str]:
    """Count the empty cells in columns that metrics lean on."""
    columns = [
        column.name
        for column in SCHEMA[bound.name].columns
        if column.name in bound.columns
        and not column.filled
        and (column.required or column.references or column.happened)
    ]
    if not columns or not rows:
        return []
    counts = ", ".join(f"count(*) - count({quoted(column)})" for column in columns)
    found = con.raw_sql(f"SELECT {counts} FROM _live_{bound.name}").fetchone()
    pairs = zip(columns, found, strict=True)
    return [f"{empty:,} of {rows:,} {bound.name} have no {column}" for column, empty in pairs if empty]


def _stages(account: Account) -> list[str]:
    """Say which stages count as won, lost and open; warn if no deal is won."""
    query = (
        "SELECT CASE WHEN is_won THEN 'won' WHEN is_closed THEN 'lost' ELSE 'open' END AS state, stage_name, count(*) "
        "FROM _live_opportunities GROUP BY ALL ORDER BY 1, 3 DESC, 2"
    )
    found: dict[str, list[str]] = {"won": [], "lost": [], "open": []}
    for state, stage, rows in account.con.raw_sql(query).fetchall():
        found[state].append(f"{stage} ({rows:,})")
    if any(found.values()) and not found["won"]:
        held = ", ".join(found["open"][:_LISTED])
        account.warnings.append(f"opportunities: no deal is won. Compare [stages] in the map with the stages: {held}.")
    return ["; ".join(f"{state}: {', '.join(names[:_LISTED]) or 'none'}" for state, names in found.items())]


def _share(con: Any, name: str) -> str:
    """Say what part of the rows and of the money was set aside."""
    columns = [column.name for column in SCHEMA[name].columns]
    money = next((column for column in _MONEY if column in columns), "")
    total = f"coalesce(sum({money}), 0)" if money else "0"
    every, every_money = con.raw_sql(f"SELECT count(*), {total} FROM _staged_{name}").fetchone()
    left, left_money = con.raw_sql(f"SELECT count(*), {total} FROM _live_{name}").fetchone()
    if every == left:
        return ""
    text = f"set aside by the rules: {every - left:,} of {every:,} rows ({(every - left) / every:.2%})"
    if money and every_money:
        gone = every_money - left_money
        text += f", {gone:,.0f} of {every_money:,.0f} {money} ({gone / every_money:.2%})"
    return text


def _unused(account: Account, loaded: list[Loaded]) -> tuple[str, ...]:
    """Return the headers of sources that no table of the map uses."""
    used: dict[str, set[str]] = defaultdict(set)
    for other in account.tables.values():
        for name in other.view.sources:
            used[account.sources.load(name).label] |= other.used
    return tuple(header for item in loaded for header in item.headers if header.casefold() not in used[item.label])


def _first_read(account: Account, bound: Bound) -> list[Loaded]:
    """Return the sources of a table of which no earlier table has told."""
    loaded = [account.sources.load(name) for name in bound.view.sources]
    return [item for item in loaded if account.first_time(item.label)]


def _number(con: Any, query: str) -> int:
    return int(con.raw_sql(query).fetchone()[0])
