"""The tables of a book: every column once, with type, unit, key, meaning and checks.

From this one description come the checks of `salesops check`, the types that `open_book` gives,
the data dictionary in data/README.md and the sample company. What rows must hold together is in `rules`.
"""

from __future__ import annotations

# "as" hands the names on: whoever needs the schema needs them
from salesops.book.columns import Column as Column
from salesops.book.columns import Table as Table
from salesops.book.columns import Type as Type
from salesops.book.columns import date, flag, ident, instant, money, number, text

MEASURES = ("bookings", "orders")
VALUE_FIELDS = ("stage_name", "amount", "close_date", "probability", "forecast_category", "owner_id")
KNOWN_FIELDS = (*VALUE_FIELDS, "is_closed", "is_won", "is_deleted")
METRICS = (
    "booked", "orders", "won_deals", "pipeline_created",
    "activities_completed", "deal_won", "deal_stage", "contact_made",
)  # fmt: skip  # two lines read better than ten

# of survey scores: lowest and highest
SCALES = {"nps_0_10": (0, 10), "csat_1_5": (1, 5), "csat_1_7": (1, 7), "csat_0_100": (0, 100), "ces_1_7": (1, 7)}

_CURRENCY = text("currency", "ISO code of the amounts in this row", unit="ISO 4217", filled=True)

USERS = Table(
    "users", ("user_id",), "People who sell or lead those who sell.",
    (
        ident("user_id", "Key", filled=True),
        text("user_name", "Name as people say it", filled=True, personal=True),
        text("role", "rep sells; manager leads", filled=True, one_of=("rep", "manager")),
        ident("manager_id", "Whom this user reports to, today; empty at the top", "users.user_id"),
        ident("territory_id", "Territory, today", "territories.territory_id", required=False),
        date("hire_date", "First day in the job; empty means always there"),
        date("end_date", "Last day in the job; empty while employed", required=False),
        text("email", "E-mail address", required=False, personal=True),
    ),
    revealed=(("end_date", ()),),
)  # fmt: skip  # tables stay one column a line

TERRITORIES = Table(
    "territories", ("territory_id",), "Areas of responsibility.",
    (
        ident("territory_id", "Key", filled=True),
        text("territory_name", "Name", filled=True),
        money("potential_amount", "What the territory could buy in a year", required=False, low=0),
    ),
)  # fmt: skip

ACCOUNTS = Table(
    "accounts", ("account_id",), "Customers and prospects.",
    (
        ident("account_id", "Key", filled=True),
        text("account_name", "Name", filled=True, personal=True),
        ident("owner_id", "User who looks after the account, today", "users.user_id"),
        ident("parent_id", "Account that owns this one", "accounts.account_id", required=False),
        text("industry", "Industry", required=False),
        number("number_of_employees", "Size", "people", required=False, low=0),
        money("annual_revenue", "Yearly revenue of the customer", required=False),
        text("country", "Country", required=False),
        date("created_date", "Day on which the account was entered", required=False),
    ),
    known_from="created_date",
)  # fmt: skip

CONTACTS = Table(
    "contacts", ("contact_id",), "People at accounts.",
    (
        ident("contact_id", "Key", filled=True),
        ident("account_id", "Account", "accounts.account_id", filled=True),
        text("contact_name", "Name", filled=True, personal=True),
        text("title", "Position", required=False),
        text("email", "E-mail address", required=False, personal=True),
        text("birthday_mmdd", "Month and day, never the year", unit="MM-DD", required=False, personal=True),
        instant("birthday_optin_at", "When the person agreed to be congratulated", required=False),
    ),
)  # fmt: skip

OPPORTUNITIES = Table(
    "opportunities", ("opportunity_id",), "Deals: open, won and lost.",
    (
        ident("opportunity_id", "Key", filled=True),
        ident("account_id", "Account", "accounts.account_id", required=False),
        ident("owner_id", "Owner; stamped when the deal closes", "users.user_id", filled=True),
        ident("product_id", "Product", "products.product_id", required=False),
        text("type", "Kind of deal", required=False, one_of=("new", "expansion", "renewal")),
        text("stage_name", "Stage, today", filled=True),
        money("amount", "Value; may be empty while open"),
        _CURRENCY,
        number("probability", "Chance to win by the CRM", "fraction 0–1", required=False),
        date("created_date", "Day of entry; empty means always known", required=False, happened=True),
        date("close_date", "Closed: the day. Open: the expected day; may be empty"),
        flag("is_closed", "Won or lost", filled=True),
        flag("is_won", "Won", filled=True),
        text("forecast_category", "What the rep commits to", required=False),
        text("lead_source", "Where the lead came from", required=False),
        text("next_step", "What happens next", required=False, personal=True),
        text("lost_reason", "Why it was lost", required=False, personal=True),
        flag("is_deleted", "Deleted in the CRM since; stays for the reports of earlier days", required=False),
    ),
    known_from="created_date",
)  # fmt: skip

OPPORTUNITY_HISTORY = Table(
    "opportunity_history", ("opportunity_id", "field_name", "valid_from"), "What a deal looked like, and when.",
    (
        ident("opportunity_id", "Deal", "opportunities.opportunity_id", filled=True),
        text("field_name", "Column of opportunities that changed", filled=True,
             one_of=KNOWN_FIELDS),
        text("new_value", "Value from then on"),
        instant("valid_from", "When the value became true", filled=True, happened=True),
        instant("valid_to", "When the next value came; not used", required=False),
    ),
    known_from="valid_from",
)  # fmt: skip

ACTIVITIES = Table(
    "activities", ("activity_id",), "What reps do for customers: planned and done.",
    (
        ident("activity_id", "Key", filled=True),
        text("type", "Kind", filled=True, one_of=("call", "email", "meeting", "follow_up", "gift")),
        ident("owner_id", "Who does it", "users.user_id", filled=True),
        ident("account_id", "For which account", "accounts.account_id", required=False),
        ident("contact_id", "With whom", "contacts.contact_id", required=False),
        ident("opportunity_id", "For which deal", "opportunities.opportunity_id", required=False),
        ident("order_id", "After which order", "orders.order_id", required=False),
        date("due_date", "Day by which it is to be done"),
        instant("completed_at", "When it was done; empty while open", required=False, happened=True),
        text("subject", "What it is about", required=False, personal=True),
        text("outcome", "What came of it", required=False, personal=True),
        date("created_date", "Day of entry; empty means always known", required=False),
    ),
    known_from="created_date",
    revealed=(("completed_at", ("outcome",)),),
)  # fmt: skip

PRODUCTS = Table(
    "products", ("product_id",), "What is sold.",
    (
        ident("product_id", "Key", filled=True),
        text("product_name", "Name", filled=True),
        text("family", "Product family", filled=True),
        money("list_price", "Price before discounts"),
        money("unit_cost", "What one unit costs us", required=False),
    ),
)  # fmt: skip

ORDERS = Table(
    "orders", ("order_id",), "What customers ordered.",
    (
        ident("order_id", "Key", filled=True),
        ident("account_id", "Customer", "accounts.account_id", filled=True),
        ident("owner_id", "Rep; empty means house sale", "users.user_id", required=False),
        ident("opportunity_id", "Deal it came from", "opportunities.opportunity_id", required=False),
        ident("contract_id", "Contract it falls under", "contracts.contract_id", required=False),
        instant("ordered_at", "When it was ordered", filled=True, happened=True),
        _CURRENCY,
        text("status", "Status, today; cancelled, void, refunded, rejected, unavailable and draft orders count nowhere",
             required=False),
    ),
    known_from="ordered_at",
)  # fmt: skip

ORDER_LINES = Table(
    "order_lines", ("order_line_id",), "Lines of orders.",
    (
        ident("order_line_id", "Key", filled=True),
        ident("order_id", "Order", "orders.order_id", filled=True),
        ident("product_id", "Product", "products.product_id", filled=True),
        number("quantity", "How many; negative for a return", "units"),
        money("unit_price", "Price of one before discount"),
        number("discount", "Discount", "fraction 0–1", required=False),
        money("net_amount", "Value; where empty, quantity × unit_price × (1 − discount)", required=False),
        date("promised_date", "Day promised to the customer", required=False),
        text("status", "Status, today; voids a line as it does an order", required=False),
    ),
)  # fmt: skip

DELIVERIES = Table(
    "deliveries", ("delivery_id",), "What was delivered.",
    (
        ident("delivery_id", "Key", filled=True),
        ident("order_line_id", "Order line", "order_lines.order_line_id", filled=True),
        date("delivered_date", "Day of delivery", filled=True, happened=True),
        number("quantity_delivered", "How many came", "units", low=0),
        number("quantity_rejected", "How many the customer rejected", "units", low=0),
    ),
    known_from="delivered_date",
)  # fmt: skip

CONTRACTS = Table(
    "contracts", ("contract_id",), "Agreements that run for a time.",
    (
        ident("contract_id", "Key", filled=True),
        ident("account_id", "Customer", "accounts.account_id", filled=True),
        ident("owner_id", "Rep", "users.user_id"),
        text("status", "Status, today; a draft, rejected or void contract, and one in approval, never began"),
        date("start_date", "First day"),
        date("end_date", "Last day; empty runs on"),
        number("contract_term_months", "Length", "months", low=0),
        number("notice_days", "Notice before the end", "days", low=0),
        money("annual_amount", "Value of a year"),
        _CURRENCY,
        ident("renewed_by_contract_id", "Contract that renews this one", "contracts.contract_id"),
        date("signed_date", "Day of the agreement; empty means always known", required=False),
    ),
    known_from="signed_date",
)  # fmt: skip

CONTRACT_TERMS = Table(
    "contract_terms", ("contract_id", "term_type", "product_id"), "What a contract promises.",
    (
        ident("contract_id", "Contract", "contracts.contract_id", filled=True),
        text("term_type", "What is promised", filled=True, one_of=("quality", "price", "logistics")),
        ident("product_id", "Product; empty means all", "products.product_id"),
        number("agreed_value", "Promised value", "see unit"),
        text("unit", "Unit of the promised value"),
        number("tolerance", "Allowed deviation", "see unit", required=False),
    ),
)  # fmt: skip

QUOTAS = Table(
    "quotas", ("owner_id", "period_start", "period_end", "measure", "is_rollup", "version"),
    "Goals agreed between a rep and a manager.",
    (
        ident("owner_id", "Whose goal", "users.user_id", filled=True),
        date("period_start", "First day", filled=True),
        date("period_end", "Last day", filled=True),
        text("measure", "What counts: bookings (won deals) or orders", filled=True, one_of=MEASURES),
        money("quota_amount", "Goal", filled=True, low=0),
        _CURRENCY,
        flag("is_rollup", "A manager's sum of the team's quotas; never added to its members", required=False),
        flag("ramp_applied", "The amount already allows for ramp", required=False),
        date("agreed_at", "Day of the agreement", required=False),
        ident("agreed_with", "Who agreed", "users.user_id", required=False),
        text("version", "Version of the plan; the one agreed last counts, on one day the last in the alphabet",
             required=False),
    ),
)  # fmt: skip

TRAININGS = Table(
    "trainings", ("training_id",), "Trainings offered.",
    (
        ident("training_id", "Key", filled=True),
        text("training_name", "Name", filled=True),
        text("skill", "Skill that it trains", filled=True,
             one_of=("lead_generation", "persuasion", "closing", "positioning")),
        text("target_metric", "The one conversion that it should move"),
    ),
)  # fmt: skip

TRAINING_ATTENDANCE = Table(
    "training_attendance", ("training_id", "user_id"), "Who attended.",
    (
        ident("training_id", "Training", "trainings.training_id", filled=True),
        ident("user_id", "Who", "users.user_id", filled=True),
        instant("completed_at", "When it was completed", happened=True),
        number("score", "Result", "points", required=False),
        text("assignment_reason", "Why this person", required=False,
             one_of=("random", "manager", "volunteer", "cohort")),
    ),
    known_from="completed_at",
)  # fmt: skip

SURVEY_RESPONSES = Table(
    "survey_responses", ("survey_id",), "What customers say.",
    (
        ident("survey_id", "Key", filled=True),
        ident("account_id", "Customer", "accounts.account_id", filled=True),
        ident("order_id", "About which order", "orders.order_id", required=False),
        ident("contact_id", "Who was asked", "contacts.contact_id", required=False),
        instant("sent_at", "When it was sent", happened=True),
        instant("responded_at", "When the answer came; empty without one", required=False, happened=True),
        number("score", "Answer", "on its scale"),
        text("scale", "Scale of the score; empty means that of book.toml, else nps_0_10", required=False,
             one_of=tuple(SCALES)),
        text("comment", "In the customer's words", required=False, personal=True),
    ),
    known_from="sent_at",
    revealed=(("responded_at", ("score", "comment")),),
)  # fmt: skip

COMMITMENTS = Table(
    "commitments", ("commitment_id",), "What a person promised another, to be judged when due.",
    (
        ident("commitment_id", "Key", filled=True),
        ident("owner_id", "Who promised", "users.user_id", filled=True),
        ident("agreed_with", "To whom", "users.user_id", filled=True),
        instant("agreed_at", "When it was agreed", filled=True, happened=True),
        text("metric", f"What is measured: {', '.join(METRICS)}; any other needs evidence", filled=True),
        text("operator", "How it is compared; empty means >=", required=False, one_of=(">=", "<=")),
        text("target", "A number; for deal_stage the name of a stage"),
        ident("subject_id", "Deal, account, contact or order that it is about", required=False),
        date("original_due_date", "Day first agreed; never changes", filled=True),
        date("due_date", "Day now agreed"),
        ident("evidence_id", "What proves it, where no metric does", required=False),
        instant("withdrawn_at", "When it was withdrawn", required=False),
        text("cause", "Why it was missed or withdrawn", required=False, personal=True),
    ),
    known_from="agreed_at",
    revealed=(("withdrawn_at", ("cause",)),),
)  # fmt: skip

USER_HISTORY = Table(
    "user_history", ("user_id", "valid_from"), "Whom a user reported to, and when.",
    (
        ident("user_id", "User", "users.user_id", filled=True),
        date("valid_from", "First day", filled=True),
        ident("manager_id", "Manager from then on", "users.user_id"),
        ident("territory_id", "Territory from then on", "territories.territory_id", required=False),
        date("valid_to", "Last day; not used", required=False),
    ),
    known_from="valid_from",
)  # fmt: skip

FX_RATES = Table(
    "fx_rates", ("currency", "date"), "Rates to the book's currency.",
    (
        text("currency", "ISO code", unit="ISO 4217", filled=True),
        date("date", "Day from which the rate holds, until the next", filled=True),
        number("rate", "Worth of one unit in the book's currency", "book currency per unit", filled=True),
    ),
    known_from="date",
)  # fmt: skip

CREDITS = Table(
    "credits", ("opportunity_id", "order_id", "user_id"), "Who gets which share of a deal or order.",
    (
        ident("opportunity_id", "Deal; empty for an order", "opportunities.opportunity_id"),
        ident("order_id", "Order; empty for a deal", "orders.order_id", required=False),
        ident("user_id", "Who", "users.user_id", filled=True),
        number("share", "Share", "fraction 0–1", filled=True, low=0, high=1),
    ),
)  # fmt: skip

SCHEMA: dict[str, Table] = {
    table.name: table
    for table in (
        USERS, TERRITORIES, ACCOUNTS, CONTACTS, PRODUCTS, OPPORTUNITIES, OPPORTUNITY_HISTORY, ACTIVITIES, CONTRACTS,
        CONTRACT_TERMS, ORDERS, ORDER_LINES, DELIVERIES, QUOTAS, CREDITS, TRAININGS, TRAINING_ATTENDANCE,
        SURVEY_RESPONSES, COMMITMENTS, USER_HISTORY, FX_RATES,
    )
}  # fmt: skip
