// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_CLUSTER_DATA_HPP
#define FILMATLAS_TESTS_CLUSTER_DATA_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// Synthetic data for the tests of this folder.

namespace cluster_data {

using filmatlas::Index;
using filmatlas::KnnGraph;
using filmatlas::Matrix;
using filmatlas::Metric;

struct Blobs {
    Matrix<float> X;
    std::vector<Index> labels;
};

/// n rows around `centers` random directions of unit length, item i in blob i % centers.
inline Blobs blobs(std::int64_t n, std::int64_t d, int centers, double spread, std::uint64_t seed) {
    Blobs out{Matrix<float>(n, d), {}};
    Matrix<double> center(centers, d);
    for (int c = 0; c < centers; ++c) {
        filmatlas::RandomStream random(seed, "test.centers", static_cast<std::uint64_t>(c));
        double norm2 = 0;
        for (double& value : center.row(c)) {
            value = random.normal();
            norm2 += value * value;
        }
        for (double& value : center.row(c)) value /= std::sqrt(norm2);
    }
    for (std::int64_t i = 0; i < n; ++i) {
        filmatlas::RandomStream random(seed, "test.items", static_cast<std::uint64_t>(i));
        const auto c = static_cast<Index>(i % centers);
        out.labels.push_back(c);
        for (std::int64_t j = 0; j < d; ++j) {
            out.X(i, j) = static_cast<float>(center(c, j) +
                                             spread * random.normal() / std::sqrt(static_cast<double>(d)));
        }
    }
    return out;
}

/// Exact neighbours by brute force; rows that are not finite, or zero under cosine, are invalid.
inline KnnGraph knn(const Matrix<float>& X, int k, Metric metric = Metric::Cosine) {
    const std::int64_t n = X.rows();
    KnnGraph graph;
    graph.metric = metric;
    graph.method = "exact";
    graph.indices = Matrix<Index>(n, k);
    graph.distances = Matrix<float>(n, k);
    std::vector<double> norm(static_cast<std::size_t>(n), 1.0);
    std::vector<char> bad(static_cast<std::size_t>(n), 0);
    for (std::int64_t i = 0; i < n; ++i) {
        double norm2 = 0;
        for (const float value : X.row(i)) norm2 += static_cast<double>(value) * static_cast<double>(value);
        if (metric == Metric::Cosine) norm[static_cast<std::size_t>(i)] = std::sqrt(norm2);
        if (!std::isfinite(norm2) || (metric == Metric::Cosine && norm2 == 0)) {
            bad[static_cast<std::size_t>(i)] = 1;
            graph.invalid_rows.push_back(static_cast<Index>(i));
        }
    }
    for (std::int64_t i = 0; i < n; ++i) {
        std::vector<std::pair<double, Index>> near;
        for (std::int64_t j = 0; j < n && bad[static_cast<std::size_t>(i)] == 0; ++j) {
            if (j == i || bad[static_cast<std::size_t>(j)] != 0) continue;
            double sum = 0;
            for (std::int64_t c = 0; c < X.cols(); ++c) {
                const double a = static_cast<double>(X(i, c)) / norm[static_cast<std::size_t>(i)];
                const double b = static_cast<double>(X(j, c)) / norm[static_cast<std::size_t>(j)];
                sum += (a - b) * (a - b);
            }
            near.emplace_back(metric == Metric::Cosine ? sum / 2 : std::sqrt(sum), static_cast<Index>(j));
        }
        const std::size_t take = std::min(near.size(), static_cast<std::size_t>(k));
        std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(take), near.end());
        for (int s = 0; s < k; ++s) {
            const bool real = static_cast<std::size_t>(s) < take;
            graph.indices(i, s) = real ? near[static_cast<std::size_t>(s)].second : -1;
            graph.distances(i, s) = real ? static_cast<float>(near[static_cast<std::size_t>(s)].first)
                                         : std::numeric_limits<float>::infinity();
        }
    }
    return graph;
}

/// A random permutation of 0 .. n-1.
inline std::vector<Index> permutation(std::int64_t n, std::uint64_t seed) {
    std::vector<Index> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), Index{0});
    filmatlas::RandomStream random(seed, "test.permutation");
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    return order;
}

/// Row r of the result is row order[r] of X.
inline Matrix<float> permuted(const Matrix<float>& X, const std::vector<Index>& order) {
    Matrix<float> out(static_cast<std::int64_t>(order.size()), X.cols());
    for (std::size_t r = 0; r < order.size(); ++r) {
        std::copy_n(X.row_data(order[r]), X.cols(), out.row_data(static_cast<std::int64_t>(r)));
    }
    return out;
}

/// Labels renumbered by first occurrence.
inline std::vector<Index> canonical(const std::vector<Index>& labels) {
    std::vector<std::pair<Index, Index>> names;
    std::vector<Index> out;
    for (const Index label : labels) {
        auto it =
            std::find_if(names.begin(), names.end(), [&](const auto& name) { return name.first == label; });
        if (it == names.end()) it = names.insert(names.end(), {label, static_cast<Index>(names.size())});
        out.push_back(it->second);
    }
    return out;
}

}  // namespace cluster_data
#endif  // FILMATLAS_TESTS_CLUSTER_DATA_HPP
