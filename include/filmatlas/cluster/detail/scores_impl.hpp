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
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"

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
            const double* center = out.centroids.row_data(own);
            const float* x = X.row_data(i);
            double lane[4] = {0, 0, 0, 0};
            for (std::int64_t j = 0; j < X.cols; ++j) {
                const double difference = static_cast<double>(x[j]) - center[j];
                lane[j & 3] += difference * difference;
            }
            out.squared[static_cast<std::size_t>(i)] = (lane[0] + lane[2]) + (lane[1] + lane[3]);
        }
    });
    return out;
}

}  // namespace detail

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
    // Mean products with every cluster's members follow from the product with its centroid.
    const bool by_centroid = options.metric != Metric::Euclidean;
    const PackedRows<double> means_packed(by_centroid ? k : 0, X.cols, options.num_threads,
                                          [&](std::int64_t c, double* center) {
                                              const double size = std::max<double>(
                                                  1, static_cast<double>(clusters.sizes[static_cast<std::size_t>(c)]));
                                              for (std::int64_t j = 0; j < X.cols; ++j)
                                                  center[j] = clusters.sums(c, j) / size;
                                          });
    constexpr std::int64_t kBlock = 32;
    constexpr std::int64_t kPanel = PackedRows<double>::panel_rows;
    const std::int64_t stride = means_packed.panels() * kPanel;
    parallel_for(X.rows, kBlock, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> means(static_cast<std::size_t>(k));
        std::vector<double> dots;
        if (by_centroid && k > 0 && X.cols > 0) {
            dots.resize(static_cast<std::size_t>(kBlock * stride));
            const PackedRows<double> rows(end - begin, X.cols, 1, [&](std::int64_t r, double* out_row) {
                const double scale = clusters.scale[static_cast<std::size_t>(begin + r)];
                const float* x = X.row_data(begin + r);
                for (std::int64_t j = 0; j < X.cols; ++j) out_row[j] = static_cast<double>(x[j]) * scale;
            });
            for (std::int64_t p = 0; p < rows.panels(); ++p) {
                kernels().block_product_f64(rows.panel(p), means_packed.panel(0), static_cast<std::size_t>(X.cols),
                                            static_cast<std::size_t>(means_packed.panels()),
                                            dots.data() + p * kPanel * stride, static_cast<std::size_t>(stride), false);
            }
        } else if (by_centroid) {
            dots.assign(static_cast<std::size_t>(kBlock * std::max<std::int64_t>(1, stride)), 0.0);
        }
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
                const double square = clusters.square[static_cast<std::size_t>(i)];
                for (std::int64_t c = 0; c < k; ++c) {
                    const double size =
                        std::max<double>(1, static_cast<double>(clusters.sizes[static_cast<std::size_t>(c)]));
                    const double dot = dots[static_cast<std::size_t>((i - begin) * stride + c)];
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
