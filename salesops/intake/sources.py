"""The tables of a source by the names that a map gives them, each read when the map first asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from salesops.book.detect import find_groups
from salesops.book.values import TRUE_WORDS
from salesops.errors import IntakeError
from salesops.intake.files import Item, matching
from salesops.intake.mapfile import Map, SourceMap
from salesops.intake.names import find_header, found_headers, literal, quoted
from salesops.intake.read_item import Loaded, read_item

_ACTIVE, _SINCE = "_fivetran_active", "_fivetran_start"


@dataclass
class Sources:
    """The tables of a source, by the names that a map gives them."""

    con: Any
    source: Path
    map: Map
    items: tuple[Item, ...]
    zone: str
    _read: dict[Item, Loaded] = field(default_factory=dict)
    _found: dict[str, tuple[Item, ...]] = field(default_factory=dict)
    _loaded: dict[str, Loaded] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Return every name that a map may use: those that it declares and those of the files."""
        return [*self.map.sources, *(item.names[0] for item in self.items)]

    def declared(self, name: str) -> SourceMap:
        """Return what the map says of a source; a name that it does not declare stands for itself."""
        known = {key.casefold(): source for key, source in self.map.sources.items()}
        return known.get(name.casefold(), SourceMap(names=(name,)))

    def find(self, name: str) -> tuple[Item, ...]:
        """Return the items that a name stands for; () if there is none.

        A single file that no pattern names is taken for the first source of the map.
        """
        key = name.casefold()
        if key not in self._found:
            self._found[key] = self._find(name)
        return self._found[key]

    def _find(self, name: str) -> tuple[Item, ...]:
        source = self.declared(name)
        found = matching(source.names, self.items, lambda item: self._has(item, source))
        first = next(iter(self.map.sources), self._only_name())
        seen = tuple(item for item in self.items if not item.hidden)
        if not found and self.source.is_file() and len(seen) == 1 and name.casefold() == first.casefold():
            claimed = any(matching(other.names, self.items) for other in self.map.sources.values())
            return () if claimed else seen
        return found

    def named_like(self, name: str) -> tuple[Item, ...]:
        """Return the items that a name would stand for if they had the headers that it needs."""
        return matching(self.declared(name).names, self.items)

    def headers(self, item: Item) -> tuple[str, ...]:
        """Return the headers of an item."""
        return self._item(item).headers

    def lacks(self, item: Item, name: str) -> list[str]:
        """Return the headers that an item does not have of those that a source needs."""
        headers = self._item(item).headers
        return ["' or '".join(" + ".join(j) for j in wanted) for wanted in self.declared(name).needs
                if not found_headers(wanted, headers)]  # fmt: skip  # one line too long

    def load(self, name: str) -> Loaded:
        """Read what a name stands for. Raises IntakeError if it cannot be read or has no rows."""
        key = name.casefold()
        if key not in self._loaded:
            parts = [self._item(item) for item in self.find(name)]
            headers = [sorted(header.casefold() for header in part.headers) for part in parts]
            if any(other != headers[0] for other in headers):
                raise IntakeError(
                    f"The source '{name}' stands for {len(parts)} files whose headers differ: "
                    f"{', '.join(part.label for part in parts)}. Make the pattern in [sources] narrower, so that it "
                    "fits one, or give all the same columns."
                )
            loaded = parts[0] if len(parts) == 1 else self._stacked(parts)
            if not loaded.rows:
                raise IntakeError(f"{loaded.label} has a header but no rows. Export it again, with its rows.")
            loaded = self._emptied(loaded)
            self._loaded[key] = loaded if self.declared(name).every_version else self._current(loaded)
        return self._loaded[key]

    def load_together(self, names: Sequence[str]) -> Loaded:
        """Read several sources, those of them that are there, as one; what one does not have is empty there."""
        parts = [self.load(name) for name in names if self.find(name)]
        return parts[0] if len(parts) == 1 else self._stacked(parts)

    def was_read(self, item: Item) -> bool:
        """Tell whether anything asked for an item."""
        return any(item in self.find(name) for name in self._loaded)

    def _only_name(self) -> str:
        """Return the name that every table of the map reads, if it is one."""
        tables = [table for definitions in self.map.tables.values() for table in definitions]
        names = {name for table in tables for listed in table.sources for name in listed}
        return names.pop() if len(names) == 1 and not any(table.select for table in tables) else ""

    def _item(self, item: Item) -> Loaded:
        if item not in self._read:
            table = f"_source_{self.items.index(item)}"
            self._read[item] = read_item(self.con, item, table, self.map.csv, self.zone)
        return self._read[item]

    def _has(self, item: Item, source: SourceMap) -> bool:
        """Tell whether an item has the headers that a source needs. Only items with a name of it are read."""
        return not source.needs or all(found_headers(wanted, self._item(item).headers) for wanted in source.needs)

    def _current(self, loaded: Loaded) -> Loaded:
        """Keep today's rows of a table that a connector keeps in versions."""
        active, since = (find_header(name, loaded.headers) for name in (_ACTIVE, _SINCE))
        if not (active and since):
            return loaded
        relation = f"{loaded.relation}_current"
        words = ", ".join(map(literal, TRUE_WORDS))
        rows = f"FROM {loaded.relation} WHERE lower(trim(CAST({quoted(active)} AS VARCHAR))) IN ({words})"
        self.con.raw_sql(f"CREATE VIEW IF NOT EXISTS {relation} AS SELECT * {rows}")
        kept = self.con.raw_sql(f"SELECT count(*) FROM {relation}").fetchone()[0]
        earlier = loaded.rows - kept
        note = f"{earlier:,} row{' is' if earlier == 1 else 's are'} no longer active, and only part of a history."
        return replace(loaded, relation=relation, rows=kept, notes=(*loaded.notes, *([note] if earlier else [])))

    def _emptied(self, loaded: Loaded) -> Loaded:
        """Empty the cells that stand for nothing by the word of the map, and count them."""
        if not (self.map.empty and loaded.cells):
            return loaded
        listed = ", ".join(literal(text.strip().lower()) for text in self.map.empty)
        nothing = {header: f"lower(trim({quoted(header)})) IN ({listed})" for header in loaded.headers}
        counts = " + ".join(f"count(*) FILTER (WHERE {test})" for test in nothing.values())
        found = self.con.raw_sql(f"SELECT {counts} FROM {loaded.relation}").fetchone()[0]
        cells = ", ".join(
            f"CASE WHEN {test} THEN NULL ELSE {quoted(h)} END AS {quoted(h)}" for h, test in nothing.items()
        )
        relation = f"{loaded.relation}_emptied"
        self.con.raw_sql(f"CREATE VIEW IF NOT EXISTS {relation} AS SELECT {cells}, _row FROM {loaded.relation}")
        words = "' or '".join(self.map.empty)
        note = f"{found:,} cell{'' if found == 1 else 's'} with '{words}' read as empty."
        return replace(loaded, relation=relation, notes=(*loaded.notes, *([note] if found else [])))

    def _stacked(self, parts: Sequence[Loaded]) -> Loaded:
        """Put tables under one another by header; `_row` then counts through all of them."""
        labels = ", ".join(part.label for part in parts)
        decimal, day_first = (self._agreed(parts, key, labels) for key in ("decimal", "day_first"))
        headers: dict[str, str] = {}
        for header in (header for part in parts for header in part.headers):
            headers.setdefault(header.casefold(), header)
        listed = ", ".join(quoted(header) for header in headers.values())
        union = " UNION ALL BY NAME ".join(
            f"SELECT {number} AS _part, * FROM {part.relation}" for number, part in enumerate(parts)
        )
        relation = f"{'_'.join(part.relation for part in parts)}_stacked"
        self.con.raw_sql(
            f"CREATE TABLE IF NOT EXISTS {relation} AS SELECT {listed}, "
            f"row_number() OVER (ORDER BY _part, _row) AS _row FROM ({union})"
        )
        note = f"{len(parts)} files read as one, rows counted through: {labels}."
        grouped = {group.column.casefold() for part in parts for group in part.groups}
        columns = [header for header in headers.values() if header.casefold() in grouped]
        return Loaded(
            labels, relation, tuple(headers.values()), sum(part.rows for part in parts),
            replace(parts[0].form, decimal=decimal, day_first=day_first),
            notes=(note, *dict.fromkeys(text for part in parts for text in part.notes)),
            cells=parts[0].cells, day_zero=max(part.day_zero for part in parts),
            shown=frozenset(key for part in parts for key in part.shown),
            groups=find_groups(self.con.con, relation, columns, decimal) if columns else (),
        )  # fmt: skip  # one source

    def _agreed(self, parts: Sequence[Loaded], key: str, labels: str) -> Any:
        """Return how tables write numbers or dates: as those do that show it, which must be one way."""
        shown = [part for part in parts if key in part.shown] or parts[:1]
        ways = {getattr(part.form, key) for part in shown}
        if len(ways) > 1 or len({part.cells for part in parts}) > 1:
            raise IntakeError(
                f"The files {labels} write numbers or dates differently. Set decimal and day_first in [csv]."
            )
        return ways.pop()
