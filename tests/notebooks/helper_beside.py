"""A module beside a notebook, which the notebook finds and other reports do not."""

NAME = "beside"
