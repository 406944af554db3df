"""Types of numpy, pandas, pyarrow and Pillow, which are looked for only if the script has imported them.

Their binary forms are read without a copy where the library can: numpy's ``.npy``, raw numbers, Arrow streams and
files.
"""

from __future__ import annotations

import io
import sys
from typing import Any, Callable, Dict, List, Mapping, Optional

from .kind import Kind, Mismatch, own

ARROW = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"
_PARQUET = ("application/vnd.apache.parquet", "application/x-parquet")
_NPY = ("application/x-npy", "application/x-numpy")
_NUMBERS = "a list of numbers, or of such lists of equal length"


def kind_of(annotation: Any) -> Optional[Kind]:
    """Return the kind of an annotation of these libraries; None if it is none."""
    origin = getattr(annotation, "__origin__", None) or annotation
    # to annotate with a class of a library is to have imported it: without the module there is nothing to look for
    for name, attribute, make in _KNOWN:
        module = sys.modules.get(name)
        if module is not None and origin is getattr(module, attribute, object()):
            return make(annotation)
    return None


def _array(annotation: Any) -> Kind:
    import numpy as np

    dtype = _dtype(annotation)

    def take(value: Any) -> Any:
        if type(value) is not list:
            raise Mismatch("a list", value)
        return _made(value, dtype)

    def raw(body: Any, parameters: Mapping[str, str]) -> Any:
        try:
            kind = np.dtype(parameters["dtype"]) if "dtype" in parameters else dtype
        except TypeError:
            raise Mismatch("a dtype of numpy", parameters["dtype"]) from None
        # bytes have no type of their own; and read as objects they would be addresses of memory
        if kind is None or kind.hasobject:
            raise Mismatch(
                "a content type such as application/octet-stream; dtype=float32", None, "one without a dtype"
            )
        shape = (
            [int(size) for size in parameters["shape"].split(",") if size.strip()] if "shape" in parameters else [-1]
        )
        # a copy only of small bodies, whose memory the next call uses again; of a large one the array is a view
        return np.frombuffer(own(body), kind).reshape(shape)

    name = "numbers" if dtype is None else dtype.name
    schema: Dict[str, Any] = {
        "type": "array",
        "format": "numpy.ndarray",
        "description": "%s; rows are of equal length" % name,
    }
    example = [0.0] if dtype is None or dtype.kind == "f" else np.zeros(1, dtype).tolist()
    media: Dict[str, Any] = dict.fromkeys(_NPY, _npy)
    return Kind(take, schema, example, media={**media, "application/octet-stream": raw})


def _dtype(annotation: Any) -> Any:
    """Return the dtype in ``NDArray[float32]``, if there is one that is not abstract."""
    import numpy as np

    arguments = getattr(annotation, "__args__", None) or ()
    # in NDArray[X] of numpy.typing the type is that of the last argument, a dtype[X]
    inner = getattr(arguments[-1], "__args__", None) or () if arguments else ()
    if not inner or not isinstance(inner[0], type):
        return None
    # numpy makes float64 of some of them, with a warning that this is deprecated; here the numbers decide
    abstract = inner[0] in (np.generic, np.number, np.integer, np.inexact, np.floating)
    return None if abstract else np.dtype(inner[0])


def _made(value: List[Any], dtype: Any) -> Any:
    import numpy as np

    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        array = None
    # of numbers beside texts numpy makes texts, of lists of several lengths objects or an error
    if array is None or array.dtype.kind not in "biufc":
        if (
            array is not None
            and array.dtype.kind == "U"
            and (dtype is None or dtype.kind in "UMm")
            and _all_texts(value)
        ):
            return array if dtype is None else _cast(array, dtype)
        raise _blamed(value)
    return array if dtype is None or array.dtype == dtype else _cast(array, dtype)


def _cast(array: Any, dtype: Any) -> Any:
    import numpy as np

    try:
        # astype cuts fractions and wraps around without a word; what is not equal afterwards did not fit
        with np.errstate(all="ignore"):
            cast = array.astype(dtype)
            # floats may lose digits: JSON has doubles alone, and float32 is what was asked for
            whole = dtype.kind not in "iu" or array.dtype.kind == "b" or bool((cast == array).all())
    except (ValueError, TypeError, OverflowError):
        whole = False
    if not whole:
        raise Mismatch("a list of %s" % dtype.name, array.tolist())
    return cast


def _all_texts(value: Any) -> bool:
    return all(map(_all_texts, value)) if type(value) is list else type(value) is str


def _blamed(value: List[Any]) -> Mismatch:
    """Return the error for what is no array, at the place of the first number that is none or list that is too long."""
    length: Optional[int] = None
    lists = [one for one in value if type(one) is list]
    for index, one in enumerate(value):
        if type(one) is list:
            length = len(one) if length is None else length
            if len(one) != length:
                return Mismatch("a list of %d values" % length, one, "one of %d" % len(one)).inside("[%d]" % index)
            if not all(type(inner) in (int, float, bool) for inner in one):
                return _blamed(one).inside("[%d]" % index)
        elif lists or type(one) not in (int, float, bool):
            return Mismatch("a number" if not lists else "a list", one).inside("[%d]" % index)
    return Mismatch(_NUMBERS, value)


def _npy(body: Any, parameters: Mapping[str, str]) -> Any:  # noqa: ARG001  # a decoder's signature
    import numpy as np

    body = own(body)
    stream = io.BytesIO(bytes(body[:65536]))  # headers are short
    try:
        version = np.lib.format.read_magic(stream)
        # not `numpy.load`, which would copy the numbers out of a file: the head alone is read here
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
        # they are pickles, and to read a pickle is to run what a stranger wrote
        if dtype.hasobject:
            raise ValueError("arrays of objects are not read")  # noqa: TRY301
        array = np.frombuffer(body, dtype, offset=stream.tell())
        return array.reshape(shape, order="F" if fortran else "C")
    except ValueError as error:
        raise Mismatch("a file as numpy.save writes it", None, "this: %s" % error) from None


def _frame(annotation: Any) -> Kind:  # noqa: ARG001  # a maker's signature
    import pandas as pd

    def take(value: Any) -> Any:
        try:
            # what `to_json(orient="split")` of pandas writes
            if type(value) is dict and set(value) in ({"columns", "data"}, {"columns", "data", "index"}):
                return pd.DataFrame(value["data"], value.get("index"), value["columns"])
            if type(value) in (dict, list):
                return pd.DataFrame(value)
        # older releases of pandas assert that rows are as long as their columns
        except (ValueError, TypeError, AssertionError) as error:
            raise Mismatch("a table (%s)" % error, value) from None
        raise Mismatch("a list of records, or an object of columns", value)

    def csv(body: Any, parameters: Mapping[str, str]) -> Any:
        return pd.read_csv(io.BytesIO(body), encoding=parameters.get("charset", "utf-8"))

    media: Dict[str, Any] = {"text/csv": csv}
    for one in _PARQUET:
        # its index is at its end (parquet-format, "File format"): the reader has to jump, so bytes alone will not do
        media[one] = lambda body, parameters: pd.read_parquet(io.BytesIO(body))  # noqa: ARG005
    for one in (ARROW, ARROW_FILE):
        media[one] = lambda body, parameters, name=one: _arrow_table(body, name).to_pandas()  # noqa: ARG005
    rows = {"type": "array", "items": {"anyOf": [{"type": "object"}, {"type": "array"}]}}
    schema = {"anyOf": [rows, {"type": "object"}], "format": "pandas.DataFrame:records"}
    return Kind(take, schema, [{"column": 0.0}], media=media)


def _table(annotation: Any) -> Kind:  # noqa: ARG001  # as above
    import pyarrow as pa

    def take(value: Any) -> Any:
        try:
            if type(value) is list:
                return pa.Table.from_pylist(value)
            if type(value) is dict:
                return pa.table(value)
        except (pa.ArrowException, ValueError, TypeError, AttributeError) as error:
            raise Mismatch("a table (%s)" % error, value) from None
        raise Mismatch("a list of records, or an object of columns", value)

    media: Dict[str, Any] = {}
    for one in (ARROW, ARROW_FILE):
        media[one] = lambda body, parameters, name=one: _arrow_table(body, name)  # noqa: ARG005
    rows = {"type": "array", "items": {"type": "object"}}
    return Kind(take, {"anyOf": [rows, {"type": "object"}]}, [{"column": 0.0}], media=media)


def _arrow_table(body: Any, media: str) -> Any:
    import pyarrow as pa
    import pyarrow.ipc

    buffer = pa.py_buffer(own(body))
    read = pa.ipc.open_stream if media == ARROW else pa.ipc.open_file
    return read(buffer).read_all()


def _image(annotation: Any) -> Kind:
    module = sys.modules[annotation.__module__]

    def open_image(body: Any, parameters: Mapping[str, str]) -> Any:  # noqa: ARG001  # a decoder's signature
        image = module.open(io.BytesIO(body))
        # Pillow reads the head alone until somebody wants pixels:
        # a broken image has to fail here, as the client's mistake
        image.load()
        return image

    def take(value: Any) -> Any:
        import base64

        if type(value) is str:
            try:
                # without `validate` letters that are none of base64 are
                # skipped (docs of `base64`), and any text is an image
                return open_image(base64.b64decode(value, validate=True), {})
            except (ValueError, OSError):
                pass
        raise Mismatch("an image, as a string of base64", value)

    schema = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*"}
    # any media type: Pillow finds out by itself what it is, and knows more formats than could be listed here
    return Kind(take, schema, "", media={"*": open_image})


_KNOWN: "tuple[tuple[str, str, Callable[[Any], Kind]], ...]" = (
    ("numpy", "ndarray", _array),
    ("pandas", "DataFrame", _frame),
    ("pyarrow", "Table", _table),
    ("PIL.Image", "Image", _image),
)
