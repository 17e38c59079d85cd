// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_LAYOUT_DATA_HPP
#define FILMATLAS_TESTS_LAYOUT_DATA_HPP

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"
#include "support/levels.hpp"

namespace filmatlas::testing {

/// Euclidean k nearest by (distance, id), one by one in float64.
inline KnnGraph brute_graph(const Matrix<float>& x, int k) {
    const std::int64_t n = x.rows();
    KnnGraph graph;
    graph.metric = Metric::Euclidean;
    graph.method = "exact";
    graph.indices = Matrix<Index>(n, k);
    graph.distances = Matrix<float>(n, k);
    for (std::int64_t i = 0; i < n; ++i) {
        std::vector<std::pair<double, Index>> near;
        bool valid = true;
        for (const float v : x.row(i)) valid = valid && std::isfinite(v);
        if (!valid) graph.invalid_rows.push_back(static_cast<Index>(i));
        for (std::int64_t j = 0; j < n && valid; ++j) {
            double sum = 0;
            for (std::int64_t d = 0; d < x.cols(); ++d) {
                const double gap = static_cast<double>(x(i, d)) - static_cast<double>(x(j, d));
                sum += gap * gap;
            }
            if (j != i && std::isfinite(sum)) near.emplace_back(std::sqrt(sum), static_cast<Index>(j));
        }
        std::sort(near.begin(), near.end());
        for (int s = 0; s < k; ++s) {
            const auto slot = static_cast<std::size_t>(s);
            graph.indices(i, s) = slot < near.size() ? near[slot].second : -1;
            graph.distances(i, s) = slot < near.size() ? static_cast<float>(near[slot].first)
                                                       : std::numeric_limits<float>::infinity();
        }
    }
    return graph;
}

/// `groups` normal clouds in d dimensions, item i in cloud i % groups; centres `gap` apart on the axes.
inline Matrix<float> blobs(std::int64_t n, std::int64_t d, int groups, double gap, std::uint64_t seed = 1) {
    Matrix<float> x(n, d);
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream stream(seed, "blobs", static_cast<std::uint64_t>(i));
        for (std::int64_t k = 0; k < d; ++k) {
            x(i, k) = static_cast<float>(stream.normal() + (i % groups == k ? gap : 0.0));
        }
    }
    return x;
}

/// The first ten rows of Fisher's iris data.
inline Matrix<float> iris10() {
    return Matrix<float>(10, 4, {5.1F, 3.5F, 1.4F, 0.2F, 4.9F, 3.0F, 1.4F, 0.2F, 4.7F, 3.2F, 1.3F, 0.2F, 4.6F, 3.1F,
                                 1.5F, 0.2F, 5.0F, 3.6F, 1.4F, 0.2F, 5.4F, 3.9F, 1.7F, 0.4F, 4.6F, 3.4F, 1.4F, 0.3F,
                                 5.0F, 3.4F, 1.5F, 0.2F, 4.4F, 2.9F, 1.4F, 0.2F, 4.9F, 3.1F, 1.5F, 0.1F});
}

inline Matrix<double> dense(const CsrMatrix<float>& sparse) {
    Matrix<double> out(sparse.rows, sparse.cols);
    for (std::int64_t i = 0; i < sparse.rows; ++i) {
        for (std::size_t e = 0; e < sparse.row_indices(i).size(); ++e) {
            out(i, sparse.row_indices(i)[e]) = static_cast<double>(sparse.row_values(i)[e]);
        }
    }
    return out;
}

/// `make(num_threads)` gives equal values for every number of threads and instruction set. @return the value.
template <class Make>
auto check_same_everywhere(Make&& make) {
    const auto one = make(1);
    for (const int threads : {2, 3, 8}) {
        CAPTURE(threads);
        CHECK(make(threads) == one);
    }
    for (const char* level : ::testing::simd_words) {
        const ::testing::SimdLevelScope simd(level);
        CAPTURE(level);
        CHECK(make(2) == one);
    }
    return one;
}

inline bool all_finite(const Matrix<float>& y) {
    return std::all_of(y.values().begin(), y.values().end(), [](float v) { return std::isfinite(v); });
}

/// Share of items whose nearest other item on the map is of the same group (i % groups).
inline double nearest_same_group(const Matrix<float>& y, int groups) {
    std::int64_t same = 0;
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        double best = std::numeric_limits<double>::infinity();
        std::int64_t nearest = -1;
        for (std::int64_t j = 0; j < y.rows(); ++j) {
            double sum = 0;
            for (std::int64_t d = 0; d < y.cols(); ++d) {
                const double gap = static_cast<double>(y(i, d)) - static_cast<double>(y(j, d));
                sum += gap * gap;
            }
            if (j != i && sum < best) {
                best = sum;
                nearest = j;
            }
        }
        same += nearest % groups == i % groups ? 1 : 0;
    }
    return static_cast<double>(same) / static_cast<double>(y.rows());
}

}  // namespace filmatlas::testing
#endif  // FILMATLAS_TESTS_LAYOUT_DATA_HPP
