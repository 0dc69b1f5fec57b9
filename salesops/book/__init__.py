"""A company's tables: opened, checked, as known on a date, imported, or made up."""
