"""What must be on the machine before the project's own code can run: looked for, installed, or stood in for.

Runs on any Python 3.11 or newer with the standard library alone; ``bootstrap.channel`` runs later, inside the venv.
"""
