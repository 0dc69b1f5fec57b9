"""The client notebook: what is found of one client, and how it is shown."""
