"""What a playbook may ask about a client: every column once, with its kind, unit and meaning.

The theory is Weitz 1981 and Weitz, Sujan and Sujan 1986: what works depends on the customer's buying task, the
relationship and the seller's resources. The mapping to columns is this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RHYTHM = ("in its rhythm", "overdue", "in its usual pause", "lost", "no rhythm known")
Kind = Literal["number", "text", "flag", "date"]


@dataclass(frozen=True)
class ClientColumn:
    """One column of the client table, a row of which is one client on one day.

    Attributes
    ----------
    name, topic, meaning, unit : str
        `topic` is the question that it answers: who, value, state, need, buying task, relationship, capacity.
    kind : str
        number, text, flag (yes or no) or date. A date can stand in a sentence, not in a condition.
    one_of : tuple of str
        The texts that can occur, where they are fixed.
    low, high : float or None
        Least and largest possible number.
    whole : bool
        Whether the number is a count.
    """

    name: str
    topic: str
    kind: Kind
    meaning: str
    unit: str = ""
    one_of: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    whole: bool = False


def _count(name: str, topic: str, meaning: str, unit: str) -> ClientColumn:
    return ClientColumn(name, topic, "number", meaning, unit, low=0, whole=True)


def _number(name: str, topic: str, meaning: str, unit: str, low: float | None = 0) -> ClientColumn:
    return ClientColumn(name, topic, "number", meaning, unit, low=low)


def _share(name: str, topic: str, meaning: str) -> ClientColumn:
    return ClientColumn(name, topic, "number", meaning, "fraction 0–1", low=0, high=1)


def _text(name: str, topic: str, meaning: str, *one_of: str) -> ClientColumn:
    return ClientColumn(name, topic, "text", meaning, one_of=one_of)


CLIENT_COLUMNS: dict[str, ClientColumn] = {
    column.name: column
    for column in (
        _text("account_id", "who", "Key of the client"),
        _text("account_name", "who", "Name of the client"),
        _text("industry", "who", "Industry"),
        _text("country", "who", "Country"),
        _text("value_band", "value", "Third of the clients by lifetime value, else by total", "high", "middle", "low"),
        _number("lifetime_value", "value", "Expected value, as the model estimates it", "money", None),
        _number("total", "value", "Money spent in all", "money", None),
        _number("monetary", "value", "Money per repeat purchase", "money", None),
        _share("p_active", "state", "Chance to buy in the horizon of the model"),
        ClientColumn("is_client", "state", "flag", "Has ordered, won a deal for an amount, or has a contract"),
        _text("rhythm", "state", "How it stands by its own gaps between purchases", *RHYTHM),
        _number("late_after", "state", "Days of silence beyond which it is overdue: the 80% point of its gaps", "days"),
        _number("lost_after", "state", "Days of silence beyond which it is lost by its own rhythm", "days"),
        _text("segment", "state", "Segment today"),
        _text("segment_before", "state", "Segment at the earlier date"),
        ClientColumn("moved", "state", "flag", "The segment is another one than at the earlier date"),
        _number("days_to_renewal", "state", "Days to the end of the next contract that ends unrenewed", "days"),
        _number("days_to_notice", "state", "Days to its last day for notice; negative when past", "days", None),
        _number("annual_amount", "state", "Value of a year of that contract", "money", None),
        ClientColumn("contract_end", "state", "date", "Last day of that contract"),
        _count("frequency", "need", "Repeat purchases", "purchases"),
        _number("days_since", "need", "Days since the last purchase", "days"),
        ClientColumn("last_purchase", "need", "date", "Day of the last purchase"),
        _number("median_gap", "need", "The client's own median gap between purchases", "days"),
        _number("gap_spread", "need", "Spread of the client's gaps, as metrics.purchases gives it", "days"),
        _number("gaps_since", "need", "Days since the last purchase ÷ own median gap", "own gaps"),
        _number("spread_in_gaps", "need", "Spread of the gaps ÷ own median gap: above 1 is a season", "own gaps"),
        ClientColumn("next_expected", "need", "date", "Last purchase + own median gap"),
        _count("families", "need", "Product families bought", "families"),
        _count("family_gap", "need", "Families that a third of the peers buy and the client does not", "families"),
        _text("next_family", "need", "Of these, the one that most peers buy"),
        _share("next_family_share", "need", "Share of the peers who buy it"),
        _text("stated_need", "need", "Product family of the latest open deal"),
        ClientColumn("open_issue", "need", "flag", "Unhappy answer in 90 days, 6 of 10 or less, no contact since"),
        _number("last_score", "need", "Last answer to a survey", "points"),
        _number("last_top", "need", "Highest score of that survey", "points"),
        ClientColumn("last_answer", "need", "date", "Day of that answer"),
        _text("buying_task", "buying task", "New task, modified or straight rebuy",
              "new task", "modified rebuy", "straight rebuy"),
        _number("tenure_days", "relationship", "Days since the first purchase", "days"),
        _count("contacts", "relationship", "People known at the client", "people"),
        _number("days_since_contact", "relationship", "Days since the last completed activity", "days"),
        _text("owner_id", "capacity", "Key of who looks after the client"),
        _text("owner_name", "capacity", "Who looks after the client"),
        ClientColumn("owner_left", "capacity", "flag", "That person has left"),
        _count("owner_clients", "capacity", "Clients of that person", "clients"),
        _count("owner_overdue", "capacity", "Open activities of that person past their due date", "activities"),
    )
}  # fmt: skip  # reads as a table
