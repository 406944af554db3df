"""What usually is behind an error of a scoring script, and the line that mends it.

Each row was seen in reports of services that did not start, and is told beside the error, never in place of it.
"""

from __future__ import annotations

import os
import re
from typing import Callable, List, Tuple, Union

_NUMPY_1 = "a package was built for numpy 1 and numpy 2 is here: write numpy<2, or take a newer version of that package"
# pickles of scikit-learn hold private attributes, which each minor version may rename ("Model persistence")
_SKLEARN = (
    "the model was pickled by another scikit-learn: write the version that it was made with into conda.yml"
    " (scikit-learn=...), or save it again"
)
# what 1.2 to 1.5 added to estimators: an older pickle lacks it, and the error names the attribute alone
_FROM_ANOTHER_SKLEARN = (
    r"'(?:SimpleImputer|ColumnTransformer|\w+Encoder|\w+Scaler|Pipeline|\w+(?:Classifier|Regressor))'"
    r" object has no attribute '(?:_\w+|n_features_in_|feature_names_in_|sparse_output|max_categories)'"
)
_XGBOOST = (
    "the model was pickled by another xgboost: write the version that it was made with into conda.yml, or save it by"
    " save_model"
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
    # older packages import it while they start, to read their own version or files
    (r"No module named 'pkg_resources'", "setuptools 81 and later do not have it: add setuptools<81 to conda.yml"),
    # PEP 632: gone from the standard library with 3.12
    (r"No module named 'distutils", "Python 3.12 has it no more: add setuptools to conda.yml, or take python=3.11"),
    # numpy 2 moved numpy.core to numpy._core, and numpy 1 has no alias for that way
    (r"No module named 'numpy\._core", "the file was pickled by numpy 2: write numpy>=2 into conda.yml"),
    # modules went private with 0.22, so what was pickled before names sklearn.tree.tree and the like
    (r"No module named 'sklearn\.[\w.]+'|Can't get attribute .* on <module 'sklearn", _SKLEARN),
    # pickle keeps a class by its module and name, and here the server is __main__
    (
        r"Can't get attribute '(\w+)' on <module '(?:__main__|__mp_main__)'",
        lambda found: (
            "the model was pickled where %s was defined, in a notebook or a script: put %s into a module of the source"
            " directory, and pickle it with that imported from there" % (found[1], found[1])
        ),
    ),
    # after the rows of modules: they are the surer sign of the same cause
    (_FROM_ANOTHER_SKLEARN, _SKLEARN),
    (r"'XGB\w+' object has no attribute|'Booster' object has no attribute", _XGBOOST),
    (
        r"'LGBM\w+' object has no attribute",
        "the model was pickled by another lightgbm: write its version into conda.yml",
    ),
    # these index classes went with pandas 2.0
    (
        r"module 'pandas' has no attribute '(?:Int64Index|UInt64Index|Float64Index)'|has no attribute '_mgr'",
        "the file was pickled by another pandas, or a package is for pandas 1: write pandas<2",
    ),
    (r"StringDtype\(|No module named 'pandas\._libs\.", "the file was pickled by another pandas: write its version"),
    # what torch says when it was built for numpy 1 and numpy 2 is there; the C extension's error is only a warning
    (r"^Numpy is not available$", _NUMPY_1),
    # a field that was added to the nodes of trees in 1.3 (missing_go_to_left), and one of 1.4
    (r"node array from the pickle has an incompatible dtype|object has no attribute 'monotonic_cst'", _SKLEARN),
    (r"No module named 'pandas\.core\.indexes\.numeric'", "the file was pickled by pandas 1: write pandas<2"),
    (
        (
            r"compiled using NumPy 1|numpy\.core\.multiarray failed to import|numpy\.dtype size changed"
            r"|module compiled against (?:API|ABI) version|_ARRAY_API not found|`np\.\w+` was removed in the NumPy 2"
        ),
        _NUMPY_1,
    ),
    # aliases of Python's own types: deprecated in 1.20, gone in 1.24
    (r"module 'numpy' has no attribute '(?:float|int|bool|object|str)'", "write numpy<1.24, or mend the line"),
    # opencv-python links against X and GL even where nothing is shown; slim bases have neither
    (
        r"libGL\.so\.1",
        _step("libgl1", "take opencv-python-headless in place of opencv-python"),
    ),
    (
        r"libgthread-2\.0|libglib-2\.0",
        _step("libglib2.0-0"),
    ),
    (
        # wheels bring libgomp under a name of their own; what conda-forge or a source build links is the system's
        r"libgomp\.so",
        _step("libgomp1", "add libgomp to the dependencies of conda.yml"),
    ),
    (r"libsndfile|sndfile library not found", _step("libsndfile1", "add libsndfile to the dependencies of conda.yml")),
    (r"libSM\.so|libXext\.so|libXrender\.so", _step("libsm6 libxext6 libxrender1", "take opencv-python-headless")),
    (r"libodbc\.so", _step("unixodbc", "add unixodbc to the dependencies of conda.yml")),
    (r"libpq\.so", _step("libpq5", "take psycopg2-binary")),
    # told by its first words, since a container without a driver names any of a dozen libraries
    (
        r"(lib(?:cuda|cudart|cublas|cudnn|nvrtc|cufft|curand|cusolver|cusparse|nccl)\w*\.so[\w.]*)",
        lambda found: (
            "%s belongs to a build for GPUs, and there is none here: take the package's build for the CPU"
            " (--extra-index-url https://download.pytorch.org/whl/cpu, tensorflow-cpu, onnxruntime)" % found[1]
        ),
    ),
    # a wheel that was built by a newer compiler than the base's: conda's runtime is newer, and found first
    (r"(?:GLIBCXX|CXXABI)_[\d.]+'? not found", "add libstdcxx-ng to the dependencies of conda.yml"),
    (r"GLIBC_[\d.]+'? not found", "the base image has an older C library than the package needs: take a newer base"),
    (
        r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file",
        lambda found: "the image lacks %s: add the package that has it, from conda or by a step" % found[1],
    ),
    # the three that Flask 1 and old Jinja2 ask for: their own pins let newer ones in
    (r"cannot import name 'soft_unicode' from 'markupsafe'", "add markupsafe==2.0.1 to the pip section"),
    (r"cannot import name 'url_quote' from 'werkzeug", "add werkzeug<3 to the pip section"),
    (r"cannot import name 'json' from 'itsdangerous'", "add itsdangerous==2.0.1 to the pip section"),
    # protobuf 4 refuses code that an older protoc made; 3.20 is the last that takes it
    (r"Descriptors cannot (?:not )?be created directly", "add protobuf<3.21 to the pip section"),
    (
        r"Attempting to deserialize object on a CUDA device|Found no NVIDIA driver|CUDA driver version is insufficient",
        "there is no GPU here: load the model with map_location='cpu'",
    ),
    (r"No module named 'imp'", "Python 3.12 has it no more: take python=3.11, or a newer version of what imports it"),
    # pkgutil.ImpImporter went with 3.12, and pkg_resources of old setuptools asks for it while it is imported
    (
        r"has no attribute 'ImpImporter'",
        "setuptools here is too old for Python 3.12: add setuptools>=67, or take python=3.11",
    ),
    # the aliases of the abstract classes were deprecated in 3.3 and went with 3.10
    (
        r"cannot import name '\w+' from 'collections'",
        "Python 3.10 and later have it in collections.abc: take a newer version of what imports it, or python=3.9",
    ),
    (
        r"cannot import name '(?:Markup|escape)' from 'jinja2'",
        "add jinja2<3.1 to the pip section, or take Flask 2.2 or newer",
    ),
    # cryptography dropped what pyOpenSSL below 23.2 reads of it
    (r"X509_V_FLAG_|module 'lib' has no attribute", "pyOpenSSL is older than cryptography: add pyopenssl>=23.2"),
    (
        # a pointer of Git LFS is a text that begins so: pickle takes its "v" for an opcode
        r"invalid load key, 'v'|version https://git-lfs",
        "the model's file is a pointer of Git LFS and not the model: run `git lfs pull`, and deploy again",
    ),
    (r"^Ran out of input$", "the model's file is empty or cut off: save it again, and look at its size"),
    # nltk colours the name of what it lacks
    (
        r"Resource (?:\x1b\[\d+m)?(\w+)\S* not found",
        lambda found: 'add the step "RUN python -m nltk.downloader -d /usr/share/nltk_data %s"' % found[1],
    ),
    (
        r"\[E050\] Can't find model '([\w.-]+)'",
        lambda found: "add the wheel of %s (github.com/explosion/spacy-models) to the pip section" % found[1],
    ),
    (
        r"couldn't connect to 'https://huggingface\.co'|huggingface\.co.*(?:Max retries|offline)",
        "the container does not reach huggingface.co: put the model's files into models, and load them from there",
    ),
    # TensorFlow 2.16 brings Keras 3, which reads no SavedModel and other keys of layers
    (
        r"Keras 3 only supports|Unrecognized keyword arguments passed to \w+: \{'batch_shape'",
        "the model was saved by another Keras: write tensorflow<2.16 (or keras<3), or save it as .keras",
    ),
    (r"Unknown (?:layer|object|loss function|metric)", "give load_model the class by custom_objects, or register it"),
    (r"No space left on device", "what is written fills the container: write less, or mount a volume there"),
    # a KeyError says its key and nothing else
    (r"^'AZUREML_MODEL_DIR'$", "the service has no models: name them in models, and the variable is set"),
    (r"unsupported pickle protocol: (\d+)", "the file was pickled by a newer Python: take that one (python=...)"),
    # the last of the modules' rows: those above know a better remedy for some of them
    (r"No module named '([\w.]+)'", _package),
)
"""The first that is found counts: the more special come first."""


def of(error: BaseException) -> str:
    """Return what mends an error, in one line; empty if nobody knows."""
    chain: List[BaseException] = []
    here: Union[BaseException, None] = error
    # a chain may lead back to itself: raise a from b, b from a
    while here is not None and here not in chain:
        chain.append(here)
        # what a library raises often hides the cause that a row knows
        here = here.__cause__ or here.__context__
    for one in chain:
        text = str(one)
        for pattern, remedy in _ROWS:
            found = re.search(pattern, text)
            if found:
                return remedy if isinstance(remedy, str) else remedy(found)
        # its text is any path: the kind says more than a pattern
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
        # enough to see what is there; a model may have ten thousand files
        if len(found) > 10:
            break
    shown = ", ".join(sorted(found)[:10]) or "nothing"
    return "AZUREML_MODEL_DIR (%s) has %s" % (folder, shown)
