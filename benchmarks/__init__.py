"""What trimtab measures of itself, and how: ``python3 run.py bench`` prints every figure with what it is compared to."""
