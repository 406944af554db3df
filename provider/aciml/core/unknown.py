"""The text that stands for one that is not known before the update runs, where its place has to be kept.

A step of a list, a build argument or a virtual package that comes from another resource: those beside it keep their
numbers and names, and are judged. No text of a user has it, since none can hold a NUL.
"""

from __future__ import annotations

NOT_KNOWN = "\0"
