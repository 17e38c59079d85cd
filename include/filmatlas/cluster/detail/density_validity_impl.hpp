// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_VALIDITY_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_VALIDITY_IMPL_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/density_validity.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

/// Rows of one cluster, dimension by dimension in lanes of eight, so that one row meets them in straight
/// loops.
class ValidityRows {
public:
    static constexpr std::int64_t width = 8;

    ValidityRows(MatrixView<const double> X, const std::vector<Index>& ids, bool manhattan)
        : d_(X.cols), count_(static_cast<std::int64_t>(ids.size())), manhattan_(manhattan) {
        const std::int64_t groups = (count_ + width - 1) / width;
        values_.assign(static_cast<std::size_t>(groups * width * d_),
                       std::numeric_limits<double>::infinity());
        for (std::int64_t i = 0; i < count_; ++i) {
            const double* row = X.row_data(ids[static_cast<std::size_t>(i)]);
            for (std::int64_t k = 0; k < d_; ++k) values_[at(i, k)] = row[k];
        }
    }
    std::int64_t count() const { return count_; }
    std::int64_t groups() const { return (count_ + width - 1) / width; }

    /// Reduced distances of row i to the rows of a group; infinite for the padding.
    void to_group(const ValidityRows& from, std::int64_t i, std::int64_t group, double* out) const {
        std::array<double, width> sum{};
        const double* lanes = values_.data() + group * width * d_;
        const double* value = from.values_.data() + (i / width) * width * d_ + i % width;
        for (std::int64_t k = 0; k < d_; ++k) {
            const double x = value[k * width];
            const double* lane = lanes + k * width;
            if (manhattan_) {
                for (std::size_t l = 0; l < width; ++l) sum[l] += std::abs(lane[l] - x);
            } else {
                for (std::size_t l = 0; l < width; ++l) sum[l] += (lane[l] - x) * (lane[l] - x);
            }
        }
        for (std::size_t l = 0; l < width; ++l) out[l] = manhattan_ ? sum[l] : std::sqrt(sum[l]);
    }

private:
    std::size_t at(std::int64_t i, std::int64_t k) const {
        return static_cast<std::size_t>(((i / width) * d_ + k) * width + i % width);
    }
    std::int64_t d_;
    std::int64_t count_;
    bool manhattan_;
    std::vector<double> values_;
};

/// x^d for d >= 1, by squaring.
inline double validity_power(double x, std::int64_t d) {
    double out = 1;
    for (; d > 0; d >>= 1) {
        if ((d & 1) != 0) out *= x;
        x *= x;
    }
    return out;
}

struct ValidityCluster {
    std::vector<Index> ids;
    std::vector<double> core;
    std::vector<char> inner;  ///< more than one edge of the cluster's tree
    double sparseness = 0;
};

/// All-points core distances: (mean over the others of (1 / distance)^d)^(-1 / d).
inline void validity_cores(const ValidityRows& rows, std::int64_t d, int num_threads,
                           ValidityCluster& cluster) {
    const std::int64_t n = rows.count();
    std::vector<double> sums(static_cast<std::size_t>(n), 0.0);
    parallel_for(n, 32, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::array<double, ValidityRows::width> distance{};
        for (std::int64_t i = begin; i < end; ++i) {
            double sum = 0;
            for (std::int64_t g = 0; g < rows.groups(); ++g) {
                rows.to_group(rows, i, g, distance.data());
                for (const double x : distance) {
                    if (x > 0) sum += validity_power(1 / x, d);
                }
            }
            sums[static_cast<std::size_t>(i)] = sum;
        }
    });
    cluster.core.assign(sums.size(), 0.0);
    double total = 0;
    for (const double sum : sums) total += sum;
    if (total == 0) return;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        cluster.core[i] = std::pow(sums[i] / static_cast<double>(n - 1), -1.0 / static_cast<double>(d));
    }
}

/// Prim's tree of the cluster: marks inner nodes, finds the largest edge between two of them (of all edges
/// where there is none).
inline void validity_tree(const ValidityRows& rows, ValidityCluster& cluster) {
    const std::int64_t n = rows.count();
    const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
    cluster.inner.assign(at(n), 0);
    if (n == 1) {
        cluster.inner[0] = 1;
        return;
    }
    constexpr double infinity = std::numeric_limits<double>::infinity();
    std::vector<double> cheapest(at(rows.groups() * ValidityRows::width), infinity);
    std::vector<std::int64_t> from(at(n), 0);
    std::vector<char> inside(at(n), 0);
    std::vector<int> degree(at(n), 0);
    struct Edge {
        std::int64_t a, b;
        double weight;
    };
    std::vector<Edge> edges;
    std::array<double, ValidityRows::width> distance{};
    std::int64_t latest = 0;
    inside[0] = 1;
    for (std::int64_t step = 1; step < n; ++step) {
        std::int64_t best = -1;
        for (std::int64_t g = 0; g < rows.groups(); ++g) {
            rows.to_group(rows, latest, g, distance.data());
            const std::int64_t end = std::min(n, (g + 1) * ValidityRows::width);
            for (std::int64_t j = g * ValidityRows::width; j < end; ++j) {
                if (inside[at(j)] != 0) continue;
                const double reach = std::max(distance[at(j % ValidityRows::width)],
                                              std::max(cluster.core[at(latest)], cluster.core[at(j)]));
                // Of equal ways the one to the lowest row, which decides who is an inner node.
                if (reach < cheapest[at(j)] || (reach == cheapest[at(j)] && latest < from[at(j)])) {
                    cheapest[at(j)] = reach;
                    from[at(j)] = latest;
                }
                if (best < 0 || cheapest[at(j)] < cheapest[at(best)]) best = j;
            }
        }
        edges.push_back({from[at(best)], best, cheapest[at(best)]});
        ++degree[at(from[at(best)])];
        ++degree[at(best)];
        inside[at(best)] = 1;
        latest = best;
    }
    bool any = false;
    double largest = 0;
    double largest_inner = 0;
    for (const Edge& edge : edges) {
        largest = std::max(largest, edge.weight);
        if (degree[at(edge.a)] > 1 && degree[at(edge.b)] > 1) {
            any = true;
            largest_inner = std::max(largest_inner, edge.weight);
        }
    }
    cluster.sparseness = any ? largest_inner : largest;
    bool some = false;
    for (std::int64_t i = 0; i < n; ++i) {
        cluster.inner[at(i)] = degree[at(i)] > 1 ? 1 : 0;
        some = some || degree[at(i)] > 1;
    }
    if (!some) cluster.inner[0] = 1;
}

}  // namespace detail

FILMATLAS_INLINE DensityValidity density_validity(MatrixView<const double> X, std::span<const Index> labels,
                                                  Metric metric, int num_threads, const Progress& progress) {
    constexpr const char* stage = "density_validity";
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (static_cast<std::int64_t>(labels.size()) != X.rows) {
        throw_shape(stage, std::to_string(labels.size()) + " labels for " + std::to_string(X.rows) + " rows");
    }
    if (metric != Metric::Euclidean && metric != Metric::Manhattan) {
        throw_invalid(stage, "metric", "is " + std::string(to_string(metric)), "use euclidean or manhattan");
    }
    const bool manhattan = metric == Metric::Manhattan;
    std::vector<detail::ValidityCluster> clusters;
    for (std::int64_t i = 0; i < X.rows; ++i) {
        const Index label = labels[static_cast<std::size_t>(i)];
        if (label < 0) continue;
        for (const double value : X.row(i)) {
            if (!std::isfinite(value)) {
                throw_invalid(stage, "X", "row " + std::to_string(i) + " is not finite",
                              "give it the label -1");
            }
        }
        if (static_cast<std::size_t>(label) >= clusters.size())
            clusters.resize(static_cast<std::size_t>(label) + 1);
        clusters[static_cast<std::size_t>(label)].ids.push_back(static_cast<Index>(i));
    }
    const std::size_t k = clusters.size();
    std::vector<std::vector<Index>> inner(k);
    std::vector<std::vector<double>> inner_core(k);
    // Large clusters use all workers for their distances; the trees are made one cluster per worker.
    std::vector<detail::ValidityRows> rows;
    rows.reserve(k);
    for (auto& cluster : clusters) {
        rows.emplace_back(X, cluster.ids, manhattan);
        if (!cluster.ids.empty()) detail::validity_cores(rows.back(), X.cols, num_threads, cluster);
    }
    parallel_blocks(
        static_cast<std::int64_t>(k), num_threads,
        [&](std::int64_t c, int) {
            auto& cluster = clusters[static_cast<std::size_t>(c)];
            if (cluster.ids.empty()) return;
            detail::validity_tree(rows[static_cast<std::size_t>(c)], cluster);
            for (std::size_t i = 0; i < cluster.ids.size(); ++i) {
                if (cluster.inner[i] == 0) continue;
                inner[static_cast<std::size_t>(c)].push_back(cluster.ids[i]);
                inner_core[static_cast<std::size_t>(c)].push_back(cluster.core[i]);
            }
        },
        progress, stage);
    std::vector<detail::ValidityRows> inner_rows;
    inner_rows.reserve(k);
    for (std::size_t c = 0; c < k; ++c) inner_rows.emplace_back(X, inner[c], manhattan);
    std::vector<std::vector<double>> nearest(k, std::vector<double>(k, infinity));
    parallel_blocks(
        static_cast<std::int64_t>(k), num_threads,
        [&](std::int64_t block, int) {
            const auto a = static_cast<std::size_t>(block);
            std::array<double, detail::ValidityRows::width> distance{};
            for (std::size_t b = a + 1; b < k; ++b) {
                double least = infinity;
                for (std::size_t i = 0; i < inner[a].size(); ++i) {
                    if (inner_core[a][i] >= least) continue;
                    for (std::int64_t g = 0; g < inner_rows[b].groups(); ++g) {
                        inner_rows[b].to_group(inner_rows[a], static_cast<std::int64_t>(i), g,
                                               distance.data());
                        const auto first = static_cast<std::size_t>(g * detail::ValidityRows::width);
                        for (std::size_t l = 0; l < distance.size() && first + l < inner[b].size(); ++l) {
                            least = std::min(
                                least,
                                std::max(distance[l], std::max(inner_core[a][i], inner_core[b][first + l])));
                        }
                    }
                }
                nearest[a][b] = least;
            }
        },
        progress, stage);
    DensityValidity out;
    for (std::size_t c = 0; c < k; ++c) {
        double separation = infinity;
        for (std::size_t b = 0; b < k; ++b) {
            if (b != c) separation = std::min(separation, nearest[std::min(b, c)][std::max(b, c)]);
        }
        const double sparse = clusters[c].sparseness;
        double value = std::numeric_limits<double>::quiet_NaN();
        if (!clusters[c].ids.empty()) {
            const double larger = std::max(separation, sparse);
            value = std::isinf(separation) ? 1.0 : larger > 0 ? (separation - sparse) / larger : 0.0;
            out.score += value * static_cast<double>(clusters[c].ids.size()) / static_cast<double>(X.rows);
        }
        out.per_cluster.push_back(value);
        out.sparseness.push_back(sparse);
        out.separation.push_back(separation);
    }
    return out;
}

FILMATLAS_INLINE double relative_validity(const SpanningTree& tree, std::span<const Index> labels) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (static_cast<std::int64_t>(labels.size()) != tree.num_items) {
        throw_shape("relative_validity", std::to_string(labels.size()) + " labels for " +
                                             std::to_string(tree.num_items) + " items");
    }
    std::vector<double> sizes;
    for (const Index label : labels) {
        if (label < 0) continue;
        if (static_cast<std::size_t>(label) >= sizes.size())
            sizes.resize(static_cast<std::size_t>(label) + 1, 0.0);
        sizes[static_cast<std::size_t>(label)] += 1;
    }
    if (sizes.empty()) return 0;
    std::vector<double> sparseness(sizes.size(), 0.0);
    std::vector<double> separation(sizes.size(), infinity);
    double largest = 0;
    double to_noise = infinity;
    for (std::size_t e = 0; e < tree.a.size(); ++e) {
        const Index a = labels[static_cast<std::size_t>(tree.a[e])];
        const Index b = labels[static_cast<std::size_t>(tree.b[e])];
        const double weight = tree.weight[e];
        largest = std::max(largest, weight);
        if (a < 0 && b < 0) continue;
        if (a < 0 || b < 0) {
            to_noise = std::min(to_noise, weight);
        } else if (a == b) {
            sparseness[static_cast<std::size_t>(a)] =
                std::max(sparseness[static_cast<std::size_t>(a)], weight);
        } else {
            for (const Index label : {a, b}) {
                separation[static_cast<std::size_t>(label)] =
                    std::min(separation[static_cast<std::size_t>(label)], weight);
            }
        }
    }
    if (to_noise == infinity) to_noise = largest;
    // A cluster that no edge leads out of directly counts as far away.
    const double far = 2 * (sizes.size() > 1 ? largest : to_noise);
    double score = 0;
    for (std::size_t c = 0; c < sizes.size(); ++c) {
        const double apart = separation[c] == infinity ? far : separation[c];
        const double larger = std::max(apart, sparseness[c]);
        if (larger > 0) score += sizes[c] * (apart - sparseness[c]) / larger;
    }
    return score / static_cast<double>(labels.size());
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_VALIDITY_IMPL_HPP
