"""People's words hidden, names replaced by stable pseudonyms."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from books import Row, Rows, by, make_book, records

from salesops.book.check import check_book
from salesops.book.credits import credited_deals, credited_orders
from salesops.book.redact import VARIABLE, redacted
from salesops.book.schema import SCHEMA, Column
from salesops.book.source import Book

SECRETS = {"users": ["Anna Alt", "Bo Berg"], "accounts": ["Zeta AG", "Yoyo Inc"], "contacts": ["Carl Cox", "Dora Day"]}
WORDS = [word for names in SECRETS.values() for name in names for word in name.split()]


def secret(column: Column, table: str, number: int) -> Any:
    """Return for a cell the most telling text that may stand in it."""
    owner = column.references.partition(".")[0] or (table if column.name == SCHEMA[table].key[0] else "")
    if owner in SECRETS:
        return SECRETS[owner][number]
    if column.name == "subject_id":
        return [SECRETS["accounts"][0], SECRETS["contacts"][1]][number]
    if column.personal:
        return f"{SECRETS['users'][0]} met {SECRETS['contacts'][number]} of {SECRETS['accounts'][1]}"
    if column.one_of:
        return column.one_of[0]
    return {
        "number": 0.5,
        "integer": 1,
        "boolean": True,
        "date": "2026-01-05",
        "instant": f"2026-01-0{number + 1}",
    }.get(column.type, f"{column.name} {number}")


def telling_tables() -> dict[str, Rows]:
    """Return two rows of every table, with names for ids and in every text that a person may have written."""
    tables = {
        name: [{column.name: secret(column, name, n) for column in table.columns} for n in (0, 1)]
        for name, table in SCHEMA.items()
    }
    tables["opportunity_history"] = [
        {"opportunity_id": "opportunity_id 0", "field_name": field, "valid_from": "2026-01-05", "new_value": value}
        for field, value in (
            ("owner_id", "Anna Alt"),
            ("stage_name", "Offer"),
            ("next_step", "ask Anna Alt"),
            (None, "Bo Berg"),
        )
    ]
    return tables


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A book in which ids are names, and every free text names somebody."""
    return make_book(tmp_path_factory.mktemp("telling"), telling_tables())


def cells(book: Book) -> Iterator[tuple[str, str, str]]:
    """Return table, column and text of every cell of text in a book."""
    for name in SCHEMA:
        for row in records(book.table(name)):
            yield from ((name, column, value) for column, value in row.items() if isinstance(value, str))


def test_no_name_is_left(book: Book) -> None:
    """No name or id of a user, account or contact stands in any cell of any table of a redacted book."""
    assert any(word in text for _, _, text in cells(book) for word in WORDS)
    assert [cell for cell in cells(redacted(book)) if any(word in cell[2] for word in WORDS)] == []


def test_other_columns_stay(book: Book) -> None:
    """Amounts, dates, stages and the ids of deals and orders are as they were, and no row is lost."""
    hidden = redacted(book)
    for name, table in SCHEMA.items():
        kept = [
            column.name
            for column in table.columns
            if not column.personal
            and column.references.partition(".")[0] not in SECRETS
            and column.name not in ("new_value", "subject_id", *(SCHEMA[owner].key[0] for owner in SECRETS))
        ]
        assert records(hidden.table(name).select(*kept)) == records(book.table(name).select(*kept))
    values = [row["new_value"] for row in records(hidden.table("opportunity_history"))]
    assert values[1:] == ["Offer", None, None]


def test_every_reference_still_finds_its_row(book: Book) -> None:
    """Joins to users, accounts and contacts hold, also from the history of owners and the subject of a promise."""
    hidden = redacted(book)
    for name, table in SCHEMA.items():
        for column in table.columns:
            owner, _, key = column.references.partition(".")
            if owner in SECRETS:
                known = by(hidden.table(owner), key)
                assert {row[column.name] for row in records(hidden.table(name))} == set(known), (name, column.name)
    owners = [row["new_value"] for row in records(hidden.table("opportunity_history"))]
    assert owners[0] in by(hidden.table("users"), "user_id")
    first, second = by(hidden.table("commitments"), "commitment_id").values()
    assert first["subject_id"] in by(hidden.table("accounts"), "account_id")
    assert second["subject_id"] in by(hidden.table("contacts"), "contact_id")


def pseudonym(company: str, table: str, word: str, identifier: str, key: str) -> str:
    """The pseudonym as Python's own libraries make it."""
    message = json.dumps([company, table]) + identifier
    digest = hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()
    return f"{word} {base64.b32hexencode(digest)[:10].decode()}"


@pytest.mark.parametrize("key", ["k" * 16, "clé 🔑 " * 4, "x" * 63, "x" * 64, "x" * 65, "long " * 100])
def test_pseudonym_is_a_keyed_hash(book: Book, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Name and id read "Rep 1E8K2OCE0V": the first 50 bits of HMAC-SHA256 over company, table and id, in base32."""
    monkeypatch.setenv(VARIABLE, key)
    hidden = redacted(book)
    for table, column, name, word in (
        ("users", "user_id", "user_name", "Rep"),
        ("accounts", "account_id", "account_name", "Account"),
        ("contacts", "contact_id", "contact_name", "Contact"),
    ):
        rows = records(hidden.table(table))
        assert [row[column] for row in rows] == [row[name] for row in rows]
        expected = {pseudonym(book.company, table, word, secret, key.strip()) for secret in SECRETS[table]}
        assert {row[column] for row in rows} == expected
        assert all(re.fullmatch(rf"{word} [0-9A-V]{{10}}", row[name]) for row in rows)


def test_pseudonyms_are_the_same_in_every_report_of_a_company(tmp_path: Path) -> None:
    """A pseudonym depends on company and id: not on the other rows, their order, the table that names it or the day."""
    users: Rows = [{"user_id": key} for key in ("A", "B", "C")]
    deals: Rows = [{"opportunity_id": f"D{key}", "owner_id": key} for key in ("C", "A")]
    tables = {"users": users, "opportunities": deals}
    first = redacted(make_book(tmp_path / "first", tables, company="Acme"))
    fewer = {"users": users[::-1][:2], "opportunities": deals[:1]}
    second = redacted(make_book(tmp_path / "second", fewer, company="Acme"))
    names = {row["user_id"]: row["user_name"] for row in records(first.table("users"))}
    assert len(names) == 3
    for row in records(second.table("users")):
        assert names[row["user_id"]] == row["user_name"]
    owners = {row["opportunity_id"]: row["owner_id"] for row in records(first.table("opportunities"))}
    assert by(second.table("opportunities"), "opportunity_id")["DC"]["owner_id"] == owners["DC"]
    assert set(owners.values()) < set(names)


def test_pseudonyms_of_others_tell_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same id of another company, in another table or under another key has another pseudonym."""
    tables: dict[str, Rows] = {"users": [{"user_id": "A"}], "accounts": [{"account_id": "A"}]}
    found = []
    for company, key in (("Acme", "k" * 16), ("Acm", "k" * 16), ("Acme", "l" * 16)):
        monkeypatch.setenv(VARIABLE, key)
        hidden = redacted(make_book(tmp_path / f"{company}{key}", tables, company=company))
        (user,), (account,) = (records(hidden.table(name)) for name in tables)
        found += [user["user_id"].partition(" ")[2], account["account_id"].partition(" ")[2]]
    assert len(set(found)) == 6


def test_two_keys_on_one_connection_stay_apart(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """A book redacted under one key keeps its pseudonyms when it is redacted again under another."""
    first = redacted(book)
    before = {row["user_id"] for row in records(first.table("users"))}
    monkeypatch.setenv(VARIABLE, "another key of tests")
    second = redacted(book)
    assert not before & {row["user_id"] for row in records(second.table("users"))}
    assert before == {row["user_id"] for row in records(first.table("users").order_by("user_id"))}


def test_many_accounts_stay_apart(tmp_path: Path) -> None:
    """No two of 100,000 ids become one, else joins would mix their customers."""
    accounts: Rows = [{"account_id": f"ACC-{number}"} for number in range(100_000)]
    hidden = redacted(make_book(tmp_path, {"accounts": accounts}))
    assert hidden.table("accounts").account_id.nunique().to_pyarrow().as_py() == 100_000


def test_no_query_and_no_error_shows_the_key(book: Book) -> None:
    """Neither the key nor what HMAC makes of it stands in the SQL, which errors and pages may show."""
    key = os.environ[VARIABLE].encode().ljust(64, b"\0")
    sql = str(book.con.compile(redacted(book).table("users")))
    hidden = [key.rstrip(b"\0").decode(), *(bytes(byte ^ pad for byte in key).hex() for pad in (0x36, 0x5C))]
    assert [text for text in hidden if text in sql] == []
    broken = redacted(book).table("users").mutate(wrong=lambda t: t.user_id.cast("int64"))
    with pytest.raises(duckdb.Error) as error:
        broken.to_pyarrow()
    assert [text for text in hidden if text in str(error.value)] == []


def test_house_sales_stay_without_owner(tmp_path: Path) -> None:
    """Nobody is not somebody: what has no owner gets no pseudonym."""
    hidden = redacted(make_book(tmp_path, {"orders": [{"account_id": "X", "ordered_at": "2026-01-05"}]}))
    (row,) = records(credited_orders(hidden))
    assert (row["owner_id"], row["user_id"]) == (None, None)
    assert row["account_id"].startswith("Account ")


def test_credits_are_the_same_amounts(tmp_path: Path) -> None:
    """Redaction changes names, never numbers: each person is credited with the same as before."""
    deals: list[Row] = [
        {"opportunity_id": f"D{n}", "owner_id": "AB"[n % 2], "amount": n, "is_closed": True} for n in range(6)
    ]
    credits = [{"opportunity_id": "D5", "user_id": key, "share": 0.5} for key in "AC"]
    book = make_book(tmp_path, {"opportunities": deals, "credits": credits})
    sums = [
        sorted(row["sum"] for row in records(table.group_by("user_id").aggregate(sum=table.credited.sum())))
        for table in (credited_deals(book), credited_deals(redacted(book)))
    ]
    assert sums[0] == sums[1] == [2.5, 4.0, 8.5]


def test_findings_of_a_redacted_book_name_no_rows(tmp_path: Path) -> None:
    """A warning counts its rows, and names none of them: their keys are those of the source."""
    goals: Rows = [
        {"owner_id": "Anna Alt", "period_start": "2026-01-01", "period_end": "2026-03-31", "quota_amount": -1}
    ]
    book = make_book(tmp_path, {"users": [{"user_id": "Anna Alt"}], "quotas": goals})
    shown, hidden = (" ".join(str(finding) for finding in check_book(one)) for one in (book, redacted(book)))
    assert "Anna Alt" in shown
    assert "Anna" not in hidden
    assert "have a quota_amount below 0" in hidden or "has a quota_amount below 0" in hidden
