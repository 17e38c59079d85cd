// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_NEIGHBORS_KNN_DATA_HPP
#define FILMATLAS_TESTS_NEIGHBORS_KNN_DATA_HPP

#include <cmath>
#include <cstdint>
#include <cstring>

#include "filmatlas/neighbors/knn_graph.hpp"
#include "support/levels.hpp"

namespace testing {

inline constexpr filmatlas::Metric all_metrics[] = {
    filmatlas::Metric::Cosine, filmatlas::Metric::Euclidean, filmatlas::Metric::SqEuclidean,
    filmatlas::Metric::InnerProduct, filmatlas::Metric::Manhattan};

inline filmatlas::Matrix<float> gaussian(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
    return random_matrix(rows, cols, seed, "knn test");
}

/// The distance as its definition reads, in float64.
inline double true_distance(filmatlas::Metric metric, const float* a, const float* b, std::int64_t d) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    double squared = 0;
    double absolute = 0;
    for (std::int64_t k = 0; k < d; ++k) {
        const double x = static_cast<double>(a[k]);
        const double y = static_cast<double>(b[k]);
        dot += x * y;
        aa += x * x;
        bb += y * y;
        squared += (x - y) * (x - y);
        absolute += std::abs(x - y);
    }
    switch (metric) {
        case filmatlas::Metric::Cosine: return 1 - dot / std::sqrt(aa * bb);
        case filmatlas::Metric::Euclidean: return std::sqrt(squared);
        case filmatlas::Metric::SqEuclidean: return squared;
        case filmatlas::Metric::InnerProduct: return -dot;
        case filmatlas::Metric::Manhattan: return absolute;
    }
    return 0;
}

/// The same lists to the bit, of the same rows, with the same recall.
inline bool same_graph(const filmatlas::KnnGraph& a, const filmatlas::KnnGraph& b) {
    const auto& x = a.distances.values();
    const auto& y = b.distances.values();
    return a.indices == b.indices && x.size() == y.size() &&
           std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0 && a.invalid_rows == b.invalid_rows &&
           a.invalid_reasons == b.invalid_reasons && a.recall == b.recall && a.recall_low == b.recall_low &&
           a.recall_high == b.recall_high;
}

}  // namespace testing
#endif  // FILMATLAS_TESTS_NEIGHBORS_KNN_DATA_HPP
