"""The follow-up notebook: what is found, how it is shown, and what it says."""
