"""Tests of the lifetime models."""
