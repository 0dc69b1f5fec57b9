"""Tests of the churn models."""
