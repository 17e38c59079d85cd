# SPDX-License-Identifier: MIT
"""What the estimators share: scikit-learn's base classes, or stand-ins where it is not installed."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ._errors import raise_invalid, raise_shape
from ._validation import as_matrix
from ._values import CsrMatrix

__all__ = [
    "HAS_SKLEARN",
    "BaseEstimator",
    "ClassNamePrefixFeaturesOutMixin",
    "ClusterMixin",
    "Estimator",
    "NotFittedError",
    "Transformer",
    "TransformerMixin",
    "metric_name",
    "need_samples",
    "scipy_csr",
    "seed_of",
    "threads_of",
]

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
    from sklearn.exceptions import NotFittedError
    from sklearn.utils import check_random_state

    HAS_SKLEARN = True
except ImportError:
    HAS_SKLEARN = False

    class NotFittedError(ValueError, AttributeError):  # type: ignore[no-redef]
        """An estimator is used before it was fitted."""

    class BaseEstimator:  # type: ignore[no-redef]
        """get_params, set_params and repr."""

        @classmethod
        def _names(cls) -> list[str]:
            return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """Parameters of the constructor."""
            return {name: getattr(self, name) for name in self._names()}

        def set_params(self, **params: Any) -> Any:
            """Sets parameters of the constructor."""
            for name, value in params.items():
                if name not in self._names():
                    raise ValueError(f"{name!r} is no parameter of {type(self).__name__}")
                setattr(self, name, value)
            return self

        def __repr__(self) -> str:
            defaults = inspect.signature(type(self).__init__).parameters
            changed = [
                f"{n}={v!r}" for n, v in self.get_params().items() if not _same(v, defaults[n].default)
            ]
            return f"{type(self).__name__}({', '.join(changed)})"

    class ClusterMixin:  # type: ignore[no-redef]
        """fit_predict."""

        def fit_predict(self, X: Any, y: Any = None, **kwargs: Any) -> Any:
            """Fits and returns the labels."""
            return self.fit(X, **kwargs).labels_  # type: ignore[attr-defined]

    class TransformerMixin:  # type: ignore[no-redef]
        """fit_transform."""

        def fit_transform(self, X: Any, y: Any = None) -> Any:
            """Fits and transforms."""
            return self.fit(X, y).transform(X)  # type: ignore[attr-defined]

    class ClassNamePrefixFeaturesOutMixin:  # type: ignore[no-redef]
        """get_feature_names_out."""

        def get_feature_names_out(self, input_features: Any = None) -> Any:
            """Names like "umap0", "umap1"."""
            prefix = type(self).__name__.lower()
            return np.array([f"{prefix}{i}" for i in range(self._n_features_out)], dtype=object)  # type: ignore[attr-defined]


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))


_METRICS = {"minkowski": "euclidean", "l2": "euclidean", "l1": "manhattan", "cityblock": "manhattan"}


def metric_name(name: str) -> str:
    return _METRICS.get(name, name)


def threads_of(n_jobs: int | None) -> int:
    """scikit-learn's n_jobs: None and negative numbers mean 'choose'."""
    return 0 if n_jobs is None or n_jobs < 0 else int(n_jobs)


def scipy_csr(matrix: CsrMatrix) -> Any:
    """scipy.sparse where SciPy is installed, else a CsrMatrix."""
    try:
        return matrix.to_scipy()
    except ImportError:
        return matrix


def seed_of(random_state: Any) -> Any:
    if HAS_SKLEARN and isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(0, 2**31 - 1))
    return random_state


class Estimator(BaseEstimator):
    """Checks shared by all estimators on arrays."""

    def _array(self, X: Any, *, reset: bool) -> Any:
        where = type(self).__name__
        if HAS_SKLEARN:
            try:
                from sklearn.utils.validation import validate_data
            except ImportError:  # before 1.6
                X = self._validate_data(X, dtype=[np.float32, np.float64], reset=reset)
            else:
                X = validate_data(self, X, dtype=[np.float32, np.float64], reset=reset)
            return as_matrix(X, where)
        matrix = as_matrix(X, where)
        if not np.isfinite(matrix).all():
            row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
            raise_invalid(where, "Input X contains NaN or infinity", "drop or fill such rows", row=row)
        self._check_features(matrix.shape, where, reset)
        return matrix

    def _check_features(self, shape: tuple[int, ...], where: str, reset: bool) -> None:
        """What scikit-learn's validation says of a shape, for where it is not installed."""
        if shape[0] == 0 or shape[1] == 0:
            raise_shape(where, f"X has shape {shape}", "a minimum of 1 sample and 1 feature is required")
        if reset:
            self.n_features_in_ = shape[1]
        elif shape[1] != self.n_features_in_:
            raise_shape(
                where, f"X has {shape[1]} features, but {where} is expecting {self.n_features_in_} features"
            )

    def _check_fitted(self, attribute: str) -> None:
        if not hasattr(self, attribute):
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments first."
            )


class Transformer(TransformerMixin, ClassNamePrefixFeaturesOutMixin, Estimator):
    """A transformer that works in, and returns, float32."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def need_samples(X: Any, least: int, where: str) -> None:
    if X.shape[0] < least:
        raise_shape(
            where,
            f"Found array with {X.shape[0]} sample(s) (n_samples={X.shape[0]})",
            f"a minimum of {least} is required",
        )
