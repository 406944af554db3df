"""``python -m aciml``: the program, see ``cli``."""

from .cli import program

program()
