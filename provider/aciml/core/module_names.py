"""Which package brings a module, and which modules Python itself has lost or gained: tables, as people know them.

The first package of a row is the one that is advised; any of them is enough. Names are those of the index and of
conda-forge, which differ for some. Sources: the packages' own top_level.txt; Python's "What's New", sections "Removed"
and "New Modules", of 3.8 to 3.14 (PEP 594 for 3.13).
"""

from __future__ import annotations

from collections.abc import Mapping

_USUAL = (
    "python", "numpy", "pandas", "scipy", "scikit-learn", "scikit-image", "matplotlib", "seaborn", "pytorch",
    "torch", "torchvision", "torchaudio", "tensorflow", "tensorflow-gpu", "keras", "xgboost", "lightgbm",
    "catboost", "transformers", "tokenizers", "datasets", "accelerate", "requests", "flask", "fastapi", "uvicorn",
    "pydantic", "pillow", "opencv", "opencv-python", "opencv-python-headless", "nltk", "spacy", "gensim",
    "statsmodels", "sympy", "jupyter", "notebook", "ipykernel", "joblib", "cloudpickle", "protobuf", "azureml-core",
    "azureml-defaults", "azureml-sdk", "azureml-mlflow", "azureml-inference-server-http", "azureml-dataprep",
    "azure-identity", "azure-storage-blob", "inference-schema", "mlflow", "mlflow-skinny", "onnx", "onnxruntime",
    "pyarrow", "openpyxl", "sqlalchemy", "pyodbc", "networkx", "plotly", "bokeh", "numba", "cython", "dask",
    "polars", "setuptools", "wheel", "cudatoolkit", "pyyaml", "beautifulsoup4", "psycopg2", "psycopg2-binary",
    "sentence-transformers",
)  # fmt: skip


def conda_package(module: str) -> str:
    """Return what a conda file calls the package that brings a module; most are called like their module."""
    name = PACKAGES.get(module, (module,))[0]
    return CONDA_PACKAGES.get(name, name)


def usual_name(name: str) -> str:
    """Return the usual package that a name is, but for two letters that changed places; empty if it is none.

    No package of any index is called so: a name that near to a usual one is not given away (PyPI's rule since 2021).
    """
    word = name.lower()
    for one in _USUAL:
        at = next((at for at, (a, b) in enumerate(zip(word, one, strict=False)) if a != b), len(one))
        swapped = word[at : at + 2] == one[at : at + 2][::-1] and word[at + 2 :] == one[at + 2 :]
        if len(word) == len(one) > 4 and word != one and swapped and at + 1 < len(one):
            return one
    return ""


_SHORTEST = 7  # letters; shorter names have too many neighbours that are packages
_THEMSELVES = frozenset(
    {"dataset", "tokenizer", "transformer", "psycopg", "psycopg3", "unicorn", "notebooks", "statsmodel", "pydantic2"}
)
"""Packages that are one letter from a usual one."""


def resembled(name: str) -> str:
    """Return the usual package that a name is but for one letter, or for ``_`` in the place of ``-``; empty if none.

    Anybody may call a package so: this is a reason to look again. Plurals and numbers at the end are no slips.
    """
    word = name.lower()
    if word in _USUAL or word in _THEMSELVES or word in _MODULES_PACKAGES:
        return ""
    if "_" in word and word.replace("_", "-") in _USUAL:
        return word.replace("_", "-")
    return next((one for one in _USUAL if len(one) >= _SHORTEST and _one_letter_off(word, one)), "")


def _one_letter_off(word: str, one: str) -> bool:
    if abs(len(word) - len(one)) > 1 or word.rstrip("s0123456789") == one.rstrip("s0123456789"):
        return False
    at = next((at for at, (a, b) in enumerate(zip(word, one, strict=False)) if a != b), min(len(word), len(one)))
    # one letter more, one less, another one
    return word[at + 1 :] == one[at:] or word[at:] == one[at + 1 :] or word[at + 1 :] == one[at + 1 :]


CONDA_PACKAGES: Mapping[str, str] = {
    "sklearn": "scikit-learn", "skimage": "scikit-image", "cv2": "opencv", "PIL": "pillow", "yaml": "pyyaml",
    "torch": "pytorch", "bs4": "beautifulsoup4", "opencv-python": "opencv", "opencv-python-headless": "opencv",
    "psycopg2-binary": "psycopg2", "faiss-cpu": "faiss", "umap": "umap-learn", "Crypto": "pycryptodome",
}  # fmt: skip
"""Names that people write in conda files and channels do not have, and what is meant."""
INDEX_PACKAGES: Mapping[str, str] = {
    "sklearn": "scikit-learn", "skimage": "scikit-image", "cv2": "opencv-python-headless", "pil": "pillow",
    "yaml": "pyyaml", "pytorch": "torch", "crypto": "pycryptodome", "opencv": "opencv-python-headless",
}  # fmt: skip
"""The same of the public index, normalised: it has none of these, or one that only says so when it is installed."""
PACKAGES: Mapping[str, tuple[str, ...]] = {
    # modules whose package has another name
    "Bio": ("biopython",),
    "Crypto": ("pycryptodome", "pycrypto"),
    "Cryptodome": ("pycryptodomex",),
    "Levenshtein": ("levenshtein", "python-levenshtein"),
    "MySQLdb": ("mysqlclient",),
    "OpenSSL": ("pyopenssl",),
    "PIL": ("pillow", "pillow-simd"),
    "absl": ("absl-py",),
    "apt": ("python-apt",),
    "attr": ("attrs",),
    "azureml": ("azureml-core", "azureml-defaults", "azureml-dataprep", "azureml-sdk", "azureml-mlflow"),
    "bs4": ("beautifulsoup4",),
    "caffe2": ("torch", "pytorch"),
    "cairo": ("pycairo",),
    "cv2": (
        "opencv-python-headless",
        "opencv-python",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
        "opencv",
        "py-opencv",
    ),
    "dateutil": ("python-dateutil",),
    "dns": ("dnspython",),
    "docx": ("python-docx",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss", "faiss-gpu"),
    "fitz": ("pymupdf",),
    "git": ("gitpython",),
    "github": ("pygithub",),
    "google": ("protobuf", "google-api-core", "google-auth", "google-cloud-core"),
    "imblearn": ("imbalanced-learn",),
    "jose": ("python-jose",),
    "jwt": ("pyjwt",),
    "kafka": ("kafka-python", "kafka-python-ng"),
    "keras": ("keras", "tensorflow"),
    "lightgbm": ("lightgbm",),
    "magic": ("python-magic",),
    "markdown": ("markdown",),
    "mpl_toolkits": ("matplotlib", "matplotlib-base"),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino"),
    "osgeo": ("gdal",),
    "pkg_resources": ("setuptools",),
    "pptx": ("python-pptx",),
    "psycopg2": ("psycopg2-binary", "psycopg2"),
    "pylab": ("matplotlib", "matplotlib-base"),
    "pytorch_lightning": ("pytorch-lightning", "lightning"),
    "ruamel": ("ruamel-yaml",),
    "scikits": ("scikit-umfpack",),
    "serial": ("pyserial",),
    "sentence_transformers": ("sentence-transformers",),
    "setuptools": ("setuptools",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn", "scikit-learn-intelex"),
    "skopt": ("scikit-optimize",),
    "slugify": ("python-slugify",),
    "snappy": ("python-snappy",),
    "socks": ("pysocks",),
    "sksurv": ("scikit-survival",),
    "surprise": ("scikit-surprise",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-base", "intel-tensorflow"),
    "torch": ("torch", "pytorch", "pytorch-cpu", "pytorch-gpu"),
    "usb": ("pyusb",),
    "win32api": ("pywin32",),
    "wx": ("wxpython",),
    "xgboost": ("xgboost", "xgboost-cpu", "py-xgboost", "py-xgboost-cpu", "libxgboost"),
    "yaml": ("pyyaml",),
    "zmq": ("pyzmq",),
    # well-known modules that are called like their package
    **{
        name: (name.replace("_", "-"),)
        for name in (
            "aiohttp", "altair", "boto3", "botocore", "cachetools", "catboost", "click", "cloudpickle", "cryptography",
            "cupy", "cvxpy", "dask", "datasets", "dill", "fastai", "fastapi", "filelock", "flask", "fsspec", "gensim",
            "geopandas", "gluonts", "h5py", "httpx", "huggingface_hub", "jax", "jinja2", "joblib", "jsonschema",
            "librosa", "lifelines", "llvmlite", "lxml", "marshmallow", "matplotlib", "mlflow", "mlxtend", "networkx",
            "nltk", "numba", "numexpr", "numpy", "onnx", "openai", "openpyxl", "optuna", "orjson", "pandas", "patsy",
            "peft", "pint", "plotly", "polars", "prophet", "psutil", "pyarrow", "pydantic", "pyodbc", "pyspark",
            "pytz", "rapidfuzz", "redis", "regex", "requests", "safetensors", "scipy", "seaborn", "sentencepiece",
            "shap", "shapely", "six", "soundfile", "spacy", "sqlalchemy", "statsmodels", "streamlit", "sympy",
            "tables", "tabulate", "tiktoken", "timm", "tokenizers", "toml", "torchaudio", "torchvision", "tqdm",
            "transformers", "typing_extensions", "ujson", "umap", "urllib3", "werkzeug", "xarray", "xlrd",
        )
    },
    "jax": ("jax",),
    "tables": ("tables", "pytables"),
    "umap": ("umap-learn",),
}  # fmt: skip
"""Packages by the module that they bring."""

_MODULES_PACKAGES = frozenset(package for packages in PACKAGES.values() for package in packages)


def known_packages() -> list[str]:
    """Return the names of well-known packages, as the public index has them."""
    return sorted({*_USUAL, *_MODULES_PACKAGES} - {"pytorch", "opencv", "cudatoolkit", "python"})


GONE: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("formatter", "parser", "symbol"), (3, 10)),
    **dict.fromkeys(("binhex",), (3, 11)),
    **dict.fromkeys(("asynchat", "asyncore", "distutils", "imp", "smtpd"), (3, 12)),
    **dict.fromkeys(
        (
            "aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib", "nis",
            "nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib",
        ),
        (3, 13),
    ),
}  # fmt: skip
"""Modules of Python by the version that has them no more."""

NEW: Mapping[str, tuple[int, int]] = {
    "graphlib": (3, 9),
    "zoneinfo": (3, 9),
    "tomllib": (3, 11),
    "annotationlib": (3, 14),
    "compression": (3, 14),
}
"""Modules of Python by the first version that has them."""

BROUGHT_BY_SERVER = (
    "aciml_server.",
    "azureml.contrib.services.",
    "azureml.core.Model.",
    "azureml.core.model.",
    "azureml_inference_server_http.",
    "inference_schema.",
)
"""How modules begin that scripts of v1 import and the server stands in for (``server/shims``, ``contract/aliases``)."""
