"""Tests of the playbook."""
