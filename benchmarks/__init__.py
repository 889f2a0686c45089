"""What trimtab measures of itself, and how: ``python3 run.py bench`` prints each figure beside its promise."""
