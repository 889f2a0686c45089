"""`python -m docs.reference`: write every page anew."""

from .pages import write_all

write_all()
