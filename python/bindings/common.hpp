// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PYTHON_COMMON_HPP
#define FILMATLAS_PYTHON_COMMON_HPP

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/run_info.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file common.hpp
/// @brief What every binding file needs: arrays in, arrays out, progress, and the list of stages.
///
/// The bindings only move arguments. Inputs are checked and converted in Python (`_validation.py`) and arrive as
/// C-contiguous arrays of the right dtype; results are bound values whose arrays are read-only views that keep their owner alive.

namespace filmatlas::python {

namespace py = pybind11;
using namespace pybind11::literals;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

/// Two-dimensional view of an array that outlives the call.
template <class T>
MatrixView<const T> view_2d(const Array<T>& array, const char* name) {
    if (array.ndim() != 2) throw_shape(name, "expected two dimensions, got " + std::to_string(array.ndim()));
    return {array.data(), array.shape(0), array.shape(1)};
}

template <class T>
std::span<const T> view_1d(const Array<T>& array, const char* name) {
    if (array.ndim() != 1) throw_shape(name, "expected one dimension, got " + std::to_string(array.ndim()));
    return {array.data(), static_cast<std::size_t>(array.shape(0))};
}

template <class T>
std::vector<T> copy_1d(const Array<T>& array, const char* name) {
    const auto values = view_1d(array, name);
    return {values.begin(), values.end()};
}

template <class T>
Matrix<T> copy_2d(const Array<T>& array, const char* name) {
    const auto source = view_2d(array, name);
    return Matrix<T>(source.rows, source.cols, std::vector<T>(source.data, source.data + source.rows * source.cols));
}

inline void set_read_only(py::array& array) {
    py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
}

/// Read-only array over memory that `owner` keeps alive.
template <class T>
py::array borrow(const T* data, std::vector<py::ssize_t> shape, py::handle owner) {
    py::array_t<T> array(std::move(shape), data, owner);
    set_read_only(array);
    return array;
}
template <class T>
py::array borrow(const std::vector<T>& values, py::handle owner) {
    return borrow(values.data(), {static_cast<py::ssize_t>(values.size())}, owner);
}
template <class T>
py::array borrow(const Matrix<T>& values, py::handle owner) {
    return borrow(values.data(), {values.rows(), values.cols()}, owner);
}

/// Read-only array that owns the vector's memory, moved into a capsule.
template <class T>
py::array give(std::vector<T> values, std::vector<py::ssize_t> shape) {
    auto owner = std::make_unique<std::vector<T>>(std::move(values));
    const T* data = owner->data();
    py::capsule capsule(owner.get(), [](void* pointer) { delete static_cast<std::vector<T>*>(pointer); });
    owner.release();
    return borrow(data, std::move(shape), capsule);
}
template <class T>
py::array give(std::vector<T> values) {
    const auto size = static_cast<py::ssize_t>(values.size());
    return give(std::move(values), {size});
}
template <class T>
py::array give(Matrix<T> values) {
    const py::ssize_t rows = values.rows();
    const py::ssize_t cols = values.cols();
    return give(std::move(values.values()), {rows, cols});
}

/// (shape, indptr, indices, values) of a sparse matrix.
template <class T>
py::tuple borrow_csr(const CsrMatrix<T>& matrix, py::handle owner) {
    return py::make_tuple(py::make_tuple(matrix.rows, matrix.cols), borrow(matrix.indptr, owner),
                          borrow(matrix.indices, owner), borrow(matrix.values, owner));
}
template <class T>
py::tuple give_csr(CsrMatrix<T> matrix) {
    const auto shape = py::make_tuple(matrix.rows, matrix.cols);
    return py::make_tuple(shape, give(std::move(matrix.indptr)), give(std::move(matrix.indices)),
                          give(std::move(matrix.values)));
}
/// Sparse matrix from checked arrays.
template <class T>
CsrMatrix<T> copy_csr(std::int64_t rows, std::int64_t cols, const Array<std::int64_t>& indptr,
                      const Array<Index>& indices, const Array<T>& values) {
    CsrMatrix<T> matrix;
    matrix.rows = rows;
    matrix.cols = cols;
    matrix.indptr = copy_1d(indptr, "indptr");
    matrix.indices = copy_1d(indices, "indices");
    matrix.values = copy_1d(values, "values");
    return matrix;
}

inline py::dict run_dict(const RunInfo& run) {
    return py::dict("iterations"_a = run.iterations, "converged"_a = run.converged, "seconds"_a = run.seconds,
                    "warnings"_a = run.warnings);
}

/// Figures and, where they were counted, per-item values that `owner` keeps alive.
py::dict quality_dict(const LayoutQuality& quality, py::handle owner);

/// Progress that polls signals (Ctrl-C) and calls `callback(stage, done, total)` when it is not None; a result of False
/// cancels. `callback` has to outlive the value. Calls come on the thread that entered the library.
Progress make_progress(py::handle callback);

/// Runs `work(progress)` without the GIL.
template <class Work>
auto run_released(py::handle callback, Work&& work) {
    const Progress progress = make_progress(callback);
    py::gil_scoped_release released;
    return work(progress);
}
template <class Work>
auto run_released(Work&& work) {
    py::gil_scoped_release released;
    return work();
}

void bind_core(py::module_& module);
void bind_profile(py::module_& module);
void bind_sources(py::module_& module);
void bind_text(py::module_& module);
void bind_labels(py::module_& module);
void bind_topics(py::module_& module);
void bind_neighbors(py::module_& module);
void bind_cluster(py::module_& module);
void bind_hierarchy_tools(py::module_& module);
void bind_linkage(py::module_& module);
void bind_density(py::module_& module);
void bind_layout(py::module_& module);
void bind_linalg(py::module_& module);
void bind_atlas(py::module_& module);

}  // namespace filmatlas::python
#endif  // FILMATLAS_PYTHON_COMMON_HPP
