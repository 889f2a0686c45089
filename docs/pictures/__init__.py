"""The pictures of `docs/limits` and `docs/concepts`: small examples that trimtab computes, drawn as plain SVG.

    python -m docs.pictures        from the root of the checkout: draws every picture anew

`tests/docs/test_pictures.py` holds the committed files to what is drawn here.
"""
