"""The dictionary of features: what each means, its unit, and the sentence that gives it as a reason.

In a sentence {v} is the client's own value and {n} the median of all that are scored beside it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One feature.

    `topic`: features of one topic are one reason, given by the one that weighs most. `digits`: decimals in a
    sentence; `percent` shows a fraction as percent. `norm`: the feature whose median is {n}, if another. `bad`: 1 if
    more of it goes with leaving, −1 if less does; 0: it says how a client buys, and is no reason to leave.
    """

    name: str
    topic: str
    unit: str
    meaning: str
    says: str
    digits: int = 0
    percent: bool = False
    norm: str = ""
    bad: int = 0


LIKE = "others"

FEATURES: dict[str, Feature] = {
    feature.name: feature
    for feature in (
        Feature(
            "hiatus_days", "silence", "days", "Days since the last order",
            f"Last order {{v}} days ago; {LIKE} order every {{n}} days.", norm="median_gap", bad=1,
        ),
        Feature(
            "hiatus_ratio", "silence", "times", "Days since the last order ÷ the 95% point of the client's own gaps",
            f"Silent for {{v}} times as long as 19 of 20 of its gaps; {LIKE} for {{n}} times.", digits=1, bad=1,
        ),
        Feature(
            "record_ratio", "silence", "times",
            "Days since the last order ÷ the longest gap so far, from 8 orders on",
            f"Silent for {{v}} times its longest gap so far; {LIKE} for {{n}} times.", digits=1, bad=1,
        ),
        Feature(
            "median_gap", "rhythm", "days", "The client's own median gap between orders",
            f"Orders every {{v}} days; {LIKE} every {{n}} days.",
        ),
        Feature(
            "gap_95", "rhythm", "days", "The 95% point of the client's own gaps between orders",
            f"19 of 20 of its gaps are within {{v}} days; {LIKE}: {{n}} days.",
        ),
        Feature(
            "longest_gap", "rhythm", "days", "The longest gap between orders so far",
            f"Its longest gap between orders was {{v}} days; {LIKE}: {{n}} days.",
        ),
        Feature(
            "unevenness", "rhythm", "times", "The longest gap between orders ÷ the usual one",
            f"Its longest gap was {{v}} times its usual one; {LIKE}: {{n}} times.", digits=1,
        ),
        Feature(
            "growth", "rhythm", "logarithm a gap", "How fast the gaps grow from one to the next; 0 where not sure",
            f"Its gaps grow by {{v}} on the logarithm from one to the next; {LIKE}: {{n}}.", digits=2, bad=1,
        ),
        Feature(
            "season_orders", "season", "orders", "Orders in the same stretch of last year",
            f"{{v}} orders in the same stretch of last year; {LIKE}: {{n}}.",
        ),
        Feature(
            "in_pause", "season", "0 or 1",
            "Whether the client pauses as usual: silent for no longer than its longest pause, and pausing a year ago "
            "too; in its first year, for no longer than is usual for its kind at the season",
            "Makes its usual pause at this time of the year: {v}; others: {n}.",
        ),
        Feature("tenure_days", "history", "days", "Days since the first order",
                f"First order {{v}} days ago; {LIKE}: {{n}} days."),
        Feature("orders", "history", "orders", "Days with an order so far",
                f"{{v}} orders so far; {LIKE}: {{n}}.", bad=-1),
        Feature("orders_last_year", "history", "orders", "Days with an order in the last 365 days",
                f"{{v}} orders in the last 365 days; {LIKE}: {{n}}.", bad=-1),
        Feature("sales", "money", "money", "Net sales so far", f"Bought for {{v}} so far; {LIKE} for {{n}}."),
        Feature("sales_last_year", "money", "money", "Net sales of the last 365 days",
                f"Bought for {{v}} in the last 365 days; {LIKE} for {{n}}."),
        Feature("order_value", "money", "money", "Money per order", f"An order is worth {{v}}; {LIKE}: {{n}}."),
        Feature("orders_recent", "trend", "orders", "Days with an order in the last 90 days",
                f"{{v}} orders in the last 90 days; {LIKE}: {{n}}.", bad=-1),
        Feature("sales_recent", "trend", "money", "Net sales of the last 90 days",
                f"Bought for {{v}} in the last 90 days; {LIKE} for {{n}}.", bad=-1),
        Feature(
            "order_trend", "trend", "fraction", "Orders in the last 90 days against the client's own pace before, − 1",
            f"Orders in the last 90 days {{v}} against its own pace before; {LIKE}: {{n}}.", percent=True, bad=-1,
        ),
        Feature("families", "range", "families", "Product families bought in the last 365 days",
                f"Bought {{v}} product families in the last 365 days; {LIKE}: {{n}}.", bad=-1),
        Feature("families_before", "range", "families", "Product families bought so far",
                f"Bought {{v}} product families so far; {LIKE}: {{n}}."),
        Feature("returned", "returns", "money", "Returned so far",
                f"Returned goods for {{v}}; {LIKE} for {{n}}.", bad=1),
        Feature("returns_share", "returns", "fraction", "Returned ÷ bought, in money",
                f"Returned {{v}} of what it bought; {LIKE}: {{n}}.", percent=True, bad=1),
        Feature(
            "price_change", "price", "fraction",
            "What was paid in the 180 days up to the last order ÷ the same goods at the client's prices before, − 1",
            f"Paid {{v}} against its prices before; {LIKE}: {{n}}.", digits=1, percent=True, bad=1,
        ),
        Feature(
            "late_share", "deliveries", "fraction",
            "Order lines not delivered on time and in full ÷ due, since 180 days before the last order",
            f"{{v}} of the lines due since 180 days before its last order came late or short; {LIKE}: {{n}}.",
            percent=True, bad=1,
        ),
        Feature(
            "lowest_score", "satisfaction", "0–10 in proportion",
            "Lowest survey score since 180 days before the last order",
            f"Lowest survey score {{v}} of 10 since 180 days before its last order; {LIKE}: {{n}}.", bad=-1,
        ),
        Feature("talks", "contact", "contacts", "Calls, e-mails, meetings and follow-ups done in the last 90 days",
                f"{{v}} contacts in the last 90 days; {LIKE}: {{n}}.", bad=-1),
        Feature(
            "talk_silence_days", "contact", "days", "Days since the last contact",
            f"Last contact {{v}} days ago; {LIKE}: {{n}} days.", bad=1,
        ),
        Feature("sellers", "owner", "people", "People who sold to the client in the last 365 days",
                f"{{v}} people sold to it in the last 365 days; {LIKE}: {{n}}.", bad=1),
        Feature("seller_left", "owner", "0 or 1", "Whether one of those who sold to it in the last 365 days has left",
                "Who sold to it has left the company: {v}; others: {n}.", bad=1),
        Feature("open_deals", "deals", "deals", "Open opportunities",
                f"{{v}} open opportunities; {LIKE}: {{n}}.", bad=-1),
        Feature("deals_won", "deals", "deals", "Opportunities won in the last 90 days",
                f"{{v}} opportunities won in the last 90 days; {LIKE}: {{n}}.", bad=-1),
        Feature("deals_lost", "deals", "deals", "Opportunities lost in the last 90 days",
                f"{{v}} opportunities lost in the last 90 days; {LIKE}: {{n}}.", bad=1),
        Feature("under_contract", "contract", "0 or 1", "Whether a contract runs",
                "A contract runs: {v}; others: {n}.", bad=-1),
        Feature("contracts_running", "contract", "contracts", "Contracts that run",
                f"{{v}} contracts run; {LIKE}: {{n}}.", bad=-1),
        Feature("contracts_signed", "contract", "contracts", "Contracts begun so far",
                f"{{v}} contracts so far; {LIKE}: {{n}}.", bad=-1),
        Feature("contracts_ended", "contract", "contracts", "Contracts that ended in the last 365 days",
                f"{{v}} contracts ended in the last 365 days; {LIKE}: {{n}}.", bad=1),
        Feature("newest_contract_days", "contract", "days", "Days since the newest contract began",
                f"Its newest contract began {{v}} days ago; {LIKE}: {{n}} days."),
        Feature(
            "contract_days_left", "contract", "days", "Days until the last running contract ends, as far as known",
            f"Its contract ends in {{v}} days; {LIKE}: {{n}} days.", bad=-1,
        ),
        Feature("annual_amount", "agreement", "money", "Annual amount of the contract",
                f"The contract is worth {{v}} a year; {LIKE}: {{n}}."),
        Feature("notice_days", "agreement", "days", "Notice before the end of the contract",
                f"Notice is {{v}} days; {LIKE}: {{n}} days."),
        Feature("fulfilment", "agreement", "fraction", "Net sales of the last 365 days ÷ annual amount",
                f"Bought {{v}} of the annual amount; {LIKE}: {{n}}.", percent=True, bad=-1),
    )
}  # fmt: skip  # one feature is one paragraph

YES_NO = ("in_pause", "seller_left", "under_contract")
