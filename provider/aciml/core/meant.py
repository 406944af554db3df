"""What a word was meant to be: the nearest of those that may be said, however it was written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

NEAR = 0.6
"""How alike two words are at least, 0 to 1; that of ``difflib``."""

_SEPARATORS = re.compile(r"[-_\s]+")


def meant(word: str, known: Iterable[str], near: float = NEAR) -> str:
    """Return the known word that ``word`` was meant to be; empty if none is like it.

    Letter case, ``-``, ``_`` and blanks do not count: ``bluegreen`` and ``Blue-Green`` are ``blue_green``.
    """
    # reversed, so that of two words that fold alike the first one stays
    folded = {_folded(one): one for one in reversed(tuple(known))}
    said = _folded(word)
    if said in folded:
        return folded[said]
    return next((folded[one] for one in get_close_matches(said, folded, 1, near)), "")


def either(words: Sequence[str]) -> str:
    """Return ``A, B or C``."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


def _folded(word: str) -> str:
    return _SEPARATORS.sub("", word).casefold()
