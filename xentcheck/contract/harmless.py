"""Text that others wrote, made fit to be shown: it can neither steer a terminal nor pass for a line of ours."""

from __future__ import annotations

LONGEST = 2000
BRIEF = 400
"""Characters of it that are shown where the whole is kept elsewhere."""
_CUT = " [...]"


def harmless(text: object, longest: int = LONGEST) -> str:
    r"""Return a text in one line, with what is no printable character escaped as in a Python literal.

    That is control characters (of both sets), ends of lines, marks of writing direction, what has no width, and lone
    surrogates, which no file can hold. Given a text that it returned, it returns that.

    Parameters
    ----------
    text : object
        A str; of anything else its type is told.
    longest : int
        Characters at most; the rest is cut off, and that is shown.

    Examples
    --------
    >>> harmless("fine\x1b[31m\nCONFORMS")
    'fine\\x1b[31m\\nCONFORMS'
    """
    if not isinstance(text, str):
        return f"<{harmless(str(type(text)), longest)}>"
    plain = str.__getitem__(text, slice(longest + 1))  # a plain str, whatever methods a subclass has
    shown = plain if plain.isprintable() else "".join(map(_escaped, plain))
    return shown if len(shown) <= longest else shown[: longest - len(_CUT)] + _CUT


def first_line(shown: str) -> str:
    r"""Return the first line of a text that `harmless` has made one of: all of it where that line only leads to others.

    Libraries that compile graphs say below what was calculated, by which operations and of what.

    Examples
    --------
    >>> first_line(harmless("p must sum to 1\nApply node that caused the error: Check{...}"))
    'p must sum to 1'
    """
    line = shown.partition("\\n")[0].strip()
    return line if line and not line.endswith(":") else shown


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() else repr(letter)[1:-1]
