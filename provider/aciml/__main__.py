"""``python -m aciml``: the program, see ``cli``."""

from .start import program

program()
