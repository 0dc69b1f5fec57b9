"""The segments notebook: what is found, and how it is shown."""
