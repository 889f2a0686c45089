"""Mutation testing: the code is broken on purpose, one place at a time, and the tests have to notice.

``python -m benchmarks mutants [TARGET ...]`` copies the checkout into ``.dev/mutants``, lets cosmic-ray (in an
environment of its own, from the hashed ``requirements.txt`` beside this file) write broken versions of a target's
modules, and runs on each of them those tests that reach the broken line. ``python -m benchmarks coverage [TARGET ...]``
says which lines and branches of the same modules the same tests never take.
"""
