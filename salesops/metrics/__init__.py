"""Facts about a book: tables in, one documented table out. No metric imports another."""
