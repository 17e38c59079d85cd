// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_CSR_HPP
#define FILMATLAS_LINALG_CSR_HPP

#include <cstdint>
#include <span>
#include <vector>

#include "filmatlas/core/matrix.hpp"

/// @file csr.hpp
/// @brief Compressed sparse rows; within a row the columns ascend and none occurs twice.

namespace filmatlas {

template <class T>
struct CsrMatrix {
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    std::vector<std::int64_t> indptr = {0};  ///< rows + 1 offsets
    std::vector<Index> indices;              ///< column ids
    std::vector<T> values;

    std::int64_t nnz() const noexcept { return static_cast<std::int64_t>(indices.size()); }
    std::span<const Index> row_indices(std::int64_t i) const {
        const auto begin = static_cast<std::size_t>(indptr[static_cast<std::size_t>(i)]);
        return {indices.data() + begin, static_cast<std::size_t>(indptr[static_cast<std::size_t>(i) + 1]) - begin};
    }
    std::span<const T> row_values(std::int64_t i) const {
        const auto begin = static_cast<std::size_t>(indptr[static_cast<std::size_t>(i)]);
        return {values.data() + begin, static_cast<std::size_t>(indptr[static_cast<std::size_t>(i) + 1]) - begin};
    }
    bool operator==(const CsrMatrix&) const = default;
};

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_CSR_HPP
