// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PYTHON_ROWS_HPP
#define FILMATLAS_PYTHON_ROWS_HPP

#include <string>
#include <utility>
#include <vector>

#include "common.hpp"
#include "filmatlas/linalg/vector_rows.hpp"

/// @file rows.hpp
/// @brief NumPy arrays as rows, where they lie: any numeric dtype and any strides.

namespace filmatlas::python {

inline ScalarType scalar_of(const py::array& array, bool bfloat16) {
    const char kind = array.dtype().kind();
    const auto size = array.itemsize();
    const auto pick = [size](ScalarType one, ScalarType two, ScalarType four, ScalarType eight) {
        return size == 1 ? one : size == 2 ? two : size == 4 ? four : eight;
    };
    if (bfloat16 && kind == 'u' && size == 2) return ScalarType::BFloat16;
    if (kind == 'f' && (size == 2 || size == 4 || size == 8)) {
        return pick(ScalarType::Float16, ScalarType::Float16, ScalarType::Float32, ScalarType::Float64);
    }
    if (kind == 'i' && size <= 8) return pick(ScalarType::Int8, ScalarType::Int16, ScalarType::Int32, ScalarType::Int64);
    if ((kind == 'u' || kind == 'b') && size <= 8) {
        return pick(ScalarType::UInt8, ScalarType::UInt16, ScalarType::UInt32, ScalarType::UInt64);
    }
    throw_invalid("VectorRows", "dtype", std::string("has kind '") + kind + "'", "use real numbers");
}

/// Arrays side by side, checked by `as_rows` of `_validation.py`: [(array, weight)]; they outlive the call, because
/// this holds them.
class HeldRows {
public:
    HeldRows(const std::vector<std::pair<py::array, double>>& parts, bool bfloat16, bool unit_parts) {
        options_.unit_parts = unit_parts;
        for (const auto& [array, weight] : parts) {
            if (array.ndim() != 2) throw_shape("VectorRows", "expected two dimensions");
            held_.push_back(array);
            parts_.push_back({{array.data(), scalar_of(array, bfloat16), array.shape(0), array.shape(1),
                               array.strides(0), array.strides(1)},
                              weight});
        }
    }

    /// One array is taken as it is; several are joined by weight. Needs no GIL.
    VectorRows rows(int num_threads) const {
        if (parts_.size() == 1) return VectorRows(parts_.front().array);
        SideBySideOptions options = options_;
        options.num_threads = num_threads;
        return VectorRows(parts_, options);
    }

private:
    std::vector<py::array> held_;
    std::vector<WeightedArray> parts_;
    SideBySideOptions options_;
};

/// (arrays with weights, whether 16-bit unsigned ones are bfloat16, whether parts are scaled to unit norm).
using RowsTuple = std::tuple<std::vector<std::pair<py::array, double>>, bool, bool>;

inline HeldRows held_rows(const RowsTuple& given) {
    return {std::get<0>(given), std::get<1>(given), std::get<2>(given)};
}

}  // namespace filmatlas::python
#endif  // FILMATLAS_PYTHON_ROWS_HPP
