"""The contracts notebook: what is found, how it is shown, and what it says."""
