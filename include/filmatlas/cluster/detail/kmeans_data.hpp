// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_KMEANS_DATA_HPP
#define FILMATLAS_CLUSTER_DETAIL_KMEANS_DATA_HPP

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "filmatlas/cluster/detail/squared_distance.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"

/// @file kmeans_data.hpp
/// @brief What the parts of k-means share: distances, the data of a call, sums in a fixed order.

namespace filmatlas::detail {

inline constexpr std::int64_t kKMeansGrain = 512;     ///< rows per block of work
inline constexpr std::int64_t kKMeansMaxGroups = 64;  ///< lower bounds kept per row

/// Squared distance from the product. Where that cancels it is made from the differences instead, so that
/// near and equal rows are told apart at full precision.
inline float kmeans_distance_from_product(float square_x, float square_c, float dot, const float* x,
                                          const float* c, std::int64_t d) {
    const float sum = square_x + square_c;
    const float distance = sum - 2.0F * dot;
    if (distance > 1e-3F * sum) return distance;
    return static_cast<float>(squared_distance(x, c, d));
}

/// The data of one call: rows (moved to their mean where that saves precision), weights, squared norms.
struct KMeansData {
    MatrixView<const float> X;
    std::span<const double> weights;
    std::vector<float> squares;
    std::vector<double> mean;  ///< that the rows were moved by; empty = not moved
    double mean_variance = 0;  ///< of a column
    int num_threads = 0;

    double weight(std::int64_t i) const {
        return weights.empty() ? 1.0 : weights[static_cast<std::size_t>(i)];
    }
    const float* row(std::int64_t i) const { return X.row_data(i); }
};

/// Column means in float64, blocks added in order.
inline std::vector<double> kmeans_column_means(MatrixView<const float> X, std::span<const double> weights,
                                               int num_threads) {
    const std::int64_t blocks = (X.rows + kKMeansGrain - 1) / kKMeansGrain;
    Matrix<double> partial(blocks, X.cols + 1);
    parallel_for(X.rows, kKMeansGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
        double* sum = partial.row_data(begin / kKMeansGrain);
        for (std::int64_t i = begin; i < end; ++i) {
            const double weight = weights.empty() ? 1.0 : weights[static_cast<std::size_t>(i)];
            for (std::int64_t j = 0; j < X.cols; ++j) sum[j] += weight * static_cast<double>(X(i, j));
            sum[X.cols] += weight;
        }
    });
    std::vector<double> mean(static_cast<std::size_t>(X.cols) + 1, 0.0);
    for (std::int64_t b = 0; b < blocks; ++b) {
        for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += partial(b, static_cast<std::int64_t>(j));
    }
    const double total = mean.back();
    mean.pop_back();
    for (double& value : mean) value /= total;
    return mean;
}

/// Sum over the rows of value(i), float64, blocks added in order.
template <class Value>
double kmeans_sum(std::int64_t n, int num_threads, const Value& value) {
    std::vector<double> partial(static_cast<std::size_t>((n + kKMeansGrain - 1) / kKMeansGrain), 0.0);
    parallel_for(n, kKMeansGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
        double sum = 0;
        for (std::int64_t i = begin; i < end; ++i) sum += value(i);
        partial[static_cast<std::size_t>(begin / kKMeansGrain)] = sum;
    });
    return std::accumulate(partial.begin(), partial.end(), 0.0);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_KMEANS_DATA_HPP
