// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_VECTOR_SCORES_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_VECTOR_SCORES_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/partition_scores_impl.hpp"
#include "filmatlas/cluster/detail/squared_distance.hpp"
#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

/// What the mean distance to a cluster follows from: sums of the members' (scaled) vectors and squared norms.
struct ScoreClusters {
    std::vector<std::int64_t> sizes;
    Matrix<double> sums;
    std::vector<double> squares;
    std::vector<double> scale;   ///< per item: 1, or 1 / norm under cosine
    std::vector<double> square;  ///< per item: squared norm of the scaled vector
};

inline ScoreClusters score_clusters(MatrixView<const float> X, ScoreCodes& codes, Metric metric) {
    ScoreClusters out;
    out.sizes.assign(codes.values.size(), 0);
    out.sums = Matrix<double>(static_cast<std::int64_t>(codes.values.size()), X.cols);
    out.squares.assign(codes.values.size(), 0.0);
    out.scale.assign(static_cast<std::size_t>(X.rows), 1.0);
    out.square.assign(static_cast<std::size_t>(X.rows), 0.0);
    for (std::int64_t i = 0; i < X.rows; ++i) {
        Index& code = codes.code[static_cast<std::size_t>(i)];
        if (code < 0) continue;
        double norm2 = 0;
        for (const float value : X.row(i)) norm2 += static_cast<double>(value) * static_cast<double>(value);
        if (!std::isfinite(norm2) || (metric == Metric::Cosine && !(norm2 > 0))) {
            code = -1;
            continue;
        }
        double& scale = out.scale[static_cast<std::size_t>(i)];
        if (metric == Metric::Cosine) scale = 1.0 / std::sqrt(norm2);
        out.square[static_cast<std::size_t>(i)] = metric == Metric::Cosine ? 1.0 : norm2;
        out.squares[static_cast<std::size_t>(code)] += out.square[static_cast<std::size_t>(i)];
        ++out.sizes[static_cast<std::size_t>(code)];
        double* sum = out.sums.row_data(code);
        for (std::int64_t j = 0; j < X.cols; ++j) sum[j] += static_cast<double>(X(i, j)) * scale;
    }
    return out;
}

/// Centroids of the clusters, and per item its squared distance to its own (0 for items left out).
struct ScoreSpread {
    ScoreCodes codes;
    std::vector<std::int64_t> sizes;
    Matrix<double> centroids;
    std::vector<double> squared;
    std::int64_t clustered = 0;
};

inline ScoreSpread score_spread(const char* stage, MatrixView<const float> X, std::span<const Index> labels,
                                int num_threads) {
    if (static_cast<std::int64_t>(labels.size()) != X.rows) {
        throw_shape(stage, std::to_string(X.rows) + " rows but " + std::to_string(labels.size()) + " labels",
                    "pass one label per row");
    }
    ScoreSpread out;
    out.codes = score_codes(labels, true);
    ScoreClusters clusters = score_clusters(X, out.codes, Metric::SqEuclidean);
    out.sizes = std::move(clusters.sizes);
    out.centroids = std::move(clusters.sums);
    std::int64_t filled = 0;
    for (std::size_t c = 0; c < out.sizes.size(); ++c) {
        out.clustered += out.sizes[c];
        filled += out.sizes[c] > 0 ? 1 : 0;
        for (double& value : out.centroids.row(static_cast<std::int64_t>(c)))
            value /= std::max(1.0, static_cast<double>(out.sizes[c]));
    }
    if (filled < 2) {
        throw_invalid(stage, "labels", "hold " + std::to_string(filled) + " clusters", "pass at least two");
    }
    out.squared.assign(labels.size(), 0.0);
    parallel_for(X.rows, 512, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const Index own = out.codes.code[static_cast<std::size_t>(i)];
            if (own < 0) continue;
            out.squared[static_cast<std::size_t>(i)] =
                squared_distance(X.row_data(i), out.centroids.row_data(own), X.cols);
        }
    });
    return out;
}

}  // namespace detail

FILMATLAS_INLINE double davies_bouldin(MatrixView<const float> X, std::span<const Index> labels, int num_threads) {
    const detail::ScoreSpread spread = detail::score_spread("davies_bouldin", X, labels, num_threads);
    const auto k = static_cast<std::int64_t>(spread.sizes.size());
    std::vector<double> inside(static_cast<std::size_t>(k), 0.0);
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (spread.codes.code[i] >= 0) inside[static_cast<std::size_t>(spread.codes.code[i])] += std::sqrt(spread.squared[i]);
    }
    std::vector<std::int64_t> filled;
    for (std::int64_t c = 0; c < k; ++c) {
        if (spread.sizes[static_cast<std::size_t>(c)] == 0) continue;
        inside[static_cast<std::size_t>(c)] /= static_cast<double>(spread.sizes[static_cast<std::size_t>(c)]);
        filled.push_back(c);
    }
    double sum = 0;
    for (const std::int64_t a : filled) {
        double worst = 0;
        for (const std::int64_t b : filled) {
            if (a == b) continue;
            double square = 0;
            for (std::int64_t j = 0; j < X.cols; ++j) {
                const double difference = spread.centroids(a, j) - spread.centroids(b, j);
                square += difference * difference;
            }
            const double both = inside[static_cast<std::size_t>(a)] + inside[static_cast<std::size_t>(b)];
            if (both > 0) worst = std::max(worst, both / std::sqrt(square));
        }
        sum += worst;
    }
    return sum / static_cast<double>(filled.size());
}

FILMATLAS_INLINE double calinski_harabasz(MatrixView<const float> X, std::span<const Index> labels, int num_threads) {
    const detail::ScoreSpread spread = detail::score_spread("calinski_harabasz", X, labels, num_threads);
    double within = 0;
    for (const double square : spread.squared) within += square;
    std::vector<double> mean(static_cast<std::size_t>(X.cols), 0.0);
    double clusters = 0;
    for (std::size_t c = 0; c < spread.sizes.size(); ++c) {
        clusters += spread.sizes[c] > 0 ? 1 : 0;
        const double share = static_cast<double>(spread.sizes[c]) / static_cast<double>(spread.clustered);
        for (std::int64_t j = 0; j < X.cols; ++j)
            mean[static_cast<std::size_t>(j)] += share * spread.centroids(static_cast<std::int64_t>(c), j);
    }
    const double free = static_cast<double>(spread.clustered) - clusters;
    if (!(free > 0)) {
        throw_invalid("calinski_harabasz", "labels", "give every item a cluster of its own", "pass fewer clusters than items");
    }
    double between = 0;
    for (std::size_t c = 0; c < spread.sizes.size(); ++c) {
        for (std::int64_t j = 0; j < X.cols; ++j) {
            const double difference = spread.centroids(static_cast<std::int64_t>(c), j) - mean[static_cast<std::size_t>(j)];
            between += static_cast<double>(spread.sizes[c]) * difference * difference;
        }
    }
    return within > 0 ? between * free / (within * (clusters - 1)) : 1.0;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_VECTOR_SCORES_IMPL_HPP
