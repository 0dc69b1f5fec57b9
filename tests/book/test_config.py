"""book.toml: settings, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from salesops.book.config import BookConfig, parse_config, read_config
from salesops.errors import BookError


def write(folder: Path, text: str) -> Path:
    path = folder / "book.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_absent_file_gives_the_defaults(tmp_path: Path) -> None:
    """A book needs no book.toml: the year starts in January, instants are UTC, customers are asked in 14 days."""
    config = read_config(tmp_path / "book.toml")
    assert config == BookConfig()
    assert (config.fiscal_year_start, config.time_zone, config.follow_up_days) == (1, "UTC", 14)
    assert (config.company, config.currency, config.stage_order, config.ramp) == ("", "", (), ())


def test_every_setting_is_read(tmp_path: Path) -> None:
    """What stands in book.toml is what the book goes by; lists become tuples, a byte order mark is no matter."""
    path = write(
        tmp_path,
        '\ufeffcompany = "Bäcker & Söhne"\ncurrency = "EUR"\nfiscal_year_start = 4\ntime_zone = "Europe/Berlin"\n'
        'stage_order = ["Lead", "Offer"]\nfollow_up_days = 0\nramp = [0, 0.5]\n[csv]\ndecimal = ","\n',
    )
    assert read_config(path) == BookConfig(
        company="Bäcker & Söhne",
        currency="EUR",
        fiscal_year_start=4,
        time_zone="Europe/Berlin",
        stage_order=("Lead", "Offer"),
        follow_up_days=0,
        ramp=(0, 0.5),
        csv={"decimal": ","},
    )


@pytest.mark.parametrize("text", ["company = ", "= 3", "\x00"])
def test_broken_file_is_named(tmp_path: Path, text: str) -> None:
    """A file that is not TOML is named with the reason and the repair."""
    with pytest.raises(BookError, match=r"book\.toml is not valid TOML: .* Correct the file\."):
        read_config(write(tmp_path, text))


def test_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    """A book.toml that is not UTF-8 is refused in words."""
    path = tmp_path / "book.toml"
    path.write_bytes('company = "Bäcker"'.encode("latin-1"))
    with pytest.raises(BookError, match=r"book\.toml is no text in UTF-8"):
        read_config(path)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("curency", "Did you mean 'currency'?"),
        ("fiscal_start", "Did you mean 'fiscal_year_start'?"),
        ("Time_Zone", "Did you mean 'time_zone'?"),
        ("xyz", "Known: company, contracts, csv, "),
    ],
)
def test_unknown_key_is_refused_with_the_nearest(key: str, hint: str) -> None:
    """A key that the book does not know is an error that offers the nearest one."""
    with pytest.raises(BookError, match=rf"book\.toml has an unknown key '{key}'\. {hint.replace('?', '[?]')}"):
        parse_config({key: "EUR"})


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("company", 3, "a text"),
        ("currency", "euro", "an ISO code such as 'EUR'"),
        ("currency", "eur", "an ISO code"),
        ("currency", "", "an ISO code"),
        ("fiscal_year_start", 13, "a month, 1 to 12"),
        ("fiscal_year_start", 0, "a month, 1 to 12"),
        ("fiscal_year_start", True, "a month, 1 to 12"),
        ("fiscal_year_start", 1.0, "a month, 1 to 12"),
        ("time_zone", "Berlin", "an IANA name such as 'Europe/Berlin'"),
        ("time_zone", "America", "an IANA name"),
        ("time_zone", "../etc/passwd", "an IANA name"),
        ("time_zone", "", "an IANA name"),
        ("time_zone", 1, "an IANA name"),
        ("stage_order", "Lead", "a list of stage names"),
        ("stage_order", ["Lead", "Lead"], "a list of stage names, none twice"),
        ("stage_order", [1], "a list of stage names"),
        ("follow_up_days", -1, "a number of days, 0 or more"),
        ("ramp", 0.5, "a list of shares"),
        ("ramp", [0.5, 1.5], "a list of shares, each 0 to 1"),
        ("ramp", [float("nan")], "a list of shares"),
        ("ramp", [True], "a list of shares"),
        ("csv", ",", "a table"),
    ],
)
def test_wrong_value_is_refused(key: str, value: Any, wanted: str) -> None:
    """A wrong value is an error that says what was expected and what was found."""
    with pytest.raises(BookError, match=rf"book\.toml: {key} must be {wanted}.*\. Got "):
        parse_config({key: value})


def test_error_names_the_file() -> None:
    """Whoever passes settings from another file finds its name in the error."""
    with pytest.raises(BookError, match=r"maven\.toml: currency must be"):
        parse_config({"currency": "x"}, "maven.toml")
