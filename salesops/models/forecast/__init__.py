"""Where a period will end: what is closed, what open deals may bring, and what is not yet created."""

from salesops.models.forecast.backtest import ForecastBacktest, backtest_forecast
from salesops.models.forecast.outlook import Forecast, forecast

__all__ = ["Forecast", "ForecastBacktest", "backtest_forecast", "forecast"]
