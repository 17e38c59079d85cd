// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_SCORES_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_SCORES_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

/// Distinct labels, ascending, and each item's position among them (-1 for labels left out).
struct ScoreCodes {
    std::vector<Index> values;
    std::vector<Index> code;
};

inline ScoreCodes score_codes(std::span<const Index> labels, bool skip_negative) {
    ScoreCodes out;
    for (const Index label : labels) {
        if (!skip_negative || label >= 0) out.values.push_back(label);
    }
    std::sort(out.values.begin(), out.values.end());
    out.values.erase(std::unique(out.values.begin(), out.values.end()), out.values.end());
    out.code.reserve(labels.size());
    for (const Index label : labels) {
        const auto at = std::lower_bound(out.values.begin(), out.values.end(), label);
        const bool kept = at != out.values.end() && *at == label;
        out.code.push_back(kept ? static_cast<Index>(at - out.values.begin()) : -1);
    }
    return out;
}

/// Every row and every column holds one entry: the two partitions are the same but for names.
inline bool score_same_partition(const Contingency& table) {
    return table.counts.nnz() == static_cast<std::int64_t>(table.row_labels.size()) &&
           table.row_labels.size() == table.col_labels.size();
}

inline double score_entropy(const std::vector<std::int64_t>& sums, std::int64_t total) {
    double entropy = 0;
    for (const std::int64_t sum : sums) {
        const double share = static_cast<double>(sum) / static_cast<double>(total);
        entropy -= share * std::log(share);
    }
    return entropy;
}

inline double score_mutual_information(const Contingency& table) {
    const auto n = static_cast<double>(table.total);
    double sum = 0;
    for (std::int64_t i = 0; i < table.counts.rows; ++i) {
        const auto columns = table.counts.row_indices(i);
        const auto counts = table.counts.row_values(i);
        for (std::size_t e = 0; e < columns.size(); ++e) {
            const auto count = static_cast<double>(counts[e]);
            const double expected = static_cast<double>(table.row_sums[static_cast<std::size_t>(i)]) *
                                    static_cast<double>(table.col_sums[static_cast<std::size_t>(columns[e])]);
            sum += count / n * std::log(count * n / expected);
        }
    }
    return std::max(0.0, sum);
}

/// Distinct sizes and how often each occurs: equal pairs of sizes have equal expectations.
inline std::vector<std::pair<std::int64_t, double>> score_size_counts(std::vector<std::int64_t> sums) {
    std::sort(sums.begin(), sums.end());
    std::vector<std::pair<std::int64_t, double>> counts;
    for (const std::int64_t sum : sums) {
        if (counts.empty() || counts.back().first != sum) counts.emplace_back(sum, 0.0);
        counts.back().second += 1;
    }
    return counts;
}

/// Mutual information expected of two random partitions with these sizes (hypergeometric model).
inline double score_expected_information(const Contingency& table) {
    const std::int64_t n = table.total;
    std::vector<double> log_factorial(static_cast<std::size_t>(n) + 1);
    for (std::size_t i = 0; i < log_factorial.size(); ++i) {
        log_factorial[i] = std::lgamma(static_cast<double>(i) + 1.0);
    }
    const auto lf = [&](std::int64_t i) { return log_factorial[static_cast<std::size_t>(i)]; };
    double expected = 0;
    for (const auto& [a, times_a] : score_size_counts(table.row_sums)) {
        for (const auto& [b, times_b] : score_size_counts(table.col_sums)) {
            const double fixed = lf(a) + lf(b) + lf(n - a) + lf(n - b) - lf(n);
            double sum = 0;
            for (std::int64_t c = std::max<std::int64_t>(1, a + b - n); c <= std::min(a, b); ++c) {
                const double probability =
                    std::exp(fixed - lf(c) - lf(a - c) - lf(b - c) - lf(n - a - b + c));
                const double gain = std::log(static_cast<double>(n) * static_cast<double>(c) /
                                             (static_cast<double>(a) * static_cast<double>(b)));
                sum += static_cast<double>(c) / static_cast<double>(n) * gain * probability;
            }
            expected += times_a * times_b * sum;
        }
    }
    return expected;
}

inline double score_dot(const float* a, const double* b, std::int64_t d) {
    double lane[4] = {0, 0, 0, 0};
    std::int64_t j = 0;
    for (; j + 4 <= d; j += 4) {
        for (int l = 0; l < 4; ++l) lane[l] += static_cast<double>(a[j + l]) * b[j + l];
    }
    for (; j < d; ++j) lane[j & 3] += static_cast<double>(a[j]) * b[j];
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

inline double score_squared_distance(const float* a, const float* b, std::int64_t d) {
    double lane[4] = {0, 0, 0, 0};
    const auto square = [&](std::int64_t j) {
        const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
        return difference * difference;
    };
    std::int64_t j = 0;
    for (; j + 4 <= d; j += 4) {
        for (int l = 0; l < 4; ++l) lane[l] += square(j + l);
    }
    for (; j < d; ++j) lane[j & 3] += square(j);
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

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

/// (b - a) / max(a, b) from the mean distances of one item to every cluster; `own` excludes the item itself.
inline double score_silhouette_value(const std::vector<double>& means, const std::vector<std::int64_t>& sizes,
                                     Index own) {
    if (sizes[static_cast<std::size_t>(own)] < 2) return 0;
    double other = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < means.size(); ++c) {
        if (static_cast<Index>(c) != own && sizes[c] > 0) other = std::min(other, means[c]);
    }
    if (!std::isfinite(other)) return 0;
    const double inside = means[static_cast<std::size_t>(own)];
    const double larger = std::max(inside, other);
    return larger > 0 ? (other - inside) / larger : 0;
}

}  // namespace detail

FILMATLAS_INLINE Contingency contingency(std::span<const Index> a, std::span<const Index> b) {
    if (a.size() != b.size()) {
        throw_shape("contingency", std::to_string(a.size()) + " and " + std::to_string(b.size()) + " labels",
                    "both partitions need one label per item");
    }
    detail::ScoreCodes rows = detail::score_codes(a, false);
    detail::ScoreCodes cols = detail::score_codes(b, false);
    Contingency out;
    out.total = static_cast<std::int64_t>(a.size());
    out.row_sums.assign(rows.values.size(), 0);
    out.col_sums.assign(cols.values.size(), 0);
    std::vector<std::int64_t> keys(a.size());
    const auto width = static_cast<std::int64_t>(cols.values.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        keys[i] = static_cast<std::int64_t>(rows.code[i]) * width + cols.code[i];
        ++out.row_sums[static_cast<std::size_t>(rows.code[i])];
        ++out.col_sums[static_cast<std::size_t>(cols.code[i])];
    }
    std::sort(keys.begin(), keys.end());
    out.counts.rows = static_cast<std::int64_t>(rows.values.size());
    out.counts.cols = width;
    out.counts.indptr.assign(rows.values.size() + 1, 0);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (i == 0 || keys[i] != keys[i - 1]) {
            out.counts.indices.push_back(static_cast<Index>(keys[i] % width));
            out.counts.values.push_back(0);
            ++out.counts.indptr[static_cast<std::size_t>(keys[i] / width) + 1];
        }
        ++out.counts.values.back();
    }
    std::partial_sum(out.counts.indptr.begin(), out.counts.indptr.end(), out.counts.indptr.begin());
    out.row_labels = std::move(rows.values);
    out.col_labels = std::move(cols.values);
    return out;
}

FILMATLAS_INLINE double adjusted_rand_index(std::span<const Index> a, std::span<const Index> b) {
    const Contingency table = contingency(a, b);
    if (table.total < 2 || detail::score_same_partition(table)) return 1.0;
    const auto pairs = [](const std::vector<std::int64_t>& counts) {
        double sum = 0;
        for (const std::int64_t c : counts) sum += 0.5 * static_cast<double>(c) * static_cast<double>(c - 1);
        return sum;
    };
    const double both = pairs(table.counts.values);
    const double in_a = pairs(table.row_sums);
    const double in_b = pairs(table.col_sums);
    const double all = 0.5 * static_cast<double>(table.total) * static_cast<double>(table.total - 1);
    const double expected = in_a * in_b / all;
    const double highest = 0.5 * (in_a + in_b);
    return highest == expected ? 0.0 : (both - expected) / (highest - expected);
}

FILMATLAS_INLINE double mutual_information(std::span<const Index> a, std::span<const Index> b) {
    return detail::score_mutual_information(contingency(a, b));
}

FILMATLAS_INLINE double normalized_mutual_information(std::span<const Index> a, std::span<const Index> b) {
    const Contingency table = contingency(a, b);
    if (table.total == 0 || detail::score_same_partition(table)) return 1.0;
    const double mean = 0.5 * (detail::score_entropy(table.row_sums, table.total) +
                               detail::score_entropy(table.col_sums, table.total));
    return mean > 0 ? detail::score_mutual_information(table) / mean : 1.0;
}

FILMATLAS_INLINE double adjusted_mutual_information(std::span<const Index> a, std::span<const Index> b) {
    const Contingency table = contingency(a, b);
    if (table.total == 0 || detail::score_same_partition(table)) return 1.0;
    const double information = detail::score_mutual_information(table);
    const double expected = detail::score_expected_information(table);
    const double mean = 0.5 * (detail::score_entropy(table.row_sums, table.total) +
                               detail::score_entropy(table.col_sums, table.total));
    // One side trivial: nothing to find beyond chance, and mean - expected is positive but may be rounding
    // noise.
    const double range = mean - expected;
    if (table.row_labels.size() == 1 || table.col_labels.size() == 1) return 0.0;
    constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
    return (information - expected) / (range < 0 ? std::min(range, -kEpsilon) : std::max(range, kEpsilon));
}

FILMATLAS_INLINE SilhouetteResult silhouette(MatrixView<const float> X, std::span<const Index> labels,
                                             const SilhouetteOptions& options) {
    if (static_cast<std::int64_t>(labels.size()) != X.rows) {
        throw_shape("silhouette",
                    std::to_string(X.rows) + " rows but " + std::to_string(labels.size()) + " labels",
                    "pass one label per row");
    }
    if (options.metric == Metric::InnerProduct || options.metric == Metric::Manhattan) {
        throw_invalid(
            "silhouette", "metric",
            "is " + std::string(options.metric == Metric::Manhattan ? "manhattan" : "inner_product"),
            "use cosine, euclidean or sqeuclidean");
    }
    detail::ScoreCodes codes = detail::score_codes(labels, true);
    const detail::ScoreClusters clusters = detail::score_clusters(X, codes, options.metric);
    const auto k = static_cast<std::int64_t>(codes.values.size());
    std::int64_t clustered = 0;
    for (const std::int64_t size : clusters.sizes) clustered += size;

    SilhouetteResult out;
    out.exact = options.metric != Metric::Euclidean || clustered <= options.exact_limit;
    out.per_item.assign(labels.size(), std::numeric_limits<float>::quiet_NaN());
    std::vector<double> value(labels.size(), 0.0);
    Matrix<float> centroids;
    if (!out.exact) {
        centroids = Matrix<float>(k, X.cols);
        for (std::int64_t c = 0; c < k; ++c) {
            const double size =
                std::max<double>(1, static_cast<double>(clusters.sizes[static_cast<std::size_t>(c)]));
            for (std::int64_t j = 0; j < X.cols; ++j) {
                centroids(c, j) = static_cast<float>(clusters.sums(c, j) / size);
            }
        }
    }
    parallel_for(X.rows, 32, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> means(static_cast<std::size_t>(k));
        for (std::int64_t i = begin; i < end; ++i) {
            const Index own = codes.code[static_cast<std::size_t>(i)];
            if (own < 0) continue;
            const auto own_size = static_cast<double>(clusters.sizes[static_cast<std::size_t>(own)]);
            if (options.metric == Metric::Euclidean && out.exact) {
                std::fill(means.begin(), means.end(), 0.0);
                for (std::int64_t j = 0; j < X.rows; ++j) {
                    const Index code = codes.code[static_cast<std::size_t>(j)];
                    if (code < 0 || j == i) continue;
                    means[static_cast<std::size_t>(code)] +=
                        std::sqrt(detail::score_squared_distance(X.row_data(i), X.row_data(j), X.cols));
                }
                for (std::int64_t c = 0; c < k; ++c) {
                    const auto size = static_cast<double>(clusters.sizes[static_cast<std::size_t>(c)]);
                    means[static_cast<std::size_t>(c)] /= std::max(1.0, c == own ? size - 1 : size);
                }
            } else if (options.metric == Metric::Euclidean) {
                for (std::int64_t c = 0; c < k; ++c) {
                    means[static_cast<std::size_t>(c)] = std::sqrt(
                        detail::score_squared_distance(X.row_data(i), centroids.row_data(c), X.cols));
                }
            } else {
                const double scale = clusters.scale[static_cast<std::size_t>(i)];
                const double square = clusters.square[static_cast<std::size_t>(i)];
                for (std::int64_t c = 0; c < k; ++c) {
                    const double size =
                        std::max<double>(1, static_cast<double>(clusters.sizes[static_cast<std::size_t>(c)]));
                    const double dot =
                        scale * detail::score_dot(X.row_data(i), clusters.sums.row_data(c), X.cols) / size;
                    const double mean_square = clusters.squares[static_cast<std::size_t>(c)] / size;
                    // Half the mean squared distance under cosine, which is 1 - cosine of unit vectors.
                    double mean = std::max(0.0, square - 2.0 * dot + mean_square);
                    if (options.metric == Metric::Cosine) mean *= 0.5;
                    if (c == own && own_size > 1) mean *= own_size / (own_size - 1);
                    means[static_cast<std::size_t>(c)] = mean;
                }
            }
            value[static_cast<std::size_t>(i)] = detail::score_silhouette_value(means, clusters.sizes, own);
            out.per_item[static_cast<std::size_t>(i)] =
                static_cast<float>(value[static_cast<std::size_t>(i)]);
        }
    });
    std::vector<double> sums(static_cast<std::size_t>(k), 0.0);
    double total = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (codes.code[i] < 0) continue;
        sums[static_cast<std::size_t>(codes.code[i])] += value[i];
        total += value[i];
    }
    out.mean = clustered > 0 ? total / static_cast<double>(clustered) : 0.0;
    out.labels = codes.values;
    for (std::size_t c = 0; c < sums.size(); ++c) {
        out.per_label.push_back(clusters.sizes[c] > 0 ? sums[c] / static_cast<double>(clusters.sizes[c])
                                                      : 0.0);
    }
    return out;
}

FILMATLAS_INLINE SizeBalance size_balance(std::span<const Index> labels) {
    SizeBalance out;
    const detail::ScoreCodes codes = detail::score_codes(labels, true);
    if (codes.values.empty()) return out;
    std::vector<std::int64_t> sizes(codes.values.size(), 0);
    std::int64_t clustered = 0;
    for (const Index code : codes.code) {
        if (code < 0) continue;
        ++sizes[static_cast<std::size_t>(code)];
        ++clustered;
    }
    std::sort(sizes.begin(), sizes.end());
    const std::size_t k = sizes.size();
    out.clusters = static_cast<std::int64_t>(k);
    out.smallest = sizes.front();
    out.largest = sizes.back();
    out.median = 0.5 * static_cast<double>(sizes[(k - 1) / 2] + sizes[k / 2]);
    out.largest_share = static_cast<double>(sizes.back()) / static_cast<double>(clustered);
    out.max_over_median = static_cast<double>(sizes.back()) / out.median;
    double weighted = 0;
    for (std::size_t i = 0; i < k; ++i)
        weighted += static_cast<double>(i + 1) * static_cast<double>(sizes[i]);
    out.gini = 2.0 * weighted / (static_cast<double>(k) * static_cast<double>(clustered)) -
               static_cast<double>(k + 1) / static_cast<double>(k);
    out.coverage = static_cast<double>(clustered) / static_cast<double>(labels.size());
    return out;
}

FILMATLAS_INLINE bool NestingReport::strict() const noexcept {
    const auto zero = [](std::int64_t count) { return count == 0; };
    return std::all_of(violations.begin(), violations.end(), zero) &&
           std::all_of(orphans.begin(), orphans.end(), zero);
}

FILMATLAS_INLINE NestingReport nesting_report(const std::vector<std::vector<Index>>& labels) {
    NestingReport out;
    for (std::size_t level = 0; level < labels.size(); ++level) {
        if (labels[level].size() != labels.front().size()) {
            throw_shape("nesting_report",
                        "level " + std::to_string(level) + " has " + std::to_string(labels[level].size()) +
                            " labels, level 0 has " + std::to_string(labels.front().size()),
                        "every level needs one label per item");
        }
        std::int64_t covered = 0;
        for (const Index label : labels[level]) covered += label >= 0 ? 1 : 0;
        out.coverage.push_back(labels[level].empty() ? 0.0
                                                     : static_cast<double>(covered) /
                                                           static_cast<double>(labels[level].size()));
        if (level == 0) continue;
        std::vector<Index> fine;
        std::vector<Index> coarse;
        std::int64_t orphans = 0;
        for (std::size_t i = 0; i < labels[level].size(); ++i) {
            if (labels[level][i] < 0) continue;
            if (labels[level - 1][i] < 0) {
                ++orphans;
                continue;
            }
            fine.push_back(labels[level][i]);
            coarse.push_back(labels[level - 1][i]);
        }
        const Contingency table = contingency(fine, coarse);
        std::int64_t violations = 0;
        for (std::int64_t row = 0; row < table.counts.rows; ++row) {
            const auto counts = table.counts.row_values(row);
            violations += table.row_sums[static_cast<std::size_t>(row)] -
                          *std::max_element(counts.begin(), counts.end());
        }
        out.violations.push_back(violations);
        out.orphans.push_back(orphans);
    }
    return out;
}

FILMATLAS_INLINE std::vector<LevelScore> level_scores(MatrixView<const float> X, const Hierarchy& hierarchy,
                                                      const SilhouetteOptions& options) {
    std::vector<LevelScore> out;
    for (int level = 0; level < hierarchy.num_levels(); ++level) {
        const std::vector<Index> labels = hierarchy.labels(level);
        const SilhouetteResult scores = silhouette(X, labels, options);
        out.push_back({size_balance(labels), scores.mean, scores.per_label});
    }
    return out;
}

FILMATLAS_INLINE double dendrogram_purity(const Hierarchy& hierarchy, std::span<const Index> classes) {
    if (static_cast<std::int64_t>(classes.size()) != hierarchy.num_items()) {
        throw_shape("dendrogram_purity",
                    std::to_string(classes.size()) + " classes for " +
                        std::to_string(hierarchy.num_items()) + " items",
                    "pass one class per item");
    }
    // A node of purity q for a class gives q to each pair of the class inside it, less what its children give
    // better themselves: every pair is counted at its smallest node alone.
    std::vector<std::pair<std::uint64_t, std::size_t>> keys;  // (node << 32 | class), item
    std::vector<double> parent_purity(classes.size(), 0.0);
    double sum = 0;
    double pairs = 0;
    for (int level = -1; level < hierarchy.num_levels(); ++level) {
        const std::vector<Index> node =
            level < 0 ? std::vector<Index>(classes.size(), 0) : hierarchy.labels(level);
        std::vector<double> known(static_cast<std::size_t>(level < 0 ? 1 : hierarchy.num_nodes(level)), 0.0);
        keys.clear();
        for (std::size_t i = 0; i < classes.size(); ++i) {
            if (classes[i] < 0) continue;
            keys.emplace_back(static_cast<std::uint64_t>(node[i]) << 32U | static_cast<std::uint64_t>(classes[i]),
                              i);
            known[static_cast<std::size_t>(node[i])] += 1;
        }
        std::sort(keys.begin(), keys.end());
        for (std::size_t first = 0; first < keys.size();) {
            std::size_t last = first;
            while (last < keys.size() && keys[last].first == keys[first].first) ++last;
            const auto count = static_cast<double>(last - first);
            const double purity = count / known[static_cast<std::size_t>(keys[first].first >> 32U)];
            const double inside = 0.5 * count * (count - 1);
            if (level < 0) pairs += inside;
            sum += inside * (purity - parent_purity[keys[first].second]);
            for (; first < last; ++first) parent_purity[keys[first].second] = purity;
        }
    }
    return pairs > 0 ? sum / pairs : 1.0;
}

namespace detail {

inline void score_check_graph(const char* where, const Hierarchy& hierarchy, const KnnGraph& graph) {
    if (graph.size() == hierarchy.num_items()) return;
    throw_shape(where,
                "a graph of " + std::to_string(graph.size()) + " items for a hierarchy of " +
                    std::to_string(hierarchy.num_items()),
                "pass the graph of the same items");
}

}  // namespace detail

FILMATLAS_INLINE double dasgupta_cost(const Hierarchy& hierarchy, const KnnGraph& graph) {
    detail::score_check_graph("dasgupta_cost", hierarchy, graph);
    if (hierarchy.num_items() == 0) return 0;
    const auto n = static_cast<double>(hierarchy.num_items());
    double cost = 0;
    double edges = 0;
    std::vector<double> smallest(static_cast<std::size_t>(graph.indices.rows() * graph.indices.cols()), n);
    for (int level = 0; level < hierarchy.num_levels(); ++level) {
        const std::vector<Index> node = hierarchy.labels(level);
        const Index first = hierarchy.level_begin[static_cast<std::size_t>(level)];
        std::size_t slot = 0;
        for (std::int64_t i = 0; i < graph.size(); ++i) {
            for (const Index j : graph.indices.row(i)) {
                const Index mine = node[static_cast<std::size_t>(i)];
                if (j >= 0 && j != i && mine == node[static_cast<std::size_t>(j)]) {
                    smallest[slot] =
                        static_cast<double>(hierarchy.nodes[static_cast<std::size_t>(first + mine)].size());
                }
                ++slot;
            }
        }
    }
    std::size_t slot = 0;
    for (std::int64_t i = 0; i < graph.size(); ++i) {
        for (const Index j : graph.indices.row(i)) {
            if (j >= 0 && j != i) {
                cost += smallest[slot];
                edges += 1;
            }
            ++slot;
        }
    }
    return edges > 0 ? cost / (edges * n) : 0.0;
}

FILMATLAS_INLINE std::vector<double> neighbor_containment(const Hierarchy& hierarchy, const KnnGraph& graph) {
    detail::score_check_graph("neighbor_containment", hierarchy, graph);
    std::vector<double> out;
    for (int level = 0; level < hierarchy.num_levels(); ++level) {
        const std::vector<Index> node = hierarchy.labels(level);
        double inside = 0;
        double edges = 0;
        for (std::int64_t i = 0; i < graph.size(); ++i) {
            for (const Index j : graph.indices.row(i)) {
                if (j < 0 || j == i) continue;
                edges += 1;
                if (node[static_cast<std::size_t>(i)] == node[static_cast<std::size_t>(j)]) inside += 1;
            }
        }
        out.push_back(edges > 0 ? inside / edges : 0.0);
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_SCORES_IMPL_HPP
