"""Lifetime value: models of repeat purchases, of spend and of contract renewals."""
