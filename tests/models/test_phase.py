"""A chance hangs on no arbitrary day: not on where landmarks fall, nor on the date that is written on the book."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from salesops.book.source import Book, open_book
from salesops.models.deals import landmarks
from salesops.models.forecast import Forecast, forecast
from salesops.periods import Period

NOW = date(2026, 10, 30)
QUARTER = Period(date(2026, 10, 1), date(2026, 12, 31))
READ = ("users", "user_history", "opportunities", "opportunity_history", "quotas", "credits", "fx_rates", "territories")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def moved(text: str | None, days: int) -> str | None:
    found = _DAY.match(text or "")
    return text if not found else (date.fromisoformat(found[0]) + timedelta(days=days)).isoformat() + text[10:]  # type: ignore[index]  # matched


def later(column: pa.ChunkedArray, name: str, days: int) -> pa.ChunkedArray:
    """A column with its days, or the days that it writes as text, moved."""
    if pa.types.is_date(column.type):
        return pc.add(column.cast(pa.int32()), pa.scalar(days, pa.int32())).cast(pa.date32())
    if pa.types.is_timestamp(column.type):
        return pc.add(column, pa.scalar(timedelta(days=days), pa.duration(column.type.unit)))
    return pa.chunked_array([[moved(text, days) for text in column.to_pylist()]]) if name == "new_value" else column


def shifted(sample: Path, folder: Path, days: int) -> Book:
    """Write the sample company with every date moved, and open it."""
    folder.mkdir()
    for path in [path for name in READ for path in sample.glob(f"{name}.*")]:
        if path.suffix == ".csv":
            rows = pd.read_csv(path, dtype=str, keep_default_na=False)
            rows.map(lambda text: moved(text, days)).to_csv(folder / path.name, index=False)
        else:
            table = pq.read_table(path)
            columns = {name: later(table[name], name, days) for name in table.column_names}
            pq.write_table(pa.table(columns), folder / path.name)
    (folder / "book.toml").write_text((sample / "book.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return open_book(folder)


def differ(one: Forecast, other: Forecast) -> tuple[float, float]:
    """How far apart two forecasts put the company's chance, and at most a rep's."""
    chances = [found.reps.set_index("user_id").p_attain.sort_index() for found in (one, other)]
    return (
        abs(one.company["p_target"] - other.company["p_target"]),
        float(np.nanmax((chances[0] - chances[1]).abs())),
    )


@pytest.fixture(scope="module")
def now(company_book: Book) -> Forecast:
    return forecast(company_book, QUARTER, NOW)


@pytest.mark.long
@pytest.mark.parametrize("days", [7, 14, 21, 28, 364, 365])
def test_a_book_moved_in_time_has_the_same_chances(sample: Path, tmp_path: Path, now: Forecast, days: int) -> None:
    """All dates moved by whole weeks or a year: the company's chance by a point at most, and a rep's by three."""
    book = shifted(sample, tmp_path / "book", days)
    span = Period(QUARTER.start + timedelta(days=days), QUARTER.end + timedelta(days=days))
    company, rep = differ(now, forecast(book, span, NOW + timedelta(days=days)))
    assert company <= 0.01
    assert rep <= 0.03


@pytest.mark.long
def test_other_landmarks_give_the_same_chances(sample: Path, now: Forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    """With landmarks on other days, the company's chance differs by a point at most, and a rep's by three."""
    usual = landmarks._days
    for later_by in (1, 2, 3, 4):
        moved_by = timedelta(days=later_by)
        monkeypatch.setattr(
            landmarks, "_days", lambda closed, day, by=moved_by: [one + by for one in usual(closed, day - by)]
        )
        company, rep = differ(now, forecast(open_book(sample), QUARTER, NOW))
        assert 0 < company <= 0.01
        assert rep <= 0.03


def test_a_weekend_changes_no_chance(company_book: Book) -> None:
    """From Friday evening to Sunday evening, when nothing happens, the company's chance moves by a point at most."""
    friday = forecast(company_book, QUARTER, date(2026, 10, 23))
    sunday = forecast(company_book, QUARTER, date(2026, 10, 25))
    assert friday.company["closed"] == sunday.company["closed"]
    company, rep = differ(friday, sunday)
    assert company <= 0.01
    assert rep <= 0.03
