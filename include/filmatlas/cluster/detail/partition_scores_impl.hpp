// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_PARTITION_SCORES_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_PARTITION_SCORES_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/core/error.hpp"

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

/// Assigns each row of a (rows <= cols) table its column, so that the sum of the entries is greatest: shortest augmenting
/// paths, one row after the other.
inline std::vector<std::int64_t> score_assign(const std::vector<std::int32_t>& table, std::int64_t rows,
                                              std::int64_t cols) {
    constexpr std::int64_t kInfinity = std::numeric_limits<std::int64_t>::max() / 4;
    // Columns and rows count from 1; column 0 holds the row that is being placed.
    std::vector<std::int64_t> row_price(static_cast<std::size_t>(rows) + 1, 0);
    std::vector<std::int64_t> col_price(static_cast<std::size_t>(cols) + 1, 0);
    std::vector<std::int64_t> row_of(static_cast<std::size_t>(cols) + 1, 0);
    std::vector<std::int64_t> way(static_cast<std::size_t>(cols) + 1, 0);
    for (std::int64_t row = 1; row <= rows; ++row) {
        row_of[0] = row;
        std::int64_t at = 0;
        std::vector<std::int64_t> least(static_cast<std::size_t>(cols) + 1, kInfinity);
        std::vector<char> used(static_cast<std::size_t>(cols) + 1, 0);
        do {
            used[static_cast<std::size_t>(at)] = 1;
            const std::int64_t i = row_of[static_cast<std::size_t>(at)];
            const std::int32_t* entries = table.data() + (i - 1) * cols - 1;
            std::int64_t step = kInfinity;
            std::int64_t next = 0;
            for (std::int64_t j = 1; j <= cols; ++j) {
                const auto col = static_cast<std::size_t>(j);
                if (used[col] != 0) continue;
                const std::int64_t cost = -entries[j] - row_price[static_cast<std::size_t>(i)] - col_price[col];
                if (cost < least[col]) {
                    least[col] = cost;
                    way[col] = at;
                }
                if (least[col] < step) {
                    step = least[col];
                    next = j;
                }
            }
            for (std::int64_t j = 0; j <= cols; ++j) {
                const auto col = static_cast<std::size_t>(j);
                if (used[col] != 0) {
                    row_price[static_cast<std::size_t>(row_of[col])] += step;
                    col_price[col] -= step;
                } else {
                    least[col] -= step;
                }
            }
            at = next;
        } while (row_of[static_cast<std::size_t>(at)] != 0);
        while (at != 0) {
            const std::int64_t before = way[static_cast<std::size_t>(at)];
            row_of[static_cast<std::size_t>(at)] = row_of[static_cast<std::size_t>(before)];
            at = before;
        }
    }
    std::vector<std::int64_t> column(static_cast<std::size_t>(rows), -1);
    for (std::int64_t j = 1; j <= cols; ++j) {
        const std::int64_t row = row_of[static_cast<std::size_t>(j)];
        if (row > 0) column[static_cast<std::size_t>(row - 1)] = j - 1;
    }
    return column;
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

FILMATLAS_INLINE VMeasure v_measure(std::span<const Index> classes, std::span<const Index> clusters, double beta) {
    if (!(beta > 0) || !std::isfinite(beta)) {
        throw_invalid("v_measure", "beta", "is " + to_text(beta), "use a number > 0");
    }
    const Contingency table = contingency(classes, clusters);
    VMeasure out;
    if (table.total == 0) return out;
    const double information = detail::score_mutual_information(table);
    const double in_classes = detail::score_entropy(table.row_sums, table.total);
    const double in_clusters = detail::score_entropy(table.col_sums, table.total);
    out.homogeneity = in_classes > 0 ? std::min(1.0, information / in_classes) : 1.0;
    out.completeness = in_clusters > 0 ? std::min(1.0, information / in_clusters) : 1.0;
    const double sum = beta * out.homogeneity + out.completeness;
    out.v = sum > 0 ? (1.0 + beta) * out.homogeneity * out.completeness / sum : 0.0;
    return out;
}

FILMATLAS_INLINE double fowlkes_mallows(std::span<const Index> a, std::span<const Index> b) {
    const Contingency table = contingency(a, b);
    const auto pairs = [](const std::vector<std::int64_t>& counts) {
        double sum = 0;
        for (const std::int64_t c : counts) sum += 0.5 * static_cast<double>(c) * static_cast<double>(c - 1);
        return sum;
    };
    const double both = pairs(table.counts.values);
    if (!(both > 0)) return 0.0;
    return std::sqrt(both / pairs(table.row_sums)) * std::sqrt(both / pairs(table.col_sums));
}

FILMATLAS_INLINE LabelMatching match_labels(std::span<const Index> a, std::span<const Index> b) {
    const Contingency table = contingency(a, b);
    const std::int64_t rows = table.counts.rows;
    const std::int64_t cols = table.counts.cols;
    if (rows * cols > std::int64_t{1} << 28) {
        throw Error(ErrorCode::Memory, ErrorContext{"match_labels", {}, -1, {}, -1},
                    std::to_string(rows) + " times " + std::to_string(cols) + " labels need " +
                        std::to_string(4 * rows * cols) + " bytes",
                    "compare coarser partitions");
    }
    const bool turned = rows > cols;
    const std::int64_t width = turned ? rows : cols;
    std::vector<std::int32_t> dense(static_cast<std::size_t>(rows * cols), 0);
    for (std::int64_t i = 0; i < rows; ++i) {
        const auto columns = table.counts.row_indices(i);
        const auto counts = table.counts.row_values(i);
        for (std::size_t e = 0; e < columns.size(); ++e) {
            const std::int64_t at = turned ? columns[e] * width + i : i * width + columns[e];
            dense[static_cast<std::size_t>(at)] = static_cast<std::int32_t>(counts[e]);
        }
    }
    const std::vector<std::int64_t> partner = detail::score_assign(dense, turned ? cols : rows, width);
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
    for (std::size_t i = 0; i < partner.size(); ++i) {
        const auto mine = static_cast<std::int64_t>(i);
        pairs.emplace_back(turned ? partner[i] : mine, turned ? mine : partner[i]);
    }
    std::sort(pairs.begin(), pairs.end());
    LabelMatching out;
    std::int64_t matched = 0;
    for (const auto& [i, j] : pairs) {
        out.a.push_back(table.row_labels[static_cast<std::size_t>(i)]);
        out.b.push_back(table.col_labels[static_cast<std::size_t>(j)]);
        out.items.push_back(dense[static_cast<std::size_t>(turned ? j * width + i : i * width + j)]);
        matched += out.items.back();
    }
    if (table.total > 0) out.accuracy = static_cast<double>(matched) / static_cast<double>(table.total);
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

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_PARTITION_SCORES_IMPL_HPP
