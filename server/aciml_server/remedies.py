"""What usually is behind an error of a scoring script, and the line that mends it.

Each row was seen in reports of services that did not start, and is told beside the error, never in place of it.
"""

from __future__ import annotations

import os
import re
from typing import Callable, List, Tuple, Union

_NUMPY_1 = "a package was built for numpy 1 and numpy 2 is here: write numpy<2, or take a newer version of that package"
_SKLEARN = (
    "the model was pickled by another scikit-learn: write the version that it was made with into conda.yml"
    " (scikit-learn=...), or save it again"
)
_PACKAGES = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python-headless (pip) or opencv (conda)",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "bs4": "beautifulsoup4",
    "Crypto": "pycryptodome",
    "git": "gitpython",
    "jwt": "pyjwt",
    "magic": "python-magic",
    "attr": "attrs",
    "google.protobuf": "protobuf",
    "azureml.core": "azureml-core",
    "azureml.dataset": "azureml-dataprep",
    "faiss": "faiss-cpu",
    "torch": "pytorch (conda) or torch (pip)",
}
"""What a module's package is called, where that is another name; the rest is called like its module."""

Row = Tuple[str, Union[str, Callable[["re.Match[str]"], str]]]


def _package(found: "re.Match[str]") -> str:
    parts = found[1].split(".")
    # the longest name first: azureml.core before azureml
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    package = next((_PACKAGES[name] for name in names if name in _PACKAGES), parts[0])
    return (
        "add %s to conda.yml (dependencies, or its pip section); if %s is a file of yours, it has to lie in the"
        " source directory" % (package, parts[0])
    )


def _step(package: str, first: str = "") -> str:
    step = 'add the step "RUN apt-get update && apt-get install -y --no-install-recommends %s"' % package
    return "%s, or %s" % (first, step) if first else step


_ROWS: Tuple[Row, ...] = (
    (r"No module named 'pkg_resources'", "setuptools 81 and later do not have it: add setuptools<81 to conda.yml"),
    (r"No module named 'distutils", "Python 3.12 has it no more: add setuptools to conda.yml, or take python=3.11"),
    (r"No module named 'numpy\._core", "the file was pickled by numpy 2: write numpy>=2 into conda.yml"),
    (r"No module named 'sklearn\.[\w.]+'|Can't get attribute .* on <module 'sklearn", _SKLEARN),
    (r"node array from the pickle has an incompatible dtype|object has no attribute 'monotonic_cst'", _SKLEARN),
    (r"No module named 'pandas\.core\.indexes\.numeric'", "the file was pickled by pandas 1: write pandas<2"),
    (
        (
            r"compiled using NumPy 1|numpy\.core\.multiarray failed to import|numpy\.dtype size changed"
            r"|module compiled against (?:API|ABI) version|_ARRAY_API not found|`np\.\w+` was removed in the NumPy 2"
        ),
        _NUMPY_1,
    ),
    (r"module 'numpy' has no attribute '(?:float|int|bool|object|str)'", "write numpy<1.24, or mend the line"),
    (
        r"libGL\.so\.1",
        _step("libgl1", "take opencv-python-headless in place of opencv-python"),
    ),
    (
        r"libgthread-2\.0|libglib-2\.0",
        _step("libglib2.0-0"),
    ),
    (
        r"libgomp\.so",
        _step("libgomp1", "add libgomp to the dependencies of conda.yml"),
    ),
    (r"(?:GLIBCXX|CXXABI)_[\d.]+'? not found", "add libstdcxx-ng to the dependencies of conda.yml"),
    (r"GLIBC_[\d.]+'? not found", "the base image has an older C library than the package needs: take a newer base"),
    (
        r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file",
        lambda found: "the image lacks %s: add the package that has it, from conda or by a step" % found[1],
    ),
    (r"cannot import name 'soft_unicode' from 'markupsafe'", "add markupsafe==2.0.1 to the pip section"),
    (r"cannot import name 'url_quote' from 'werkzeug", "add werkzeug<3 to the pip section"),
    (r"cannot import name 'json' from 'itsdangerous'", "add itsdangerous==2.0.1 to the pip section"),
    (r"Descriptors cannot (?:not )?be created directly", "add protobuf<3.21 to the pip section"),
    (
        r"Attempting to deserialize object on a CUDA device|Found no NVIDIA driver|CUDA driver version is insufficient",
        "there is no GPU here: load the model with map_location='cpu'",
    ),
    (r"unsupported pickle protocol: (\d+)", "the file was pickled by a newer Python: take that one (python=...)"),
    (r"No module named '([\w.]+)'", _package),
)
"""The first that is found counts: the more special come first."""


def of(error: BaseException) -> str:
    """Return what mends an error, in one line; empty if nobody knows."""
    chain: List[BaseException] = []
    here: Union[BaseException, None] = error
    while here is not None and here not in chain:
        chain.append(here)
        here = here.__cause__ or here.__context__
    for one in chain:
        text = str(one)
        for pattern, remedy in _ROWS:
            found = re.search(pattern, text)
            if found:
                return remedy if isinstance(remedy, str) else remedy(found)
        if isinstance(one, FileNotFoundError):
            return _of_missing(one)
        if isinstance(one, PermissionError) and one.filename:
            return (
                "the service runs as a user who may write below its home, its app folder and /tmp:"
                " write %s there, or set run_as_root: true" % one.filename
            )
    return ""


def _of_missing(error: FileNotFoundError) -> str:
    """Tell what is there, if a model is looked for where there is none."""
    folder = os.environ.get("AZUREML_MODEL_DIR", "")
    if not folder or not str(error.filename or "").startswith(folder):
        return ""
    found = []
    for here, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(here, name), folder) for name in names]
        if len(found) > 10:
            break
    shown = ", ".join(sorted(found)[:10]) or "nothing"
    return "AZUREML_MODEL_DIR (%s) has %s" % (folder, shown)
