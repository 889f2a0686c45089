"""`python -m docs.pictures`: draw every picture anew."""

from .drawing import write_all

write_all()
