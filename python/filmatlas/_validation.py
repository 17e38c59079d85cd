# SPDX-License-Identifier: MIT
"""The one gate for arrays, texts and numbers that come from outside.

Everything numeric becomes C-contiguous float32: without a copy when it already is, in blocks otherwise. Input is never
changed. What cannot be meant as numbers is refused with a TypeError; what would silently become infinite, with
its row and column.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_shape, raise_type

if TYPE_CHECKING:
    import numpy.typing as npt

_BLOCK = 1 << 20  # elements converted at once
_INT32 = (-(2**31), 2**31 - 1)


def _frame_to_array(frame: Any, where: str) -> Any:
    """Values of a pandas- or polars-like table whose columns are all numbers."""
    for name in frame.columns:
        column = frame[name]
        kind = np.asarray(column).dtype.kind
        if kind in "fiub":
            continue
        if kind == "O":  # nullable numbers; anything else fails to convert
            with contextlib.suppress(TypeError, ValueError):
                column.to_numpy(dtype="float64", na_value=np.nan)
                continue
        raise_type(
            where,
            f"column {name!r} of the table does not hold numbers",
            "select the numeric columns first",
            column=str(name),
        )
    values = frame.to_numpy()
    if values.dtype.kind == "O":  # pandas, with nullable numbers among the columns
        values = frame.to_numpy(dtype="float64", na_value=np.nan)
    return values


def _ragged_row(rows: Any) -> tuple[int, int, int] | None:
    """First row of another length than the first: (row, its length, the first's length)."""
    try:
        lengths = [len(row) for row in rows]
    except TypeError:
        return None
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            return row, length, lengths[0]
    return None


def _as_numeric(X: Any, where: str, name: str) -> npt.NDArray[Any]:
    if hasattr(X, "vectors") and hasattr(X, "similarity_shares"):  # Embedding
        X = X.vectors
    elif hasattr(X, "coordinates") and hasattr(X, "quality"):  # Layout
        X = X.coordinates
    if isinstance(X, (str, bytes)):
        raise_type(
            where, f"{name} is a text, not an array", "read a file first, e.g. filmatlas.read_npy(path)"
        )
    if hasattr(X, "tocsr") or hasattr(X, "todense"):
        raise_type(where, f"{name} is a sparse matrix", "pass a dense array, e.g. X.toarray()")
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise_type(where, f"{name} has masked values", "fill them, e.g. X.filled(numpy.nan)")
    if hasattr(X, "columns") and hasattr(X, "to_numpy") and not isinstance(X, np.ndarray):
        X = _frame_to_array(X, where)
    try:
        array = np.asarray(X)
    except ValueError:
        ragged = _ragged_row(X)
        if ragged is None:
            raise
        raise_shape(
            where,
            f"row {ragged[0]} of {name} has {ragged[1]} values, row 0 has {ragged[2]}",
            "every row needs the same length",
            row=ragged[0],
        )
    kind = array.dtype.kind
    if kind == "c":
        raise_type(where, f"Complex data not supported: {name} has dtype {array.dtype}", "pass real numbers")
    if kind == "O":
        try:  # Python numbers and Decimal, but never text
            if any(isinstance(value, (str, bytes)) for value in array.ravel()[:1000]):
                raise TypeError
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise_type(
                where, f"{name} has dtype object with values that are not numbers", "pass numbers only"
            )
    elif kind not in "fiub":
        raise_type(where, f"{name} has dtype {array.dtype}, which is not numeric", "pass numbers only")
    return array


def as_matrix(X: Any, where: str, name: str = "X") -> npt.NDArray[np.float32]:
    """(n, d) C-contiguous float32; the same memory when `X` already is that."""
    array = _as_numeric(X, where, name)
    if array.ndim != 2:
        raise_shape(
            where,
            f"Expected 2D array, got {array.ndim}D array instead: {name} has shape {array.shape}",
            "Reshape your data, one row per item: X.reshape(-1, 1) for one feature, X.reshape(1, -1) for one item",
        )
    if array.shape[0] > _INT32[1]:
        raise_shape(where, f"{name} has {array.shape[0]} rows", "at most 2,147,483,647 items are supported")
    if array.dtype == np.float32 and array.dtype.isnative:
        return np.ascontiguousarray(array)
    out = np.empty(array.shape, dtype=np.float32)
    may_overflow = array.dtype.kind == "f" and array.dtype.itemsize > 4
    step = max(1, _BLOCK // max(1, array.shape[1]))
    for start in range(0, array.shape[0], step):
        source = array[start : start + step]
        target = out[start : start + step]
        with np.errstate(over="ignore", invalid="ignore"):
            np.copyto(target, source, casting="unsafe")
        if may_overflow:
            lost = np.isinf(target) & np.isfinite(source)
            if lost.any():
                row, column = (int(i) for i in np.argwhere(lost)[0])
                raise_invalid(
                    where,
                    f"{name}[{start + row}, {column}] = {source[row, column]!s} does not fit float32",
                    "rescale the data",
                    row=start + row,
                    column=str(column),
                )
    return out


def _as_part(X: Any, where: str, name: str, brain: bool) -> npt.NDArray[Any]:
    """A two-dimensional array of a dtype that the core reads where it lies."""
    array = _as_numeric(X, where, name)
    if brain and array.dtype != np.uint16:
        raise_type(
            where,
            f"{name} has dtype {array.dtype}, bfloat16 is brought as uint16",
            'pass X.view(numpy.uint16), or leave out dtype="bfloat16"',
        )
    readable = array.dtype.kind in "iub" or array.dtype in (np.float16, np.float32, np.float64)
    if array.ndim != 2 or array.shape[0] > _INT32[1] or not readable or not array.dtype.isnative:
        return as_matrix(array, where, name)
    return array


def as_rows(
    X: Any,
    where: str,
    name: str = "X",
    *,
    dtype: Any = None,
    weights: Any = None,
    metric: str = "cosine",
) -> tuple[list[tuple[Any, float]], bool, bool]:
    """Vectors for the core, where they lie: ([(array, weight)], uint16 is bfloat16, parts become unit vectors).

    Numbers of 8 to 64 bits in native byte order are not copied, whatever their strides; others become float32.
    A dictionary or list of arrays stands for parts side by side, with `weights` by name or in their order.
    """
    if dtype is not None and str(dtype) != "bfloat16":
        raise_invalid(where, f"dtype = {dtype!r}", 'use "bfloat16" for uint16 arrays that hold it, or leave it out')
    brain = dtype is not None
    named: list[tuple[str, Any]]
    if isinstance(X, Mapping) and not hasattr(X, "columns"):
        named = [(str(key), part) for key, part in X.items()]
    elif isinstance(X, (list, tuple)) and X and all(len(getattr(part, "shape", ())) == 2 for part in X):
        named = [(f"{name}[{i}]", part) for i, part in enumerate(X)]
    else:
        if weights is not None:
            raise_invalid(where, f"weights are given, but {name} is one array", "pass a dictionary or list of arrays")
        return [(_as_part(X, where, name, brain), 1.0)], brain, True
    if not named:
        raise_invalid(where, f"{name} holds no arrays", "give at least one")
    if len(named) > 1 and metric == "manhattan":
        raise_invalid(where, "metric = 'manhattan' does not add up over weighted parts", "use another metric")
    if isinstance(weights, Mapping):
        unknown = sorted(set(map(str, weights)) - {key for key, _ in named})
        if unknown:
            raise_invalid(
                where, f"weights name {unknown[0]!r}, which is no part", f"parts: {', '.join(key for key, _ in named)}"
            )
        given = [as_float(weights.get(key, 1.0), where, "weights") for key, _ in named]
    elif weights is None:
        given = [1.0] * len(named)
    else:
        given = [as_float(weight, where, "weights") for weight in weights]
        if len(given) != len(named):
            raise_invalid(where, f"{len(given)} weights for {len(named)} parts", "give one weight per part")
    parts = [(_as_part(part, where, key, brain), weight) for (key, part), weight in zip(named, given)]
    return parts, brain, metric == "cosine"


def as_matrix64(X: Any, where: str, name: str = "X") -> npt.NDArray[np.float64]:
    """(n, d) C-contiguous float64."""
    array = _as_numeric(X, where, name)
    if array.ndim != 2:
        raise_shape(where, f"{name} has shape {array.shape}, expected two dimensions", "one row per item")
    return np.ascontiguousarray(array, dtype=np.float64)


def as_vector64(values: Any, where: str, name: str) -> npt.NDArray[np.float64]:
    """(n,) C-contiguous float64."""
    array = _as_numeric(values, where, name)
    if array.ndim != 1:
        raise_shape(where, f"{name} has shape {array.shape}, expected one dimension")
    return np.ascontiguousarray(array, dtype=np.float64)


def as_index_array(values: Any, where: str, name: str, ndim: int = 1) -> npt.NDArray[np.int32]:
    """C-contiguous int32; other integers are checked for range, floats refused unless whole."""
    array = np.asarray(values)
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.int32)
    if array.dtype.kind == "f":
        if not np.all(np.isfinite(array)) or np.any(array != np.trunc(array)):
            raise_type(where, f"{name} holds fractions or missing values, expected integers")
    elif array.dtype.kind not in "iub":
        raise_type(where, f"{name} has dtype {array.dtype}, expected integers")
    if array.ndim != ndim:
        raise_shape(
            where, f"{name} has shape {array.shape}, expected {ndim} dimension{'s' if ndim > 1 else ''}"
        )
    if array.size and (array.min() < _INT32[0] or array.max() > _INT32[1]):
        raise_invalid(where, f"{name} holds values beyond 32 bits")
    return np.ascontiguousarray(array, dtype=np.int32)


def as_text(value: Any) -> str:
    """Text that the core can take as UTF-8: lone surrogates become U+FFFD."""
    text = str(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text


def as_text_column(texts: Any, where: str, name: str = "texts") -> _core.TextColumn:
    """Texts as the core reads them: in place, where they are Python strings or lie in an Arrow column.

    Columns of polars, pyarrow, pandas' Arrow-backed strings and all else with the Arrow PyCapsule interface.
    """
    if isinstance(texts, _core.TextColumn):
        return texts
    objects = isinstance(texts, (list, tuple, np.ndarray)) or str(getattr(texts, "dtype", "")) == "object"
    if not objects and (hasattr(texts, "__arrow_c_stream__") or hasattr(texts, "__arrow_c_array__")):
        column = _core.TextColumn.of_arrow(texts)
        if column is not None:
            return column
    if hasattr(texts, "to_list"):
        texts = texts.to_list()
    try:
        return _core.TextColumn(texts if isinstance(texts, list) else as_texts(texts, where, name))
    except ValueError:  # a missing value of another kind, a lone surrogate, or no text at all
        return _core.TextColumn(as_texts(texts, where, name))


def as_texts(texts: Any, where: str, name: str = "texts") -> list[str]:
    """A list of str; None counts as an empty text."""
    if isinstance(texts, (str, bytes)):
        raise_type(where, f"{name} is one text, expected a list of texts", f"pass [{name}]")
    if hasattr(texts, "columns"):
        raise_type(where, f"{name} is a table, expected a list of texts", "pass one column of it")
    if hasattr(texts, "to_list"):
        texts = texts.to_list()
    elif hasattr(texts, "tolist"):
        texts = texts.tolist()
    try:
        values = list(texts)
    except TypeError:
        raise_type(where, f"{name} is a {type(texts).__name__}, expected a list of texts")
    out = []
    for row, value in enumerate(values):
        if isinstance(value, str):
            out.append(value if value.isascii() else as_text(value))
            continue
        if value is None or (isinstance(value, float) and value != value) or type(value).__name__ == "NAType":
            out.append("")
        else:
            raise_type(where, f"{name}[{row}] is a {type(value).__name__}, expected a text", row=row)
    return out


def as_int(value: Any, where: str, name: str, *, low: int = _INT32[0], high: int = _INT32[1]) -> int:
    """A Python or NumPy integer within [low, high]."""
    if isinstance(value, (bool, np.bool_)):
        raise_type(where, f"{name} = {value} is a truth value, expected an integer", column=name)
    try:
        number = operator.index(value)
    except TypeError:
        raise_type(where, f"{name} = {value!r} is not an integer", column=name)
    if not low <= number <= high:
        raise_invalid(where, f"{name} = {number} is outside [{low}, {high}]", column=name)
    return number


def as_optional_int(
    value: Any, where: str, name: str, *, low: int = _INT32[0], high: int = _INT32[1]
) -> int | None:
    """None, or an integer within [low, high]."""
    return None if value is None else as_int(value, where, name, low=low, high=high)


def as_float(value: Any, where: str, name: str) -> float:
    """A real number."""
    if isinstance(value, (str, bytes)):
        raise_type(where, f"{name} = {value!r} is a text, expected a number", column=name)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise_type(where, f"{name} = {value!r} is not a number", column=name)


def as_optional_float(value: Any, where: str, name: str) -> float | None:
    """None, or a real number."""
    return None if value is None else as_float(value, where, name)


def as_seed(random_state: Any, where: str, name: str = "random_state") -> int:
    """Seed in [0, 2**64): an integer as it is, a draw from a generator, fresh entropy for None."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(0, 2**63))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(0, 2**31 - 1))
    return as_int(random_state, where, name, low=0, high=2**64 - 1)


def as_names(names: Any, where: str, name: str) -> list[str]:
    """A list of str; one text alone is refused, because it would be taken letter by letter."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise_type(where, f"{name} = {names!r}, expected a list of texts", column=name)
    out = list(names)
    for value in out:
        if not isinstance(value, str):
            raise_type(where, f"{name} holds {value!r}, expected texts", column=name)
    return [value if value.isascii() else as_text(value) for value in out]


def as_counts_per_level(n_clusters: Any, where: str) -> list[int] | None:
    """None, or one integer per level."""
    if n_clusters is None:
        return None
    if isinstance(n_clusters, (str, bytes)) or not isinstance(n_clusters, (Sequence, np.ndarray)):
        raise_type(where, f"n_clusters = {n_clusters!r}, expected one integer per level, coarse to fine")
    return [as_int(value, where, f"n_clusters[{i}]") for i, value in enumerate(n_clusters)]
