// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENDROGRAM_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENDROGRAM_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/dendrogram.hpp"
#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

/// Where each cluster's leaves lie in `order`, by id (items first).
struct DendrogramSpans {
    std::vector<Index> order;
    std::vector<std::int64_t> begin;
    std::vector<std::int64_t> size;
};

inline DendrogramSpans dendrogram_spans(const LinkageTree& tree) {
    const std::int64_t n = tree.num_items;
    DendrogramSpans spans;
    spans.begin.assign(static_cast<std::size_t>(2 * n - 1), 0);
    spans.size.assign(spans.begin.size(), 1);
    for (std::int64_t m = 0; m < n - 1; ++m)
        spans.size[static_cast<std::size_t>(n + m)] = static_cast<std::int64_t>(tree.merges(m, 3));
    // Parts have lower ids than their cluster.
    for (std::int64_t m = n - 2; m >= 0; --m) {
        const auto left = static_cast<std::size_t>(tree.merges(m, 0));
        const auto right = static_cast<std::size_t>(tree.merges(m, 1));
        spans.begin[left] = spans.begin[static_cast<std::size_t>(n + m)];
        spans.begin[right] = spans.begin[left] + spans.size[left];
    }
    spans.order.resize(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i)
        spans.order[static_cast<std::size_t>(spans.begin[static_cast<std::size_t>(i)])] = static_cast<Index>(i);
    return spans;
}

inline void dendrogram_check_distances(const char* stage, std::int64_t n, std::span<const double> distances) {
    if (static_cast<std::int64_t>(distances.size()) == n * (n - 1) / 2) return;
    throw_shape(stage, std::to_string(distances.size()) + " distances for " + std::to_string(n) + " items",
                "pass the n (n - 1) / 2 of the upper triangle, row by row");
}

/// Least paths through the leaves of every cluster, between any leaf of its left and any of its right part.
class DendrogramPaths {
public:
    DendrogramPaths(const LinkageTree& tree, std::span<const double> distances, int num_threads)
        : tree_(tree), n_(tree.num_items), spans_(dendrogram_spans(tree)), num_threads_(num_threads), path_(n_, n_),
          distance_(n_, n_) {
        for (std::int64_t i = 0; i < n_; ++i) {
            for (std::int64_t j = 0; j < n_; ++j) {
                if (i == j) continue;
                distance_(i, j) = distances[linkage_at(n_, spans_.order[static_cast<std::size_t>(i)],
                                                       spans_.order[static_cast<std::size_t>(j)])];
            }
        }
    }

    std::vector<Index> best(const Progress& progress) {
        for (std::int64_t m = 0; m < n_ - 1; ++m) {
            fill(m);
            progress("optimal leaf order", m + 1, n_ - 1);
        }
        return trace();
    }

private:
    struct Range {
        std::int64_t begin;
        std::int64_t end;
    };
    Range range(std::int64_t id) const {
        const auto at = static_cast<std::size_t>(id);
        return {spans_.begin[at], spans_.begin[at] + spans_.size[at]};
    }
    std::int64_t part(std::int64_t id, int side) const {
        return static_cast<std::int64_t>(tree_.merges(id - n_, side));
    }
    /// Where a path through cluster `id` ends that starts at leaf position p.
    Range ends(std::int64_t id, std::int64_t p) const {
        if (id < n_) return {p, p + 1};
        const Range left = range(part(id, 0));
        return p < left.end ? range(part(id, 1)) : left;
    }

    void fill(std::int64_t m) {
        const std::int64_t left = part(n_ + m, 0);
        const std::int64_t right = part(n_ + m, 1);
        const Range l = range(left);
        const Range r = range(right);
        const std::int64_t width = r.end - r.begin;
        const bool serial = (l.end - l.begin) * width < 4096;
        parallel_for(l.end - l.begin, 8, serial ? 1 : num_threads_, [&](std::int64_t first, std::int64_t last) {
            std::vector<double> reach(static_cast<std::size_t>(width));  // from u through the left part to k
            for (std::int64_t u = l.begin + first; u < l.begin + last; ++u) {
                std::fill(reach.begin(), reach.end(), std::numeric_limits<double>::infinity());
                const Range inner = ends(left, u);
                for (std::int64_t e = inner.begin; e < inner.end; ++e) {
                    const double so_far = path_(u, e);
                    const double* to = distance_.row_data(e) + r.begin;
                    for (std::int64_t k = 0; k < width; ++k)
                        reach[static_cast<std::size_t>(k)] = std::min(reach[static_cast<std::size_t>(k)], so_far + to[k]);
                }
                double* out = path_.row_data(u);
                std::fill(out + r.begin, out + r.end, std::numeric_limits<double>::infinity());
                for (std::int64_t k = r.begin; k < r.end; ++k) {
                    const double so_far = reach[static_cast<std::size_t>(k - r.begin)];
                    const double* rest = path_.row_data(k);
                    const Range outer = ends(right, k);
                    for (std::int64_t w = outer.begin; w < outer.end; ++w) out[w] = std::min(out[w], so_far + rest[w]);
                }
            }
        });
        for (std::int64_t u = l.begin; u < l.end; ++u) {
            for (std::int64_t w = r.begin; w < r.end; ++w) path_(w, u) = path_(u, w);
        }
    }

    std::vector<Index> trace() const {
        struct Task {
            std::int64_t id;
            std::int64_t from;
            std::int64_t to;
        };
        const std::int64_t root = 2 * n_ - 2;
        Task whole{root, 0, 0};
        double least = std::numeric_limits<double>::infinity();
        const Range left = range(part(root, 0));
        const Range right = range(part(root, 1));
        for (std::int64_t u = left.begin; u < left.end; ++u) {
            for (std::int64_t w = right.begin; w < right.end; ++w) {
                if (path_(u, w) < least) {
                    least = path_(u, w);
                    whole.from = u;
                    whole.to = w;
                }
            }
        }
        std::vector<Index> order;
        std::vector<Task> tasks = {whole};
        while (!tasks.empty()) {
            const Task task = tasks.back();
            tasks.pop_back();
            if (task.id < n_) {
                order.push_back(spans_.order[static_cast<std::size_t>(task.from)]);
                continue;
            }
            std::int64_t first = part(task.id, 0);
            std::int64_t second = part(task.id, 1);
            const Range l = range(first);
            if (task.from < l.begin || task.from >= l.end) std::swap(first, second);
            // The pair between the two parts that gave the path.
            const Range inner = ends(first, task.from);
            const Range outer = ends(second, task.to);
            std::int64_t at_e = inner.begin;
            std::int64_t at_k = outer.begin;
            double shortest = std::numeric_limits<double>::infinity();
            for (std::int64_t e = inner.begin; e < inner.end; ++e) {
                for (std::int64_t k = outer.begin; k < outer.end; ++k) {
                    const double length = path_(task.from, e) + distance_(e, k) + path_(k, task.to);
                    if (length < shortest) {
                        shortest = length;
                        at_e = e;
                        at_k = k;
                    }
                }
            }
            tasks.push_back({second, at_k, task.to});
            tasks.push_back({first, task.from, at_e});
        }
        return order;
    }

    const LinkageTree& tree_;
    std::int64_t n_;
    DendrogramSpans spans_;
    int num_threads_;
    Matrix<double> path_;      ///< by positions in `spans_.order`
    Matrix<double> distance_;  ///< so too
};

}  // namespace detail

FILMATLAS_INLINE Matrix<double> inconsistency(const LinkageTree& tree, int depth) {
    validate(tree);
    if (depth < 1) throw_invalid("inconsistency", "depth", "is " + std::to_string(depth), "use 1 or more");
    const std::int64_t n = tree.num_items;
    Matrix<double> out(n - 1, 4);
    std::vector<std::pair<std::int64_t, int>> stack;
    std::vector<double> heights;
    for (std::int64_t m = 0; m < n - 1; ++m) {
        heights.clear();
        stack.assign(1, {m, depth});
        while (!stack.empty()) {
            const auto [merge, steps] = stack.back();
            stack.pop_back();
            heights.push_back(tree.merges(merge, 2));
            if (steps == 1) continue;
            for (const int side : {1, 0}) {
                const auto id = static_cast<std::int64_t>(tree.merges(merge, side));
                if (id >= n) stack.emplace_back(id - n, steps - 1);
            }
        }
        const auto count = static_cast<double>(heights.size());
        double mean = 0;
        for (const double height : heights) mean += height / count;
        double square = 0;
        for (const double height : heights) square += (height - mean) * (height - mean);
        const double deviation = heights.size() > 1 ? std::sqrt(square / (count - 1)) : 0.0;
        out(m, 0) = mean;
        out(m, 1) = deviation;
        out(m, 2) = count;
        out(m, 3) = deviation > 0 ? (tree.merges(m, 2) - mean) / deviation : 0.0;
    }
    return out;
}

FILMATLAS_INLINE std::vector<Index> cut_linkage_inconsistency(const LinkageTree& tree, double threshold, int depth) {
    const Matrix<double> statistics = inconsistency(tree, depth);
    std::vector<double> coefficient(static_cast<std::size_t>(statistics.rows()));
    for (std::size_t m = 0; m < coefficient.size(); ++m)
        coefficient[m] = statistics(static_cast<std::int64_t>(m), 3);
    return detail::linkage_labels_within(tree, coefficient, threshold);
}

FILMATLAS_INLINE std::vector<double> cophenetic_distances(const LinkageTree& tree,
                                                          std::optional<std::int64_t> memory_limit) {
    validate(tree);
    const std::int64_t n = tree.num_items;
    const std::int64_t needed = n > 1'000'000'000 ? std::numeric_limits<std::int64_t>::max() : 4 * n * (n - 1);
    const std::int64_t limit = memory_limit.value_or(detail::kLinkageDefaultLimit);
    if (needed > limit) {
        throw Error(ErrorCode::Memory, ErrorContext{"cophenetic_distances", {}, -1, "memory_limit", -1},
                    std::to_string(n) + " items have " + std::to_string(needed) + " bytes of distances, the limit is " +
                        std::to_string(limit),
                    "raise memory_limit, or use cophenetic_correlation, which keeps none");
    }
    std::vector<double> out(static_cast<std::size_t>(n * (n - 1) / 2));
    const detail::DendrogramSpans spans = detail::dendrogram_spans(tree);
    for (std::int64_t m = 0; m < n - 1; ++m) {
        const auto left = static_cast<std::size_t>(tree.merges(m, 0));
        const auto right = static_cast<std::size_t>(tree.merges(m, 1));
        for (std::int64_t p = spans.begin[left]; p < spans.begin[left] + spans.size[left]; ++p) {
            for (std::int64_t q = spans.begin[right]; q < spans.begin[right] + spans.size[right]; ++q) {
                out[detail::linkage_at(n, spans.order[static_cast<std::size_t>(p)],
                                       spans.order[static_cast<std::size_t>(q)])] = tree.merges(m, 2);
            }
        }
    }
    return out;
}

FILMATLAS_INLINE double cophenetic_correlation(const LinkageTree& tree, std::span<const double> distances) {
    validate(tree);
    const std::int64_t n = tree.num_items;
    detail::dendrogram_check_distances("cophenetic_correlation", n, distances);
    if (n < 3) return 0;
    const auto pairs = static_cast<double>(distances.size());
    double mean_height = 0;
    double mean_distance = 0;
    for (std::int64_t m = 0; m < n - 1; ++m) {
        const auto left = static_cast<std::int64_t>(tree.merges(m, 0));
        const double part = left < n ? 1.0 : tree.merges(left - n, 3);
        mean_height += tree.merges(m, 2) * (part * (tree.merges(m, 3) - part)) / pairs;
    }
    for (const double distance : distances) mean_distance += distance / pairs;
    const detail::DendrogramSpans spans = detail::dendrogram_spans(tree);
    double height_square = 0;
    double distance_square = 0;
    double product = 0;
    for (std::int64_t m = 0; m < n - 1; ++m) {
        const auto left = static_cast<std::size_t>(tree.merges(m, 0));
        const auto right = static_cast<std::size_t>(tree.merges(m, 1));
        const double height = tree.merges(m, 2) - mean_height;
        for (std::int64_t p = spans.begin[left]; p < spans.begin[left] + spans.size[left]; ++p) {
            for (std::int64_t q = spans.begin[right]; q < spans.begin[right] + spans.size[right]; ++q) {
                const double distance = distances[detail::linkage_at(n, spans.order[static_cast<std::size_t>(p)],
                                                                     spans.order[static_cast<std::size_t>(q)])] -
                                        mean_distance;
                height_square += height * height;
                distance_square += distance * distance;
                product += height * distance;
            }
        }
    }
    const double scale = std::sqrt(height_square) * std::sqrt(distance_square);
    return scale > 0 ? product / scale : 0;
}

FILMATLAS_INLINE std::vector<Index> leaf_order(const LinkageTree& tree) {
    validate(tree);
    return detail::dendrogram_spans(tree).order;
}

FILMATLAS_INLINE std::vector<Index> optimal_leaf_order(const LinkageTree& tree, std::span<const double> distances,
                                                       int num_threads, const Progress& progress) {
    constexpr const char* stage = "optimal_leaf_order";
    validate(tree);
    detail::dendrogram_check_distances(stage, tree.num_items, distances);
    if (tree.num_items > optimal_leaf_order_limit) {
        throw_invalid(stage, "tree", "has " + std::to_string(tree.num_items) + " items, the limit is " +
                                         std::to_string(optimal_leaf_order_limit),
                      "use leaf_order, or order the clusters of a cut");
    }
    for (std::size_t i = 0; i < distances.size(); ++i) {
        if (!(distances[i] >= 0) || !std::isfinite(distances[i])) {
            throw_invalid(stage, "distances", "entry " + std::to_string(i) + " is " + to_text(distances[i]),
                          "distances must be finite and >= 0");
        }
    }
    if (tree.num_items < 3) return leaf_order(tree);
    return detail::DendrogramPaths(tree, distances, num_threads).best(progress);
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_DENDROGRAM_IMPL_HPP
