"""Estimates from a book's facts, each with its interval and its backtest."""
