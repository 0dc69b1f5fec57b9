"""An invented company whose book can be written as it stood on any day: every row and value has the day it came."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from books import Row, Rows, make_book

from salesops.book.source import Book

FIRST = date(2024, 1, 1)
STAGES = ("Lead", "Demo", "Offer")
REPS = tuple(f"U{n}" for n in range(8))
DAYS = 820


@dataclass
class Company:
    """Its life, drawn from a seed: what is appended stands with its day, what changes of a deal with its moment."""

    seed: int
    rows: dict[str, list[tuple[int, Row]]] = field(default_factory=dict)
    deals: dict[str, list[tuple[int, int, Row]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Draw everything that ever happens."""
        self.rng = np.random.default_rng(self.seed)
        self._people()
        for number in range(40):
            self._account(f"A{number:02}")
        for number in range(320):
            self._deal(f"D{number:03}")
        self._promises()

    def book_on(self, folder: Path, day: int) -> Book:
        """Write the book as it stood at the end of a day (counted from FIRST), and open it."""
        tables: dict[str, Rows] = {
            name: [row for since, row in rows if since <= day] for name, rows in self.rows.items()
        }
        tables["users"] = [_until(row, "end_date", day) for row in tables["users"]]
        tables["activities"] = [_until(row, "completed_at", day) for row in tables["activities"]]
        tables["survey_responses"] = [_until(row, "responded_at", day, "score") for row in tables["survey_responses"]]
        tables["opportunities"], tables["opportunity_history"] = [], []
        for key, changes in self.deals.items():
            past = [change for change in changes if change[0] <= day]
            if past:
                row: Row = {"opportunity_id": key}
                for when, nth, change in past:
                    row |= change
                    tables["opportunity_history"] += [
                        {"opportunity_id": key, "field_name": name, "new_value": None if value is None else str(value),
                         "valid_from": _moment(when, nth)}
                        for name, value in change.items() if name not in ("account_id", "created_date", "type")
                    ]  # fmt: skip  # a row a field
                tables["opportunities"].append(row)
        return make_book(folder, tables, company="Lived on", stage_order=list(STAGES))

    def _add(self, table: str, since: int, **row: Any) -> None:
        self.rows.setdefault(table, []).append((since, row))

    def _people(self) -> None:
        for name in ("M1", "M2"):
            self._add("users", 0, user_id=name, role="manager", hire_date=FIRST)
        for nth, rep in enumerate(REPS):
            left = FIRST + timedelta(days=640) if nth == 3 else None
            manager = "M1" if nth % 2 else "M2"
            self._add("users", 0, user_id=rep, manager_id=manager, hire_date=FIRST, end_date=left)
            for quarter in range(12):
                first = date(2024 + quarter // 4, 1 + 3 * (quarter % 4), 1)
                last = date(first.year + (first.month == 10), (first.month + 2) % 12 + 1, 1) - timedelta(days=1)
                agreed = first - timedelta(days=20)
                self._add(
                    "quotas", (agreed - FIRST).days, owner_id=rep, period_start=first, period_end=last,
                    quota_amount=40_000 + 1_000 * nth, agreed_at=agreed, measure="bookings",
                )  # fmt: skip  # one row
        for number, family in enumerate(("Pumps", "Valves", "Seals", "Tools")):
            self._add("products", 0, product_id=f"P{number}", family=family, list_price=100 + 10 * number, unit_cost=60)

    def _account(self, key: str) -> None:
        since, rhythm = int(self.rng.integers(0, 200)), int(self.rng.integers(8, 60))
        owner = str(self.rng.choice(REPS))
        created = FIRST + timedelta(days=since)
        self._add("accounts", since, account_id=key, owner_id=owner, created_date=created, industry=f"I{rhythm % 3}")
        self._add("contacts", 0, contact_id=f"{key}-1", account_id=key)
        day, stops = since + 5, int(self.rng.integers(300, 1400))
        while day < min(DAYS, stops):
            self._order(key, owner, day)
            day += max(1, int(self.rng.gamma(4, rhythm / 4)))
        if rhythm % 2:
            self._add(
                "contracts", since, contract_id=f"C{key}", account_id=key, owner_id=owner, status="active",
                start_date=created, end_date=created + timedelta(days=364 * (1 + rhythm % 3)),
                contract_term_months=12 * (1 + rhythm % 3), notice_days=60, annual_amount=rhythm * 1000,
            )  # fmt: skip  # one row

    def _order(self, account: str, owner: str, day: int) -> None:
        order = f"{account}-{day:03}"
        status = "cancelled" if self.rng.random() < 0.03 else "done"
        self._add(
            "orders", day, order_id=order, account_id=account, owner_id=owner, ordered_at=_moment(day, 0), status=status
        )
        for number in self.rng.choice(4, size=int(self.rng.integers(1, 3)), replace=False):
            line, took = f"{order}-{number}", int(self.rng.integers(2, 15))
            quantity = int(self.rng.integers(1, 30))
            promised = FIRST + timedelta(days=day + 10)
            self._add(
                "order_lines", day, order_line_id=line, order_id=order, product_id=f"P{number}", quantity=quantity,
                unit_price=100.0 + 10 * number, promised_date=promised,
            )  # fmt: skip  # one row
            self._add(
                "deliveries", day + took, delivery_id=line, order_line_id=line, quantity_delivered=quantity,
                delivered_date=FIRST + timedelta(days=day + took),
            )  # fmt: skip  # one row
        if self.rng.random() < 0.3:
            answered = _moment(day + 16 + int(self.rng.integers(0, 20)), 3)
            self._add(
                "survey_responses", day + 15, survey_id=order, account_id=account, order_id=order,
                sent_at=_moment(day + 15, 3), responded_at=answered, score=int(self.rng.integers(3, 11)),
            )  # fmt: skip  # one row
        done = _moment(day + int(self.rng.integers(5, 40)), 4)
        self._add(
            "activities", day, activity_id=order, type="call", owner_id=owner, account_id=account, order_id=order,
            due_date=FIRST + timedelta(days=day + 20), completed_at=done,
            created_date=FIRST + timedelta(days=day),
        )  # fmt: skip  # one row

    def _deal(self, key: str) -> None:
        """Enter a deal, move it, close it; and do what is not foreseen: reopen, cancel, hand over, delete."""
        created = int(self.rng.integers(0, DAYS - 10))
        start: Row = {
            "account_id": f"A{self.rng.integers(0, 40):02}", "owner_id": str(self.rng.choice(REPS)),
            "stage_name": "Lead", "amount": float(self.rng.integers(1, 40) * 500),
            "created_date": FIRST + timedelta(days=created),
            "close_date": FIRST + timedelta(days=created + 60), "is_closed": False, "is_won": False,
            "is_deleted": False, "probability": 0.2, "type": "new",
        }  # fmt: skip  # one row
        changes = [(created, 0, start)]
        day, nth = created, 0
        for stage in STAGES[1:]:
            day, nth = day + int(self.rng.integers(3, 25)), nth + 1
            changes.append((day, nth, {"stage_name": stage, "probability": 0.1 + 0.2 * nth}))
            if self.rng.random() < 0.3:
                changes.append((day, nth + 10, {"close_date": FIRST + timedelta(days=day + 50)}))
            if self.rng.random() < 0.2:
                changes.append((day, nth + 20, {"amount": float(self.rng.integers(1, 40) * 500)}))
            if self.rng.random() < 0.1:
                changes.append((day, nth + 30, {"owner_id": str(self.rng.choice(REPS))}))
        won = bool(self.rng.random() < 0.45)
        day += int(self.rng.integers(3, 40))
        changes.append((day, 40, _closing(day, won, late=int(self.rng.random() < 0.1) * 6)))
        fate, later = self.rng.random(), day + int(self.rng.integers(5, 90))
        if fate < 0.08:
            due = FIRST + timedelta(days=later + 40)
            changes.append((later, 50, {"is_closed": False, "is_won": False, "stage_name": "Offer", "close_date": due}))
            changes.append((later + 30, 51, _closing(later + 30, True)))
        elif fate < 0.14:
            changes.append((later, 50, _closing(day, not won)))
        elif fate < 0.2:
            changes.append((later, 50, {"is_deleted": True}))
        elif fate < 0.3:
            changes.append((later, 50, {"owner_id": str(self.rng.choice(REPS))}))
        self.deals[key] = sorted(changes, key=lambda change: change[:2])

    def _promises(self) -> None:
        for number in range(60):
            agreed, metric = int(self.rng.integers(100, DAYS)), ("booked", "won_deals", "orders")[number % 3]
            due = FIRST + timedelta(days=agreed + 30)
            self._add(
                "commitments", agreed, commitment_id=f"CM{number}", owner_id=str(self.rng.choice(REPS)),
                agreed_with="M1", agreed_at=_moment(agreed, 5), metric=metric,
                target="2" if metric == "won_deals" else "9000", original_due_date=due, due_date=due,
            )  # fmt: skip  # one row


def _closing(day: int, won: bool, late: int = 0) -> Row:
    """Close a deal; entered `late` days after the date that it bears."""
    when = FIRST + timedelta(days=day - late)
    return {"is_closed": True, "is_won": won, "close_date": when, "stage_name": "Signed" if won else "Gone"}


def _moment(day: int, nth: int) -> datetime:
    return datetime(2024, 1, 1, 9) + timedelta(days=day, minutes=nth)


def _until(row: Row, name: str, day: int, *more: str) -> Row:
    """Return a row as it was before something that came after a day."""
    when = row.get(name)
    if when is None or (when if isinstance(when, datetime) else datetime.combine(when, datetime.min.time())).date() <= (
        FIRST + timedelta(days=day)
    ):
        return row
    return row | dict.fromkeys((name, *more))
