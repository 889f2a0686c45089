"""What several commands are given: books, policies, days, folders."""

from __future__ import annotations

from pathlib import Path

import click


class _Day(click.ParamType):
    name = "date"

    def convert(self, value, param, ctx):
        """Read an ISO date; nothing ambiguous."""
        from ..units import day

        try:
            return day(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


DAY = _Day()
BOOK = click.Path(exists=True, file_okay=False, path_type=Path)
POLICY = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
