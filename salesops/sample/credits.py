"""Deals and orders that several people share."""

from __future__ import annotations

import numpy as np

from salesops.sample.company import Array, Columns, stream
from salesops.sample.deals import Deals
from salesops.sample.orders import Orders
from salesops.sample.people import Team

SPLITS = ((0.5, 0.5), (0.7, 0.3), (0.6, 0.4), (0.4, 0.35, 0.25))
SHARED_DEALS = 12
SHARED_ORDERS = 2


def credit_table(team: Team, deals: Deals, deal_keys: Array, owner: Array, orders: Orders, seed: int) -> Columns:
    """Return credits: a dozen closed deals and two orders; the owner comes first and has the largest share."""
    rng = stream(seed, team.division, "credits")
    closed = rng.permutation(np.flatnonzero(deals.closed & np.isin(owner, team.plain)))[:SHARED_DEALS]
    own = rng.permutation(np.flatnonzero(np.isin(orders.owner, team.plain) & (orders.deal < 0)))[:SHARED_ORDERS]
    rows: list[tuple[object, object, object, float]] = []
    for place, (deal, order, first) in enumerate(
        [(deal_keys[d], None, owner[d]) for d in np.sort(closed)]
        + [(None, orders.keys[o], orders.owner[o]) for o in np.sort(own)]
    ):
        shares = SPLITS[place % len(SPLITS)]
        start = int(np.flatnonzero(team.plain == first)[0])
        mates = [team.plain[(start + turn) % len(team.plain)] for turn in range(len(shares))]
        rows += [(deal, order, team.keys[mate], share) for mate, share in zip(mates, shares, strict=True)]
    deal_ids, order_ids, users, parts = (np.array(values, dtype=object) for values in zip(*rows, strict=True))
    return {"opportunity_id": deal_ids, "order_id": order_ids, "user_id": users, "share": parts.astype(float)}
