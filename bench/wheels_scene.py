"""The second environment of the bench: nearly all of it under ``pip:``, 79 wheels of 660 MB, all in fixed versions."""

from __future__ import annotations

_MANY = (
    "annotated-doc==0.0.5 anyio==4.15.1 blinker==1.9.0 certifi==2026.7.22 charset-normalizer==3.5.2 click==8.5.0 "
    "cloudpickle==3.1.2 contourpy==1.3.3 cycler==0.12.1 faiss-cpu==1.15.1 filelock==4.0.7 flask==3.1.3 "
    "flatbuffers==25.12.19 fonttools==4.66.1 formulaic==1.2.2 fsspec==2026.9.0 gensim==4.4.0 graphviz==0.21 "
    "h11==0.16.0 hf-xet==1.6.0 httpcore==1.0.9 httpx==0.28.1 huggingface-hub==1.33.0 idna==3.20 "
    "interface-meta==2.0.1 itsdangerous==2.2.0 jax==0.10.2 jaxlib==0.10.2 jinja2==3.1.6 joblib==1.6.0 "
    "kiwisolver==1.5.1 lightgbm==4.7.0 llvmlite==0.50.0 lxml==6.1.3 markdown-it-py==4.2.0 markupsafe==3.0.3 matplotlib==3.11.2 "
    "mdurl==0.1.2 ml-dtypes==0.6.0 narwhals==2.26.0 numba==0.68.0 numpy==2.4.6 onnxruntime==1.30.0 "
    "opencv-python-headless==5.0.0.93 opt-einsum==3.4.0 packaging==26.3 pandas==3.0.6 patsy==1.0.3 "
    "pillow==12.3.0 plotly==7.1.0 polars==1.44.2 polars-runtime-32==1.44.2 protobuf==7.36.2 pyarrow==25.0.1 pygments==2.21.0 pyparsing==3.3.3 "
    "python-dateutil==2.9.0.post0 pyyaml==6.0.3 regex==2026.9.29 rich==15.0.0 safetensors==0.8.0 "
    "scikit-learn==1.9.1 scipy==1.17.1 shellingham==1.5.4 six==1.17.0 smart-open==8.0.2 statsmodels==0.15.0 "
    "threadpoolctl==3.7.0 tokenizers==0.23.2 tqdm==4.70.1 transformers==5.18.0 typer==0.27.2 "
    "typing-extensions==4.16.0 urllib3==2.8.0 werkzeug==3.1.9 wrapt==2.5.0 duckdb==1.5.6"
)
CHANGED = ("requests==2.32.3", "requests==2.32.4")
"""A small package in two versions: what a user changes."""

_BIG = ("catboost==1.2.10",)
WHEELS_BEFORE = (*_MANY.split(), *_BIG, CHANGED[0])
WHEELS_AFTER = (*_MANY.split(), *_BIG, CHANGED[1])

# a third of the second environment's wheels are others: other packages, or other versions
_OTHERS = {
    "catboost==1.2.10": "catboost==1.2.8",
    "pandas==3.0.6": "pandas==2.3.3",
    "matplotlib==3.11.2": "matplotlib==3.10.8",
    "plotly==7.1.0": "plotly==6.5.0",
    "lxml==6.1.3": "lxml==6.0.2",
    "rich==15.0.0": "rich==14.2.0",
    "idna==3.20": "idna==3.11",
    "tqdm==4.70.1": "tqdm==4.67.1",
    "packaging==26.3": "packaging==26.0",
    "pygments==2.21.0": "pygments==2.19.2",
    "joblib==1.6.0": "joblib==1.5.2",
}
_GONE = (
    "duckdb==1.5.6",
    "faiss-cpu==1.15.1",
    "gensim==4.4.0",
    "statsmodels==0.15.0",
    "formulaic==1.2.2",
    "patsy==1.0.3",
)
_NEW = ("networkx==3.6.1", "sympy==1.14.0", "mpmath==1.3.0", "seaborn==0.13.2", "altair==6.3.0", "attrs==26.1.0",
        "jsonschema==4.26.0", "referencing==0.37.0", "rpds-py==2026.6.3", "jsonschema-specifications==2025.9.1",
        "pytz==2026.2", "tzdata==2026.2", "bokeh==3.9.2", "tornado==6.5.10", "xyzservices==2026.9.1", "nltk==3.10.3",
        "colorlog==6.12.0", "sqlalchemy==2.1.1", "alembic==1.20.0", "mako==1.4.3", "defusedxml==0.7.1")  # fmt: skip
WHEELS_SECOND = tuple(_OTHERS.get(one, one) for one in (*WHEELS_BEFORE, *_NEW) if one not in _GONE)


def with_python(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the rows of a conda.yml with these lines under ``pip:``."""
    return ("python=3.11", "pip", "pip:" + "".join(f"\n      - {line}" for line in lines))
