"""Text of users on its way into a page: shown as it is, and never obeyed.

A name may be ``</script><script>alert(1)</script>``, may turn the rest of a line round (U+202E) or may be a link in the
little markup that plotly draws. Jinja escapes what goes into HTML; here is what it does not know about.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What changes the direction of the text around it."""
_SHOWN = frozenset("\n\t")
_LESS = re.compile(r"<(?!br>|extra></extra>|/extra>)")
"""The `<` of anything but what our own figures write: a line break, and plotly's sign for an empty second box."""
_INERT = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def visible(text: str) -> str:
    r"""Return text with what a browser might obey, or cannot show, written out.

    Control characters, halves of surrogate pairs and the signs that turn the direction of a line; letters of every
    script stay as they are.

    >>> visible("SPY\u202e007\x00")
    'SPY\\u202e007\\x00'
    """
    return "".join(c.encode("unicode_escape").decode() if _is_hidden(c) else c for c in text)


def _is_hidden(char: str) -> bool:
    return (char in _TURNS or unicodedata.category(char) in ("Cc", "Cs")) and char not in _SHOWN


def harmless(text: str) -> str:
    """Return text that plotly draws letter by letter: its markup would make links, sizes and styles of a name.

    Figures that escape their names themselves, for a notebook, stay as they are.

    >>> harmless('<a href="https://x">R&D</a>')
    '&lt;a href="https://x">R&D&lt;/a>'
    """
    return _LESS.sub("&lt;", visible(text))


def embed(figure: Figure) -> str:
    """Return a figure as JSON that can stand inside a script element, whatever its names hold."""
    drawn = _disarm(json.loads(str(figure.to_json(engine="json"))))
    return json.dumps(drawn, separators=(",", ":"), ensure_ascii=False, allow_nan=False).translate(_INERT)


def _disarm(value: Any) -> Any:
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, list):
        return [_disarm(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _disarm(each) for key, each in value.items()}
    return value
