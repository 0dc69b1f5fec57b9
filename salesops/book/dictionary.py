"""The data dictionary: data/README.md, written from the schema.

`python -m salesops.book.dictionary` writes it anew.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from salesops.book.columns import Column, Table
from salesops.book.config import BookConfig
from salesops.book.rules import RULES
from salesops.book.schema import SCHEMA

DICTIONARY = Path(__file__).resolve().parents[2] / "data" / "README.md"

_INTRODUCTION = """\
# The data dictionary

A *book* is one company's tables: a folder of CSV or Parquet files, one a table, named like the table
(`opportunities.csv`, `users.parquet`), or one DuckDB database with tables of these names. No table is required
by itself: each report names the tables that it needs, and `salesops check BOOK` says which reports a book can feed.

`sample/` is a small invented company. `maps/` turns exports of other systems into a book:
`salesops import --map MAP SOURCE DEST`.

This page is written from `salesops/book/schema.py` by `python -m salesops.book.dictionary`. Change the schema, not
this page.

## How to write the files

- Headers are the column names below, in any order and case. Further columns are allowed and left alone.
- CSV may be UTF-8, UTF-16 or cp1252, with comma, semicolon or tab, with decimal point or comma. What was detected is
  said; `[csv]` in book.toml overrides it.
- Money in which three digits follow each mark (`3.000`, `12.500`) is in thousands, and that is said. Prices of one
  unit, rates and other numbers are not, nor a column in which a cell begins with 0 or has another number of digits.
- Dates are days (`2026-08-31`). Instants are UTC (`2026-08-31T14:05:00Z`) and become days in the book's time zone; a
  bare day in a column of instants is a day in that zone.
- Yes-or-no columns take true and false, yes and no, 1 and 0. An empty cell is an unknown value.
- A survey score counts on its scale: content from 80% of the top; promoter from 9 and detractor to 6 on the scale from
  0 to 10 alone; unhappy at 6 of 10 or less, on other scales below the middle.
- Money is in the row's `currency`. Chances, shares and discounts are fractions from 0 to 1.
- A row names what it belongs to by the other table's key. An empty reference is fine where the column may be empty.

## book.toml

Settings that the tables do not hold. The file lies beside the tables; every line is optional.

```toml
company = "Example Ltd"
currency = "EUR"
fiscal_year_start = 4
time_zone = "Europe/Berlin"
stage_order = ["Qualified", "Proposal", "Negotiation"]
follow_up_days = 14
ramp = [0.25, 0.5, 0.75]

[stages]                   # what a stage of the history says
won = ["Closed Won*"]
lost = ["Closed Lost"]
open = ["Prospecting"]
[orders]                   # statuses that count nowhere, beside cancelled and the like
not_counted = ["on hold"]
[contracts]                # statuses of contracts that never began, beside draft and the like
not_counted = ["quote"]
[surveys]
scale = "csat_1_5"
[gifts]                    # for birthdays of contacts who agreed
cap = 25
approver = "Head of sales"
exclude_industries = ["government", "police"]
exclude_titles = ["minister", "mayor"]
leap_day = "03-01"         # 29 February in other years; else 02-28

[csv]                      # for all CSV files
decimal = ","
[csv.opportunities]        # for one
encoding = "cp1252"
delimiter = ";"
day_first = true
skip_footer = 2
```

| setting | meaning |
|---|---|
"""

_CHECKS = """
## What is checked

`salesops check BOOK` prints each broken rule with the number of rows, the first keys and the repair. Errors stop a
report; warnings stand on it. Beside the checks of each table below:

- errors: a file that cannot be read, a table without rows, a missing required column, a cell that is not of its
  column's type, an empty cell in a column marked *filled*, a repeated key, a reference to nothing, a value outside a
  list, managers in a circle, deals or orders that all have a currency without a rate;
- warnings: a number outside its range, a table that is referenced but absent, a second currency, no quotas, quotas
  that cover no data, a history of deals without a `stage_order`, an open deal in a stage that it does not name, rows
  dated far ahead of all others, orders and contracts that count nowhere by their status, numbers that can be read in
  two ways, chances or discounts that are all below 1%, ids that a spreadsheet has rounded, deals equal in all but the
  id, accounts of one name, scores outside their scale or far below its top.

## Tables
"""

_TYPES = {"boolean": "yes or no", "integer": "whole number"}


def dictionary() -> str:
    """Return the data dictionary as Markdown."""
    settings = "".join(f"| `{name}` | {_cell(meaning)} |\n" for name, meaning in _settings().items())
    return _INTRODUCTION + settings + _CHECKS + "".join(_section(table) for table in SCHEMA.values())


def _settings() -> dict[str, str]:
    """Return the meaning of each setting, from the docstring of BookConfig."""
    lines = (BookConfig.__doc__ or "").splitlines()
    known = {field.name for field in fields(BookConfig)}
    meanings: dict[str, str] = {}
    name = ""
    for line in lines:
        match = re.match(r"\s*(\w+) : ", line)
        if match and match[1] in known:
            name = match[1]
            meanings[name] = ""
        elif name and line.strip():
            meanings[name] = f"{meanings[name]} {line.strip()}".strip()
    return meanings


def _section(table: Table) -> str:
    key = ", ".join(f"`{name}`" for name in table.key)
    rows = "".join(_row(column) for column in table.columns)
    checks = "".join(f"- {rule.severity}: rows that {rule.found}.\n" for rule in RULES.get(table.name, ()))
    columns = f"| column | type | required | meaning |\n|---|---|---|---|\n{rows}"
    return f"\n### {table.name}\n\n{table.meaning} Key: {key}.\n\n{columns}" + (f"\n{checks}" if checks else "")


def _row(column: Column) -> str:
    required = "filled" if column.filled else "yes" if column.required else "no"
    kind = _TYPES.get(column.type, column.type) + (f", {column.unit}" if column.unit else "")
    notes = [column.meaning]
    if column.references:
        notes.append(f"Names a `{column.references}`")
    if column.one_of:
        notes.append(f"One of {', '.join(f'`{value}`' for value in column.one_of)}")
    if column.low is not None or column.high is not None:
        notes.append(_range(column.low, column.high))
    return f"| `{column.name}` | {kind} | {required} | {_cell('. '.join(notes))}. |\n"


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"At least {low:g}"
    return f"At most {high:g}" if low is None else f"From {low:g} to {high:g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    DICTIONARY.write_text(dictionary(), encoding="utf-8")
