"""Keys of a service: ``check`` makes those that are asked for and not given, and keeps them in the inputs ever after.

So they survive whatever replaces the group, also where another process of the plugin makes the new one: an engine that
checks a resource hands over its old inputs. State of versions before 0.3 has made keys in the outputs alone.
"""

from __future__ import annotations

import secrets

from ..core.errors import UserError
from ..model.declared import parts_of
from ..model.keys import ROTATED_BY, Keys
from ..properties import UNKNOWN, Secret, Values, is_unknown, reveal

_WIRE = {name: part.wire for name, part in parts_of(Keys).items()}
_WORDS = {_WIRE[key]: _WIRE[word] for key, word in ROTATED_BY.items()}
KEYS = tuple(_WORDS)
"""Names of both keys on the wire."""


def given(values: Values) -> Values:
    """Return the keys among inputs or outputs."""
    return {name: values[name] for name in KEYS if name in values}


def are_asked_for(inputs: Values) -> bool | None:
    """Tell whether a service wants keys; None if that is not known yet."""
    asked = inputs.get(_WIRE["auth_enabled"], False)
    return None if is_unknown(asked) else bool(reveal(asked))


def filled(old: Values | None, new: Values) -> Values:
    """Return the keys that are asked for and not given.

    A key is that of before unless its text of rotation changed; a given one that is given no more stays what it was.
    Of a group whose keys are in its outputs alone none is filled: nothing shows, and updates keep what state has.
    """
    if (asked := are_asked_for(new)) is None:
        return {name: Secret(UNKNOWN) for name in KEYS if name not in new}
    if not asked:
        return {}
    return {name: key for name in KEYS if name not in new and (key := _kept(name, old or {}, new)) is not None}


def _kept(name: str, old: Values, new: Values) -> Secret | None:
    word = _WORDS[name]
    rotated = bool(old) and _text(old.get(word)) != _text(new.get(word))
    if is_unknown(new.get(word)):
        return Secret(UNKNOWN)
    # a new text wins over the key of before, also over one that was given and is given no more
    if name in old and not rotated and not is_unknown(old[name]):
        return Secret(reveal(old[name]))
    # they were asked for before and are not in the inputs: an older version has them in the outputs
    if are_asked_for(old) and not rotated:
        return None
    return Secret(secrets.token_urlsafe(32))


def _text(word: object) -> object:
    return None if is_unknown(word) else reveal(word)


def all_of(inputs: Values, state: Values) -> Values:
    """Return both keys of a service: those of the inputs, else those of state, else new ones; none if nobody asks."""
    if not are_asked_for(inputs):
        return {}
    # 256 bits, in letters that need no quotes in a header or a shell
    made = {name: Secret(secrets.token_urlsafe(32)) for name in KEYS}
    return {**made, **given(state), **given(inputs)}


def require_kept(state: Values, new: Values) -> None:
    """Make sure that a group which is replaced keeps its keys.

    Raises:
        UserError: they are in its state alone, which whoever makes the new one does not see.
    """
    if are_asked_for(new) and any(name in state and name not in new for name in KEYS):
        why = "this change makes the group anew, and its keys, made by an older version, would be lost"
        raise UserError(why, "run `pulumi refresh` once, which takes them over, then run this again")
