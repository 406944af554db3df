"""Start the aciml plugin of this checkout; the engine gives its address and reads the port from standard output.

The wheel's console script ``pulumi-resource-aciml`` does without this file.
"""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMPONENTS = HERE.parent / "components"


class Components:
    """Finds ``pulumi_aciml`` in this checkout once somebody asks: only programs in other languages need it here."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG004
        """Tell where the package is; nothing else is known here."""
        if name != "pulumi_aciml":
            return None
        return importlib.util.spec_from_file_location(
            name, COMPONENTS / "__init__.py", submodule_search_locations=[str(COMPONENTS)]
        )


def use_checkout() -> None:
    """Take ``aciml`` and ``pulumi_aciml`` from here, whatever wheel is installed: a language host installs none."""
    sys.path.insert(0, str(HERE))
    if COMPONENTS.is_dir():
        sys.meta_path.insert(0, Components)


if __name__ == "__main__":
    use_checkout()
    from aciml.plugin import main

    main()
