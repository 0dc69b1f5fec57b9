"""Files that are written in two encodings at once, or were read in a wrong one before."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.book.check import check_book
from salesops.book.encoding import BOTH, encoding_of
from salesops.book.finding import Finding
from salesops.book.source import open_book
from salesops.intake import import_book

HEAD = "account_id,account_name,owner_id\n"
UTF8, LATIN = "A1,Müller,U1\n".encode(), "A2,Société Générale,U1\n".encode("cp1252")
MIXED = HEAD.encode() + UTF8 + LATIN


def names(folder: Path, content: bytes) -> list[str]:
    (folder / "accounts.csv").write_bytes(content)
    rows = open_book(folder).table("accounts").order_by("account_id").to_pyarrow().to_pylist()
    return [row["account_name"] for row in rows]


def warnings(folder: Path) -> list[Finding]:
    return [finding for finding in check_book(open_book(folder)) if finding.rule == "encoding"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (MIXED, ["Müller", "Société Générale"]),
        (HEAD.encode() + LATIN + UTF8, ["Müller", "Société Générale"]),
        (HEAD.encode() + "A1,Müller ".encode() + "Société,U1\n".encode("cp1252"), ["Müller Société"]),
        (HEAD.encode() + "A1,François’,U1\n".encode() + "A2,“Œuvre”,U1\n".encode("cp1252"), ["François’", "“Œuvre”"]),
        (HEAD.encode() + "A1,東京 🚀,U1\n".encode() + LATIN, ["東京 🚀", "Société Générale"]),
        (HEAD.encode() + "A1,Сбер,U1\nA3,Ντόρα,U1\n".encode() + LATIN, ["Сбер", "Société Générale", "Ντόρα"]),
        ("\ufeff".encode() + MIXED, ["Müller", "Société Générale"]),
        (MIXED.replace(b"\n", b"\r\n"), ["Müller", "Société Générale"]),
    ],
)
def test_each_letter_of_a_mixed_file_is_read_as_what_it_is(tmp_path: Path, content: bytes, expected: list[str]) -> None:
    """UTF-8 and cp1252 in one file are told apart line by line, even within a line: nobody is called MÃ¼ller."""
    assert names(tmp_path, content) == expected


@pytest.mark.parametrize(
    "text",
    [
        "CAFÉ’S", "AMANHÃ” IRMÃ…", "«café»…", "Société", "ÎLE’S “ÎLE”", "naïve — façade…", "Ægir Ðórr Ñandú",
        "ÀÉÎÕÜ àéîõü ß", "€ 5 • £ 6 – ½ ° ©",
    ],
)  # fmt: skip  # a list of words
def test_what_is_cp1252_alone_is_no_mixture(tmp_path: Path, text: str) -> None:
    """Capitals before quotation marks, dashes and signs of money are read as before, and nothing is told."""
    assert names(tmp_path, f"{HEAD}A1,{text},Müller\n".encode("cp1252")) == [text]
    assert warnings(tmp_path) == []


def test_a_mixture_is_told_with_its_first_lines(tmp_path: Path) -> None:
    """check warns of it: how many lines are of which kind, and the first of each with a word."""
    names(tmp_path, MIXED)
    (finding,) = warnings(tmp_path)
    assert str(finding) == (
        "accounts: 1 line is UTF-8 and 1 cp1252, each letter read as what it is (first: line 2 'Müller', "
        "line 3 'Société'). Export it anew, all of it as UTF-8."
    )
    assert finding.severity == "warning"
    assert "Read as UTF-8 and cp1252, separated by commas" in open_book(tmp_path).notes("accounts")[0]


def test_an_import_warns_of_a_mixture(tmp_path: Path) -> None:
    """import reads a mixed file and says so among its warnings."""
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "accounts.csv").write_bytes(MIXED)
    columns = "\n".join(f'{name} = "{name}"' for name in ("account_id", "account_name"))
    (tmp_path / "map.toml").write_text(f"[tables.accounts.columns]\n{columns}\n", encoding="utf-8")
    done = import_book(tmp_path / "map.toml", tmp_path / "export", tmp_path / "dest")
    assert [warning for warning in done.warnings if "1 line is UTF-8 and 1 cp1252" in warning] != []


@pytest.mark.parametrize("text", ["MÃ¼ller", "â€œGroßâ€\x9d", "FranÃ§ois", "GroÃŸ", "5 Â°C", "KrakÃ³w"])
def test_what_was_read_wrongly_before_is_told(tmp_path: Path, text: str) -> None:
    """A file all in UTF-8 that holds the signs of a wrong reading is read as it is, and warned of."""
    assert names(tmp_path, f"{HEAD}A1,Ann,U1\nA2,{text},U1\n".encode()) == ["Ann", text]
    (finding,) = warnings(tmp_path)
    assert "1 line looks as if read in a wrong encoding before (first: line 3 '" in str(finding)


@pytest.mark.parametrize("text", ["NÃO É", "ÂNGELA", "Ä“x”", "«Å» «Â»", "Ärger Åre", "âge â—"])
def test_letters_of_a_language_are_no_sign(tmp_path: Path, text: str) -> None:
    """Portuguese, French and Scandinavian capitals, and quotation marks behind them, are warned of by nobody."""
    assert names(tmp_path, f"{HEAD}A1,{text},U1\n".encode()) == [text]
    assert warnings(tmp_path) == []


def test_a_letter_that_neither_has_is_refused(tmp_path: Path) -> None:
    """A byte without meaning in both is told, as in a file of one encoding."""
    (tmp_path / "accounts.csv").write_bytes(MIXED + b"A3,\x81x,U1\n")
    (finding,) = check_book(open_book(tmp_path))
    assert "cannot be read as utf-8 and cp1252: byte 0x81 has no meaning there" in str(finding)


def test_the_setting_goes_before(tmp_path: Path) -> None:
    """Who names the encoding is believed."""
    (tmp_path / "book.toml").write_text('[csv]\nencoding = "cp1252"\n', encoding="utf-8")
    assert names(tmp_path, MIXED) == ["MÃ¼ller", "Société Générale"]


@given(st.lists(st.tuples(st.text("aéüçô,; ", min_size=1, max_size=9), st.booleans()), max_size=20))
def test_lines_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, bool]]
) -> None:
    """Whatever lines are written in whichever of the two encodings, each comes back."""
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    path.write_bytes(b"".join(f"{text}\n".encode("utf-8" if utf8 else "cp1252") for text, utf8 in lines))
    found = encoding_of(path, 1 << 16)
    assert list(found.lines(path)) == [f"{text}\n" for text, _ in lines]
    kinds = {utf8 for text, utf8 in lines if not text.isascii()}
    assert (found.name == BOTH) == (len(kinds) == 2)
