// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_EXACT_ROWS_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_EXACT_ROWS_IMPL_HPP

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/neighbors/detail/knn_some_rows_impl.hpp"
#include "filmatlas/neighbors/exact_rows.hpp"

namespace filmatlas {

FILMATLAS_INLINE ExactRows exact_rows(const VectorRows& vectors, std::span<const Index> rows,
                                      const KnnOptions& options, const Progress& progress) {
    constexpr const char* stage = "exact_rows";
    validate(options);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] < 0 || rows[i] >= vectors.rows()) {
            throw_invalid(stage, "rows[" + std::to_string(i) + "]", "is " + std::to_string(rows[i]),
                          "use 0 to " + std::to_string(vectors.rows() - 1));
        }
    }
    const detail::KnnSpace space =
        detail::knn_make_space(stage, vectors, options.metric, options.num_threads, progress);
    const auto count = static_cast<std::int64_t>(rows.size());
    ExactRows result{Matrix<Index>(count, options.k), Matrix<float>(count, options.k)};
    std::fill(result.indices.values().begin(), result.indices.values().end(), -1);
    std::fill(result.distances.values().begin(), result.distances.values().end(),
              std::numeric_limits<float>::infinity());
    std::vector<std::int64_t> positions;
    std::vector<std::int64_t> place;
    for (std::int64_t i = 0; i < count; ++i) {
        const Index row = rows[static_cast<std::size_t>(i)];
        const auto found = std::lower_bound(space.valid.begin(), space.valid.end(), row);
        if (found == space.valid.end() || *found != row) continue;
        positions.push_back(found - space.valid.begin());
        place.push_back(i);
    }
    const std::int64_t slots = std::min<std::int64_t>(options.k, space.size() - 1);
    if (slots < 1 || positions.empty()) return result;
    detail::KnnSomeRows search(space, positions, slots);
    search.run(options.num_threads, progress, stage);
    for (std::size_t i = 0; i < place.size(); ++i) {
        search.write(static_cast<std::int64_t>(i), result.indices.row(place[i]),
                     result.distances.row(place[i]));
    }
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_NEIGHBORS_DETAIL_EXACT_ROWS_IMPL_HPP
