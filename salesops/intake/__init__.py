"""Bringing a company's export into a book, by a map from its columns to the book's."""

from salesops.intake.mapfile import shipped_maps
from salesops.intake.report import Intake, TableResult
from salesops.intake.run import import_book

__all__ = ["Intake", "TableResult", "import_book", "shipped_maps"]
