"""What becomes of open deals: the chance to win each, and when, learned from the book's own closed deals."""

from salesops.models.deals.backtest import DealBacktest, backtest_deals
from salesops.models.deals.chances import DealChances, deal_chances

__all__ = ["DealBacktest", "DealChances", "backtest_deals", "deal_chances"]
