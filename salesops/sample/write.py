"""Writing the sample: division by division, so that memory does not grow with the size."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from salesops.book.schema import SCHEMA, Type
from salesops.errors import BookError, system_reason
from salesops.files import toml_text
from salesops.sample.company import COMPANY, CURRENCY, FOLLOW_UP_DAYS, RAMP, SIZES, STAGES, Columns
from salesops.sample.division import company_tables, simulate
from salesops.sample.playbook import PLAYBOOK
from salesops.sample.truth import company_truth, merge

AS_CSV = ("territories", "trainings", "fx_rates", "quotas", "commitments")

_ARROW: dict[Type, pa.DataType] = {
    "text": pa.string(), "number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(),
    "date": pa.date32(), "instant": pa.timestamp("ms", "UTC"),
}  # fmt: skip  # reads as a table


# nothing is deleted, and every score is on the scale to 10
LEFT_OUT = (("opportunities", "is_deleted"), ("survey_responses", "scale"))


def write_sample(dest: Path, *, seed: int, size: Literal["small", "medium", "large"]) -> Path:
    """Write the sample company's book to a folder and return the folder.

    Parameters
    ----------
    dest : Path
        A folder that is new, empty, or holds an earlier sample (known by its truth.json).
    seed : int
        0 or more. The same seed and size give the same bytes.
    size : str
        "small": 40 reps, 600 accounts; "medium": ten times that; "large": over ten million order lines.

    Returns
    -------
    Path
        `dest`: every table of the schema as Parquet or CSV, book.toml, playbook.toml, and truth.json with what
        was planted.

    Raises
    ------
    BookError
        If the seed is negative, or the folder is in use or cannot be written. Then nothing is written.
    """
    if seed < 0:
        raise BookError(f"A seed must be 0 or more. Got {seed}.")
    if dest.exists() and not (dest.is_dir() and (not any(dest.iterdir()) or (dest / "truth.json").is_file())):
        raise BookError(f"'{dest}' is in use and not by a sample. Name a new or empty folder.")
    try:
        dest.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".sample-", dir=dest.parent) as made:
            _write(Path(made), seed, size)
            _move(Path(made), dest)
    except OSError as error:
        raise BookError(f"The sample cannot be written to '{dest}': {system_reason(error)}") from None
    return dest


def _write(folder: Path, seed: int, size: str) -> None:
    writers = {name: _writer(folder, name) for name in SCHEMA}
    truth = company_truth(seed, size)
    try:
        _append(writers, company_tables(seed))
        for division in range(SIZES[size].divisions):
            tables, part = simulate(seed, division, SIZES[size].accounts_per_division)
            _append(writers, tables)
            merge(truth, part)
    finally:
        for writer in writers.values():
            writer.close()
    (folder / "truth.json").write_text(json.dumps(truth, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "book.toml").write_text(_settings(), encoding="utf-8")
    (folder / "playbook.toml").write_text(PLAYBOOK, encoding="utf-8")


def _arrow_schema(name: str) -> pa.Schema:
    columns = [column for column in SCHEMA[name].columns if (name, column.name) not in LEFT_OUT]
    return pa.schema([(column.name, _ARROW[column.type]) for column in columns])


def _writer(folder: Path, name: str) -> Any:
    if name in AS_CSV:
        return pc.CSVWriter(folder / f"{name}.csv", _arrow_schema(name))
    keyed = [c.name for c in SCHEMA[name].columns if c.type == "text" and c.name not in SCHEMA[name].key]
    return pq.ParquetWriter(
        folder / f"{name}.parquet", _arrow_schema(name), compression="zstd", compression_level=12,
        use_dictionary=keyed, store_schema=False,
    )  # fmt: skip  # one call


def _append(writers: dict[str, Any], tables: dict[str, Columns]) -> None:
    for name, columns in tables.items():
        schema = _arrow_schema(name)
        arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
        writers[name].write_table(pa.Table.from_arrays(arrays, schema=schema))


def _settings() -> str:
    values = {
        "company": COMPANY, "currency": CURRENCY, "fiscal_year_start": 1, "time_zone": "Europe/Berlin",
        "stage_order": list(STAGES), "follow_up_days": FOLLOW_UP_DAYS, "ramp": list(RAMP),
    }  # fmt: skip  # reads as a table
    return toml_text(values)


def _move(made: Path, dest: Path) -> None:
    dest.mkdir(exist_ok=True)
    for stale in [file for file in dest.iterdir() if file.stem in SCHEMA and not (made / file.name).exists()]:
        stale.unlink()
    for file in sorted(made.iterdir()):
        file.replace(dest / file.name)
