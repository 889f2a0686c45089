"""The reference of books, policies and errors, written from the code that reads and raises them.

    python -m docs.reference        from the root of the checkout: writes every page anew

`tests/docs/test_reference.py` holds the committed pages to what is written here.
"""
