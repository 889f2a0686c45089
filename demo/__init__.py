"""The demo book: a real multi-asset book of 36 accounts on one real day, shipped as a data package.

``book_path()`` is a folder in the format of every trimtab book, ``policy_path()`` a mandate to run it under, ``ON`` the
day of the book. What is real in it and what is assumed stands in ``SOURCES.toml``, beside the files.
"""

from importlib.resources import files
from pathlib import Path

ON = "2017-02-28"


def book_path() -> Path:
    """Return the folder that holds the tables of the demo book."""
    return Path(str(files(__name__) / "book"))


def policy_path() -> Path:
    """Return the mandate that the demo book is run under."""
    return Path(str(files(__name__) / "policy.toml"))
