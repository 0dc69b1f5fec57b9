"""Who is judged and what came of it, by hand."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from books import Row, Rows, by, make_book

from models.churn.worlds import DAY, every, orders_book
from salesops.models.churn.gather import gather_accounts, gather_contracts, gather_orders, order_cuts
from salesops.models.churn.units import account_units, contract_units, order_units

CUT = date(2026, 1, 1)


def judged(folder: Path, *days: str, as_of: date = DAY) -> dict[str, object] | None:
    """The unit of a client that ordered on these days, at CUT: horizon 60 days."""
    book = orders_book(folder, {"A": [date.fromisoformat(day) for day in days], "B": [CUT]})
    return by(order_units(book, as_of, [CUT], horizon_days=60), "account_id").get("A")


@pytest.mark.parametrize(
    ("days", "bought"),
    [
        (["2026-01-01"], False),  # the cut itself is known, and is no purchase after it
        (["2026-01-01", "2026-01-02"], True),
        (["2025-12-01", "2026-03-02"], True),  # the last day of the horizon
        (["2025-12-01", "2026-03-03"], False),  # the day after it
        (["2025-01-02"], False),  # the first day of the year before
    ],
)
def test_bought_is_a_purchase_in_the_horizon(tmp_path: Path, days: list[str], bought: bool) -> None:
    """A purchase in (cut, cut + horizon] counts; both ends are exact."""
    unit = judged(tmp_path, *days)
    assert unit is not None
    assert unit["bought"] is bought
    assert unit["due"] == date(2026, 3, 2)


@pytest.mark.parametrize("day", ["2025-01-01", "2026-01-02"])
def test_who_did_not_buy_in_the_year_before_is_not_judged(tmp_path: Path, day: str) -> None:
    """A last purchase more than a year before the cut, or a first one after it, makes no unit."""
    assert judged(tmp_path, day) is None


def test_outcome_waits_for_its_day(tmp_path: Path) -> None:
    """As long as the horizon has not passed there is no outcome, even if the client has ordered again."""
    waiting = judged(tmp_path / "a", "2025-12-31", "2026-02-01", as_of=date(2026, 3, 1))
    assert waiting is not None
    assert waiting["bought"] is None
    passed = judged(tmp_path / "b", "2025-12-31", "2026-02-01", as_of=date(2026, 3, 2))
    assert passed is not None
    assert passed["bought"] is True


def test_labels_of_cuts_do_not_overlap(tmp_path: Path) -> None:
    """Cuts lie a horizon apart, back to a horizon after the first purchase, and never before it."""
    book = orders_book(tmp_path, {"A": [date(2025, 12, 31), DAY]})
    assert order_cuts(book, DAY, 30) == [DAY, date(2026, 3, 1), date(2026, 1, 30)]
    assert order_cuts(book, DAY, 400) == [DAY]


def test_the_label_is_lost_and_not_silent(tmp_path: Path) -> None:
    """At the cut a horizon ago: lost only beyond its own gaps; who has none is not judged."""
    cut = DAY - timedelta(days=90)
    days = {
        "gone": every(20, cut - timedelta(days=300), cut - timedelta(days=20)),
        "slow": every(100, cut - timedelta(days=900), cut),
        "back": [*every(20, cut - timedelta(days=300), cut - timedelta(days=20)), DAY],
        "few": every(20, cut - timedelta(days=60), cut - timedelta(days=20)),
    }
    units = gather_orders(orders_book(tmp_path, days), DAY, horizon_days=90)
    found = units[units.cut == pd.Timestamp(cut)].set_index("account_id").churned
    assert found.drop("few").to_dict() == {"gone": 1, "slow": 0, "back": 0}
    assert pd.isna(found["few"])
    now = units[units.cut == pd.Timestamp(DAY)].set_index("account_id")
    assert now.churned.isna().all()
    assert now.state.to_dict() == {
        "gone": "lost",
        "slow": "in its rhythm",
        "back": "in its rhythm",
        "few": "no rhythm known",
    }
    # a hundred days of silence are reached by nobody who bought ten days ago
    assert now.at_stake.to_dict() == {"gone": True, "slow": True, "back": False, "few": False}


def contract(key: str, start: str, end: str, account: str = "A", **more: object) -> dict[str, object]:
    """A contract with 30 days of notice and an amount of 1,200."""
    row = {"contract_id": key, "account_id": account, "start_date": start, "end_date": end}
    return {**row, "notice_days": 30, "annual_amount": 1200, **more}


def renewals(folder: Path, contracts: Rows, as_of: date = DAY) -> dict[object, dict[str, object]]:
    """The units of these contracts, by key."""
    book = make_book(folder, {"contracts": contracts, "accounts": [{"account_id": "A"}, {"account_id": "B"}]})
    return by(contract_units(book, as_of, horizon_days=90), "contract_id")


def test_a_contract_is_scored_at_its_day_of_action(tmp_path: Path) -> None:
    """The cut is the end less the notice; the label comes after the grace; renewed is as metrics.contracts decides."""
    rows = [
        contract("C1", "2025-01-01", "2025-12-31"),
        contract("C2", "2026-01-01", "2026-12-31"),
        contract("B1", "2025-01-01", "2025-12-31", account="B"),
        contract("B2", "2025-06-01", "2026-12-31", account="B"),
    ]
    units = renewals(tmp_path, rows)
    assert units["C1"]["action_date"] == units["C1"]["cut"] == date(2025, 12, 1)
    assert units["C1"]["due"] == date(2026, 1, 30)
    assert {key: units[key]["churned"] for key in ("C1", "B1")} == {"C1": False, "B1": True}
    assert (units["B1"]["others_run"], units["C1"]["others_run"]) == (True, False)


def test_without_a_term_a_contract_is_never_a_unit(tmp_path: Path) -> None:
    """No end, or an end without length and notice: not up for renewal."""
    rows = [
        contract("C1", "2025-01-01", None),  # type: ignore[arg-type]  # runs on
        contract("C2", "2025-01-01", "2025-12-31", account="B", notice_days=None),
        contract("C3", "2025-01-01", "2026-05-31", account="C"),
    ]
    assert list(renewals(tmp_path, rows)) == ["C3"]


def test_signed_ahead_is_renewed_on_the_last_day_alone(tmp_path: Path) -> None:
    """A contract that begins after the book's last day stands there signed; a day earlier nobody could know it."""
    rows = [contract("C1", "2025-04-01", "2026-03-31"), contract("C2", "2026-04-01", "2027-03-31")]
    sale = {"order_id": "O", "account_id": "A", "ordered_at": "2026-03-31"}
    line = {"order_id": "O", "quantity": 1, "unit_price": 1}
    book = make_book(tmp_path, {"contracts": rows, "orders": [sale], "order_lines": [line]})
    for day, renewed in ((date(2026, 3, 30), False), (date(2026, 3, 31), True)):
        unit = by(contract_units(book, day, horizon_days=90), "contract_id")["C1"]
        assert (unit["renewed"], unit["churned"]) == (renewed, None)


def test_another_client_renews_nothing(tmp_path: Path) -> None:
    """A contract of another client is no renewal."""
    rows = [contract("C1", "2025-01-01", "2025-12-31"), contract("C2", "2026-01-01", "2026-12-31", account="B")]
    assert renewals(tmp_path, rows)["C1"]["churned"] is True


def test_not_yet_due_is_censored(tmp_path: Path) -> None:
    """A contract whose grace has not passed has no label; one beyond the horizon is no unit."""
    rows = [contract("C1", "2025-03-01", "2026-03-01"), contract("C2", "2026-01-01", "2026-12-31", account="B")]
    units = renewals(tmp_path, rows, as_of=date(2026, 3, 30))
    assert units["C1"]["churned"] is None
    assert "C2" not in units


def loose(key: str, start: str, end: str | None, account: str, **more: object) -> Row:
    """A contract without length and notice over 100 a year."""
    row = {"contract_id": key, "account_id": account, "start_date": start, "end_date": end, "annual_amount": 100}
    return {**row, **more}


def accounts(folder: Path, rows: Rows, *cuts: date, as_of: date = DAY) -> dict[object, Row]:
    """The units of accounts at cuts, by account and cut."""
    book = make_book(folder, {"contracts": rows})
    return by(account_units(book, as_of, list(cuts), horizon_days=60), "account_id", "cut")


def test_an_account_without_a_term_is_lost_when_its_last_contract_ends(tmp_path: Path) -> None:
    """(cut, cut + horizon], both ends exact, and nothing follows within the grace; one of several is no loss."""
    last, after = CUT + timedelta(days=60), CUT + timedelta(days=61)
    rows = [
        loose("A1", "2024-01-01", None, "A"),
        loose("B1", "2024-01-01", str(last), "B"),
        loose("C1", "2024-01-01", str(after), "C"),
        loose("D1", "2024-01-01", "2026-01-15", "D"),
        loose("D2", "2024-06-01", None, "D"),
        loose("E1", "2024-01-01", "2026-01-15", "E"),
        loose("E2", "2026-02-14", None, "E"),
        loose("F1", "2024-01-01", str(CUT), "F"),
        loose("G1", "2026-01-02", None, "G"),
    ]
    found = accounts(tmp_path, rows, CUT, as_of=date(2026, 6, 30))
    lost = {key: row["churned"] for (key, _), row in found.items()}
    assert lost == {"A": False, "B": True, "C": False, "D": False, "E": False}
    assert found["D", CUT]["annual_amount"] == 200
    assert found["A", CUT]["due"] == last + timedelta(days=30)


def test_an_end_that_is_known_is_nothing_to_foretell(tmp_path: Path) -> None:
    """From the day of notice on the account is no unit; nor is one with a contract that has a term."""
    rows = [
        loose("A1", "2024-01-01", "2026-01-20", "A", notice_days=30),
        loose("B1", "2024-01-01", "2026-06-20", "B", notice_days=30),
        *[loose(f"R{n}", "2024-01-01", None, f"R{n}", notice_days=30) for n in range(5)],
    ]
    found = accounts(tmp_path, rows, CUT)
    assert "A" not in {key for key, _ in found}
    assert "B" in {key for key, _ in found}
    term = [loose("A1", "2025-06-01", "2026-05-31", "A", contract_term_months=12), loose("A2", "2024-01-01", None, "A")]
    assert accounts(tmp_path / "term", term, CUT) == {}


def test_a_gap_that_is_closed_later_is_a_gap_at_the_cut(tmp_path: Path) -> None:
    """Who has no contract at the cut is no unit then, though one within the grace bridges the gap: it was not known."""
    rows = [loose("A1", "2024-01-01", "2025-12-20", "A"), loose("A2", "2026-01-10", None, "A")]
    assert accounts(tmp_path, rows, CUT) == {}


def test_accounts_are_gathered_with_their_features(tmp_path: Path) -> None:
    """The newest outcome is that of a horizon and the grace ago; contracts that ended are counted."""
    rows = [loose("A1", "2024-01-01", None, "A"), loose("A2", "2024-01-01", "2025-11-30", "A")]
    found = gather_accounts(make_book(tmp_path, {"contracts": rows}), DAY, horizon_days=60)
    now, then = found[found.cut == pd.Timestamp(DAY)].iloc[0], found[found.churned.notna()].iloc[-1]
    assert then.cut == pd.Timestamp(DAY - timedelta(days=90))
    assert (now.contracts_running, now.contracts_ended, now.contracts_signed, now.value) == (1, 1, 2, 100)
    assert pd.isna(now.contract_days_left)


def test_contracts_are_split_by_month_of_renewal(tmp_path: Path) -> None:
    """Slices are quarters of renewal, counted back from the newest outcome."""
    ends = ["2025-05-31", "2025-06-01", "2025-08-31", "2025-09-30"]
    rows = [contract(f"C{n}", "2024-10-01", end, account=f"A{n}") for n, end in enumerate(ends)]
    book = make_book(tmp_path, {"contracts": rows})
    found = gather_contracts(book, DAY, horizon_days=90).slice.to_dict()
    july, april = pd.Timestamp("2025-07-01"), pd.Timestamp("2025-04-01")
    assert found == {"C0": april, "C1": april, "C2": july, "C3": july}
