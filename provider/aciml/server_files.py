"""Where the scoring server's files are: package data of the wheel, or the folder ``server`` of a checkout."""

from __future__ import annotations

from pathlib import Path

from . import __version__


def find_server(package: Path) -> Path:
    """Return the folder of the server's files, which are copied into images as they are.

    Args:
        package: the folder of the package ``aciml``. The wheel has the files inside it; a checkout has them two
            folders up, beside the folder ``provider``.

    Raises:
        FileNotFoundError: they are at neither place: somebody took the package out of its checkout.
    """
    inside, beside = package / "server", package.resolve().parents[1] / "server"
    for folder in (inside, beside):
        if (folder / "run.py").is_file():
            return folder
    raise FileNotFoundError(f"the scoring server is neither in {inside} nor in {beside}; install aciml again")


VERSION = __version__
"""What the server says it is; its files do not say it, so that it is written once."""

# not by importlib.resources, which takes 3 ms to load, and gives the same folder: the files are copied as files
SERVER = find_server(Path(__file__).parent)
ENTRYPOINT = SERVER / "entrypoint.sh"
NEEDS = SERVER / "requirements.txt"
"""What the server needs of its environment, as lines of a pip section."""
