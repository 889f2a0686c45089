"""The pictures of `docs/limits`: small examples that trimtab computes, drawn as plain SVG.

    python -m docs.pictures        from the root of the checkout: draws every picture anew

`tests/constraints/test_limit_pictures.py` holds the committed files to what is drawn here.
"""
