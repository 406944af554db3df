"""The stand-in for conda-forge: Debian's Python and wheels of the Python package index, packed as conda packages.

Runs inside the venv. ``python -m bootstrap.channel FOLDER`` makes the whole channel in FOLDER, which must be new.
"""
