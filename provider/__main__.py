"""Start the aciml plugin of this checkout; the engine gives its address and reads the port from standard output.

The wheel's console script ``pulumi-resource-aciml`` does without this file.
"""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def use_checkout() -> None:
    """Take ``aciml`` and ``pulumi_aciml`` from here, whatever wheel is installed: a language host installs none."""
    sys.path.insert(0, str(HERE))
    components = HERE.parent / "components"
    spec = importlib.util.spec_from_file_location(
        "pulumi_aciml", components / "__init__.py", submodule_search_locations=[str(components)]
    )
    if "pulumi_aciml" not in sys.modules and spec and spec.loader and components.is_dir():
        module = importlib.util.module_from_spec(spec)
        sys.modules["pulumi_aciml"] = module
        spec.loader.exec_module(module)


if __name__ == "__main__":
    use_checkout()
    from aciml.plugin import main

    main()
