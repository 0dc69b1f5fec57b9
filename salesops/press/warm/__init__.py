"""Reports from a warm parent: everything is imported once, and each report is a fork of that process.

`parent` is the process that imports and forks, `kernel` what runs a notebook in a fork, without sockets,
`preload` what there is to import, and `engine` the press's hold on the parent.
"""
