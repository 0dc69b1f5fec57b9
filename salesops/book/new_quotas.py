"""Adding a version of quotas to a book: the file is replaced whole, with every row that it had."""

from __future__ import annotations

import csv
import fcntl
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salesops.book.agreed import quotas_in_force
from salesops.book.connection import connect
from salesops.book.delimited import load_delimited
from salesops.book.encoding import BOTH
from salesops.book.schema import QUOTAS
from salesops.book.source import Book, open_book
from salesops.errors import BookError, first_few
from salesops.periods import Period, named

_Row = dict[str, Any]
_COLUMNS = tuple(column.name for column in QUOTAS.columns)


def add_quota_version(
    book: Book, quotas: Mapping[str, float], period: Period, *, measure: str, name: str, agreed_on: date
) -> str:
    """Add quotas to the book's table as a new version, and return how the version is called.

    Earlier versions stay, and the new one counts from now on. An open book does not change.

    Parameters
    ----------
    quotas : mapping
        Money for each user_id, in the book's currency; it already allows for ramp.
    period : Period
        First to last day that the quotas are for.
    measure : str
        bookings or orders.
    name : str
        What people call the version; the day and a number come before it.
    agreed_on : date
        The day of the agreement.

    Raises
    ------
    BookError
        If the book is a database, cannot be written, does not know a user, has quotas for other periods that
        would count beside these, or has one that was agreed later. Then nothing is changed.
    """
    folder = Path(book.location)
    if not folder.is_dir():
        raise BookError(
            f"'{folder.name}' is a database, which is only ever opened to read. "
            "Export the quotas to CSV, and load them into its table quotas."
        )
    try:
        with _alone(folder):
            return _add(open_book(folder), quotas, period, measure, name, agreed_on)
    except OSError as error:
        raise BookError(
            f"The quotas cannot be written to '{folder}': {error.strerror or error}. "
            "Ask for the right to write there, or export them to CSV."
        ) from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process adds quotas to this folder; the folder itself is the lock."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _add(book: Book, quotas: Mapping[str, float], period: Period, measure: str, name: str, agreed_on: date) -> str:
    known = set(book.table("users").select("user_id").to_pyarrow()["user_id"].to_pylist())
    unknown = sorted(set(quotas) - known)
    if not quotas or unknown:
        who = f"Not in users: {len(unknown)} of {len(quotas)} (first: {first_few(unknown)})"
        raise BookError(f"{who if quotas else 'No rep has a quota'}. Give quotas to reps of this book, names shown.")
    inside = _in_period(book, quotas, period, measure)
    _refuse_beside(inside, period)
    version = _version(book, name, agreed_on)
    _refuse_later(inside, agreed_on, version)
    rows = [
        {
            "owner_id": user, "period_start": period.start, "period_end": period.end, "measure": measure,
            "quota_amount": round(float(amount), 2), "currency": book.currency, "is_rollup": False,
            "ramp_applied": True, "agreed_at": agreed_on, "agreed_with": None, "version": version,
        }
        for user, amount in sorted(quotas.items())
    ]  # fmt: skip  # in the order of the columns
    _write(book, rows)
    return version


def _in_period(book: Book, quotas: Mapping[str, float], period: Period, measure: str) -> list[_Row]:
    """Return the quotas in force of these users that count in the period."""
    table = quotas_in_force(book)
    rows = table.filter(
        (table.measure == measure) & ~table.is_rollup & (table.period_start <= period.end)
        & (table.period_end >= period.start) & table.owner_id.isin(sorted(quotas))
    ).order_by("owner_id", "period_start")  # fmt: skip  # one condition
    found: list[_Row] = rows.to_pyarrow().to_pylist()
    return found


def _refuse_beside(inside: list[_Row], period: Period) -> None:
    """Refuse new quotas that would not count: others of as many days or fewer go before them in their days."""
    others = [
        row for row in inside
        if (row["period_start"], row["period_end"]) != (period.start, period.end)
        and (row["period_end"] - row["period_start"]).days < period.days
    ]  # fmt: skip  # one condition
    if others:
        first = named(others[0]["period_start"], others[0]["period_end"])
        raise BookError(
            f"The reps have {_quotas(others)} for other periods than {period} (first: {first}), which would go before "
            "the new ones in their days. Choose the period of the quotas, or export to CSV."
        )


def _refuse_later(inside: list[_Row], agreed_on: date, version: str) -> None:
    ours = (agreed_on, version)
    later = [row for row in inside if row["agreed_at"] and (row["agreed_at"], row["version"] or "") >= ours]
    if later:
        raise BookError(
            f"The reps have {_quotas(later)} agreed on {later[0]['agreed_at']} or later, which would go on to "
            f"count before one of {agreed_on}. Open the what-if as of a later day."
        )


def _quotas(rows: list[_Row]) -> str:
    return "1 quota" if len(rows) == 1 else f"{len(rows)} quotas"


def _version(book: Book, name: str, agreed_on: date) -> str:
    """Return a name that comes after those of the same day in the alphabet."""
    labels = book.table("quotas").select("version").distinct().to_pyarrow()["version"].to_pylist()
    same = [label for label in labels if label and label.startswith(f"{agreed_on} ")]
    numbers = [int(label.split()[1]) for label in same if len(label.split()) > 1 and label.split()[1].isdecimal()]
    return f"{agreed_on} {max(numbers, default=0) + 1:03} {' '.join(name.split())}".strip()


def _write(book: Book, rows: list[_Row]) -> None:
    """Write the table with the new rows to a file beside it, read it back, and put it in its place."""
    origin = book.origins.get("quotas")
    path = Path(origin) if origin else Path(book.location, "quotas.csv")
    scratch = Path(book.location, f".quotas.{secrets.token_hex(4)}.new")
    made = scratch / path.name
    try:
        scratch.mkdir()
        if path.suffix.lower() == ".parquet":
            _write_parquet(path, made, rows)
        else:
            _write_csv(path, made, rows, book)
        if Path(book.location, "book.toml").exists():
            shutil.copy2(Path(book.location, "book.toml"), scratch)
        if _typed(open_book(scratch)) != _typed(book) + _counted(rows):
            raise BookError(
                f"{path.name} is written in a way that no row can be added to without a change to others. "
                "Export the quotas to CSV, and add them there."
            )
        if path.exists():
            shutil.copymode(path, made)
        with made.open("rb+") as file:
            os.fsync(file.fileno())
        made.replace(path.resolve())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write_parquet(path: Path, made: Path, rows: list[_Row]) -> None:
    before = pq.read_table(path)
    names = {name.casefold(): name for name in before.column_names}
    added = {names.get(column, column): pa.array([row[column] for row in rows]) for column in _COLUMNS}
    new = pa.table({name: _cast(values, before, name) for name, values in added.items()})
    pq.write_table(pa.concat_tables([before, new], promote_options="default"), made)


def _cast(values: pa.Array, before: pa.Table, name: str) -> pa.Array:
    if name not in before.column_names:
        return values
    wanted = before.schema.field(name).type
    if pa.types.is_string(wanted) and not pa.types.is_string(values.type):
        values = pa.array([None if value is None else str(value).lower() for value in values.to_pylist()])
    return pc.cast(values, wanted, safe=False)


def _write_csv(path: Path, made: Path, rows: list[_Row], book: Book) -> None:
    head, body, encoding, delimiter, decimal = list(_COLUMNS), [], "utf-8", ",", "."
    if path.exists():
        con = connect(files=[path])
        form = load_delimited(con, path, "quotas", book.config.csv)
        encoding, delimiter, decimal = form.encoding, form.delimiter, form.decimal
        table = con.table("quotas").order_by("_row").drop("_row").to_pyarrow()
        head, body = list(table.column_names), [list(row.values()) for row in table.to_pylist()]
    names = {name.casefold(): name for name in head}
    head += [column for column in _COLUMNS if column not in names]
    places = {names.get(column, column): column for column in _COLUMNS}
    new = [[_cell(row[places[name]], decimal) if name in places else "" for name in head] for row in rows]
    with made.open("w", encoding="utf-8" if encoding == BOTH else encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([head, *([*row, *[""] * (len(head) - len(row))] for row in body), *new])


def _cell(value: object, decimal: str) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".replace(".", decimal)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _typed(book: Book) -> Counter[tuple[Any, ...]]:
    return _counted(book.table("quotas").to_pyarrow().to_pylist())


def _counted(rows: list[_Row]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row[column] for column in _COLUMNS) for row in rows)
