"""The data dictionary says what the schema says."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields

import pytest

from salesops.book.config import BookConfig, parse_config
from salesops.book.dictionary import DICTIONARY, dictionary
from salesops.book.schema import SCHEMA


def test_dictionary_is_current() -> None:
    """data/README.md is what the schema gives. If not: python -m salesops.book.dictionary."""
    assert DICTIONARY.read_text(encoding="utf-8") == dictionary()


@pytest.mark.parametrize("name", list(SCHEMA))
def test_every_table_and_column_is_described(name: str) -> None:
    """Each table has a section with one row for each column, in the order of the schema."""
    section = dictionary().split(f"\n### {name}\n")[1].split("\n### ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, flags=re.M) == [column.name for column in SCHEMA[name].columns]


def test_every_setting_is_described() -> None:
    """Each setting of book.toml has a row with a meaning."""
    section = dictionary().split("| setting | meaning |")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, flags=re.M))
    assert list(rows) == [field.name for field in fields(BookConfig)]
    assert all(len(meaning) > 10 for meaning in rows.values())


def test_example_settings_are_valid_and_complete() -> None:
    """The book.toml shown is accepted as it stands and shows every setting."""
    example = re.search(r"```toml\n(.*?)```", dictionary(), flags=re.S)
    assert example
    values = tomllib.loads(example[1])
    assert set(values) == {field.name for field in fields(BookConfig)}
    assert parse_config(values).fiscal_year_start == 4
