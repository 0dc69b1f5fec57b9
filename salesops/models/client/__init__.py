"""One client's page: the facts, what is expected, and what to do next and why."""

from salesops.models.client.find import find_client
from salesops.models.client.page import ClientPage, client_page
from salesops.models.client.rhythm import Rhythm, rhythm_of
from salesops.models.client.step import NextStep, next_step

__all__ = ["ClientPage", "NextStep", "Rhythm", "client_page", "find_client", "next_step", "rhythm_of"]
