// SPDX-License-Identifier: MIT
// Before the guard: header-only, this includes the bodies, which need what follows.

// Before the guard: in header-only use this brings bodies that need what stands below.
#include "filmatlas/cluster/linkage.hpp"

#ifndef FILMATLAS_CLUSTER_DETAIL_LINKAGE_CORE_HPP
#define FILMATLAS_CLUSTER_DETAIL_LINKAGE_CORE_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

/// @file linkage_core.hpp
/// @brief The merging algorithms behind `linkage()`, shared with the nested hierarchy.

namespace filmatlas::detail {

inline constexpr std::int64_t kLinkageDefaultLimit = std::int64_t{4} << 30;

/// Position of the distance of i and j (i != j) in the condensed upper triangle.
inline std::size_t linkage_at(std::int64_t n, std::int64_t i, std::int64_t j) {
    if (i > j) std::swap(i, j);
    return static_cast<std::size_t>(i * (2 * n - i - 1) / 2 + (j - i - 1));
}

/// Union-find whose clusters are numbered as in SciPy: items first, then one id per merge.
class LinkageForest {
public:
    explicit LinkageForest(std::int64_t n)
        : parent_(static_cast<std::size_t>(2 * n - 1)),
          items_(static_cast<std::size_t>(2 * n - 1), 1),
          next_(n) {
        std::iota(parent_.begin(), parent_.end(), std::int64_t{0});
    }
    std::int64_t find(std::int64_t i) {
        std::int64_t root = i;
        while (parent_[static_cast<std::size_t>(root)] != root)
            root = parent_[static_cast<std::size_t>(root)];
        while (parent_[static_cast<std::size_t>(i)] != root) {
            i = std::exchange(parent_[static_cast<std::size_t>(i)], root);
        }
        return root;
    }
    /// @return items of the new cluster
    std::int64_t merge(std::int64_t a, std::int64_t b) {
        const auto id = static_cast<std::size_t>(next_++);
        parent_[static_cast<std::size_t>(a)] = static_cast<std::int64_t>(id);
        parent_[static_cast<std::size_t>(b)] = static_cast<std::int64_t>(id);
        items_[id] = items_[static_cast<std::size_t>(a)] + items_[static_cast<std::size_t>(b)];
        return items_[id];
    }

private:
    std::vector<std::int64_t> parent_;
    std::vector<std::int64_t> items_;
    std::int64_t next_;
};

/// A merge of the clusters that hold two items.
struct LinkageMerge {
    std::int64_t a;
    std::int64_t b;
    double height;
};

/// Numbers merges as SciPy does; `sorted` = heights must ascend (all methods without inversions).
inline LinkageTree linkage_label(std::int64_t n, std::vector<LinkageMerge>& merges, bool sorted) {
    if (sorted) {
        std::stable_sort(merges.begin(), merges.end(),
                         [](const LinkageMerge& x, const LinkageMerge& y) { return x.height < y.height; });
    }
    LinkageTree tree;
    tree.num_items = n;
    tree.merges = Matrix<double>(n - 1, 4);
    LinkageForest forest(n);
    for (std::int64_t i = 0; i < n - 1; ++i) {
        const LinkageMerge& merge = merges[static_cast<std::size_t>(i)];
        std::int64_t a = forest.find(merge.a);
        std::int64_t b = forest.find(merge.b);
        if (a > b) std::swap(a, b);
        tree.merges(i, 0) = static_cast<double>(a);
        tree.merges(i, 1) = static_cast<double>(b);
        tree.merges(i, 2) = merge.height;
        tree.merges(i, 3) = static_cast<double>(forest.merge(a, b));
    }
    return tree;
}

/// Lance and Williams' update: distance of cluster i to the union of x and y.
inline double linkage_update(LinkageMethod method, double d_xi, double d_yi, double d_xy, double n_x,
                             double n_y, double n_i) {
    switch (method) {
        case LinkageMethod::Single: return std::min(d_xi, d_yi);
        case LinkageMethod::Complete: return std::max(d_xi, d_yi);
        case LinkageMethod::Average: return (n_x * d_xi + n_y * d_yi) / (n_x + n_y);
        case LinkageMethod::Weighted: return 0.5 * (d_xi + d_yi);
        case LinkageMethod::Ward: {
            const double t = 1.0 / (n_x + n_y + n_i);
            return std::sqrt(std::max(
                0.0, (n_i + n_x) * t * d_xi * d_xi + (n_i + n_y) * t * d_yi * d_yi - n_i * t * d_xy * d_xy));
        }
        case LinkageMethod::Centroid:
            return std::sqrt(std::max(
                0.0, ((n_x * d_xi * d_xi + n_y * d_yi * d_yi) - (n_x * n_y * d_xy * d_xy) / (n_x + n_y)) /
                         (n_x + n_y)));
        case LinkageMethod::Median:
            return std::sqrt(std::max(0.0, 0.5 * (d_xi * d_xi + d_yi * d_yi) - 0.25 * d_xy * d_xy));
    }
    return 0;
}

/// Linkages that follow from centroids.
enum class LinkageForm {
    Ward,         ///< 2 a b / (a + b) |x - y|^2; the height is its root
    MeanSquared,  ///< |x - y|^2 + variances
    MeanCosine,   ///< half of that
};

/// Clusters still there, ascending, with O(1) skipping of the removed ones left to one compaction per
/// removal.
class LinkageActive {
public:
    explicit LinkageActive(std::int64_t n) : ids_(static_cast<std::size_t>(n)) {
        std::iota(ids_.begin(), ids_.end(), std::int64_t{0});
    }
    const std::vector<std::int64_t>& ids() const { return ids_; }
    void remove(std::int64_t id) { ids_.erase(std::lower_bound(ids_.begin(), ids_.end(), id)); }

private:
    std::vector<std::int64_t> ids_;
};

/// Nearest-neighbour chain (Murtagh 1983): right for reducible linkages.
inline LinkageTree linkage_chain(std::span<double> distances, std::vector<double> sizes,
                                 LinkageMethod method, const Progress& progress) {
    const auto n = static_cast<std::int64_t>(sizes.size());
    LinkageActive active(n);
    std::vector<LinkageMerge> merges;
    merges.reserve(static_cast<std::size_t>(n) - 1);
    std::vector<std::int64_t> chain;
    while (static_cast<std::int64_t>(merges.size()) < n - 1) {
        if (chain.empty()) chain.push_back(active.ids().front());
        std::int64_t x = 0;
        std::int64_t y = 0;
        double nearest = 0;
        for (;;) {
            x = chain.back();
            // The element before wins ties: otherwise equal distances could lead the chain round in circles.
            nearest = std::numeric_limits<double>::infinity();
            y = -1;
            if (chain.size() > 1) {
                y = chain[chain.size() - 2];
                nearest = distances[linkage_at(n, x, y)];
            }
            for (const std::int64_t i : active.ids()) {
                if (i == x) continue;
                const double distance = distances[linkage_at(n, x, i)];
                if (distance < nearest || y < 0) {  // y < 0: even an overflowed distance is a neighbour
                    nearest = distance;
                    y = i;
                }
            }
            if (chain.size() > 1 && y == chain[chain.size() - 2]) break;
            chain.push_back(y);
        }
        chain.resize(chain.size() - 2);
        if (x > y) std::swap(x, y);
        merges.push_back({x, y, nearest});
        const double n_x = sizes[static_cast<std::size_t>(x)];
        const double n_y = sizes[static_cast<std::size_t>(y)];
        active.remove(x);
        sizes[static_cast<std::size_t>(y)] = n_x + n_y;
        for (const std::int64_t i : active.ids()) {
            if (i == y) continue;
            double& to_y = distances[linkage_at(n, i, y)];
            to_y = linkage_update(method, distances[linkage_at(n, i, x)], to_y, nearest, n_x, n_y,
                                  sizes[static_cast<std::size_t>(i)]);
        }
        progress("linkage", static_cast<std::int64_t>(merges.size()), n - 1);
    }
    return linkage_label(n, merges, true);
}

/// Generic algorithm (Anderberg 1973; Muellner 2011): each cluster knows a lower bound of the distance to its
/// nearest one of higher id, checked only when it comes first. Right for linkages whose heights may fall.
template <class T>
LinkageTree linkage_generic(std::span<T> distances, std::vector<double> sizes, LinkageMethod method,
                            const Progress& progress) {
    const auto n = static_cast<std::int64_t>(sizes.size());
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    LinkageActive active(n);
    std::vector<std::int64_t> neighbor(static_cast<std::size_t>(n), -1);
    std::vector<double> bound(static_cast<std::size_t>(n), kInfinity);
    const auto search = [&](std::int64_t x) {
        double best = kInfinity;
        std::int64_t at = -1;
        const auto& ids = active.ids();
        for (auto it = std::upper_bound(ids.begin(), ids.end(), x); it != ids.end(); ++it) {
            const auto distance = static_cast<double>(distances[linkage_at(n, x, *it)]);
            if (distance < best || at < 0) {
                best = distance;
                at = *it;
            }
        }
        neighbor[static_cast<std::size_t>(x)] = at;
        bound[static_cast<std::size_t>(x)] = best;
    };
    for (std::int64_t x = 0; x < n; ++x) search(x);

    std::vector<LinkageMerge> merges;
    merges.reserve(static_cast<std::size_t>(n) - 1);
    while (static_cast<std::int64_t>(merges.size()) < n - 1) {
        std::int64_t x = -1;
        std::int64_t y = -1;
        for (;;) {
            double best = kInfinity;
            x = -1;
            for (const std::int64_t i : active.ids()) {
                if (neighbor[static_cast<std::size_t>(i)] < 0) continue;
                if (x < 0 || bound[static_cast<std::size_t>(i)] < best) {
                    best = bound[static_cast<std::size_t>(i)];
                    x = i;
                }
            }
            y = neighbor[static_cast<std::size_t>(x)];
            if (static_cast<double>(distances[linkage_at(n, x, y)]) == best) break;
            search(x);
        }
        const double height = bound[static_cast<std::size_t>(x)];
        merges.push_back({x, y, height});
        const double n_x = sizes[static_cast<std::size_t>(x)];
        const double n_y = sizes[static_cast<std::size_t>(y)];
        active.remove(x);
        sizes[static_cast<std::size_t>(y)] = n_x + n_y;
        for (const std::int64_t i : active.ids()) {
            if (i == y) continue;
            T& entry = distances[linkage_at(n, i, y)];
            entry = static_cast<T>(linkage_update(method, static_cast<double>(distances[linkage_at(n, i, x)]),
                                                  static_cast<double>(entry), height, n_x, n_y,
                                                  sizes[static_cast<std::size_t>(i)]));
            const auto to_y = static_cast<double>(entry);
            if (i > y) continue;
            std::int64_t& guess = neighbor[static_cast<std::size_t>(i)];
            if (guess == x) guess = y;  // the bound still holds from below or fails the check above
            if (to_y < bound[static_cast<std::size_t>(i)]) {
                bound[static_cast<std::size_t>(i)] = to_y;
                guess = y;
            }
        }
        // Clusters between y and x cannot have x as neighbour (ids ascend), so y's own search completes the
        // repair.
        search(y);
        progress("linkage", static_cast<std::int64_t>(merges.size()), n - 1);
    }
    return linkage_label(n, merges, false);
}

/// Prim's algorithm on distances made when asked for: O(n) memory.
template <class Distance>
LinkageTree linkage_prim(std::int64_t n, const Distance& distance, const Progress& progress) {
    std::vector<double> nearest(static_cast<std::size_t>(n), std::numeric_limits<double>::infinity());
    LinkageActive outside(n);
    std::vector<LinkageMerge> merges;
    merges.reserve(static_cast<std::size_t>(n) - 1);
    std::int64_t x = 0;
    while (static_cast<std::int64_t>(merges.size()) < n - 1) {
        outside.remove(x);
        double best = std::numeric_limits<double>::infinity();
        std::int64_t y = -1;
        for (const std::int64_t j : outside.ids()) {
            double& value = nearest[static_cast<std::size_t>(j)];
            value = std::min(value, distance(x, j));
            if (value < best || y < 0) {
                best = value;
                y = j;
            }
        }
        // The vertex added last stands for the tree: sorted by height this gives the same merges as the true
        // edges.
        merges.push_back({x, y, best});
        x = y;
        progress("linkage", static_cast<std::int64_t>(merges.size()), n - 1);
    }
    return linkage_label(n, merges, true);
}

/// Rows in float64, checked; unit length under cosine.
template <class T>
Matrix<double> linkage_rows(MatrixView<const T> X, Metric metric) {
    if (X.rows < 1) throw_shape("linkage", "no rows", "pass at least one item");
    Matrix<double> rows(X.rows, X.cols);
    for (std::int64_t i = 0; i < X.rows; ++i) {
        double norm2 = 0;
        for (std::int64_t j = 0; j < X.cols; ++j) {
            const auto value = static_cast<double>(X(i, j));
            if (!std::isfinite(value)) {
                throw_invalid("linkage", "X", "row " + std::to_string(i) + " holds " + to_text(value),
                              "remove or repair rows without a valid vector first");
            }
            rows(i, j) = value;
            norm2 += value * value;
        }
        if (metric != Metric::Cosine) continue;
        if (!(norm2 > 0)) {
            throw_invalid("linkage", "X", "row " + std::to_string(i) + " is zero, which has no direction",
                          "remove zero rows first, or use another metric");
        }
        const double norm = std::sqrt(norm2);
        for (std::int64_t j = 0; j < X.cols; ++j) rows(i, j) /= norm;
    }
    return rows;
}

/// Sum of term(a, b) over the columns in four fixed lanes.
template <class Term>
double linkage_sum(const double* a, const double* b, std::int64_t d, const Term& term) {
    double lane[4] = {0, 0, 0, 0};
    std::int64_t j = 0;
    for (; j + 4 <= d; j += 4) {
        for (int l = 0; l < 4; ++l) lane[l] += term(a[j + l], b[j + l]);
    }
    for (; j < d; ++j) lane[j & 3] += term(a[j], b[j]);
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

inline double linkage_distance(const double* a, const double* b, std::int64_t d, Metric metric) {
    const auto square = [](double x, double y) { return (x - y) * (x - y); };
    switch (metric) {
        case Metric::Cosine:
            return std::max(0.0, 1.0 - linkage_sum(a, b, d, [](double x, double y) { return x * y; }));
        case Metric::SqEuclidean: return linkage_sum(a, b, d, square);
        case Metric::Manhattan:
            return linkage_sum(a, b, d, [](double x, double y) { return std::abs(x - y); });
        case Metric::Euclidean:
        case Metric::InnerProduct: break;
    }
    return std::sqrt(linkage_sum(a, b, d, square));
}

/// The upper triangle of a distance matrix. Not cleared first: the workers touch its pages as they fill it, so
/// that a gigabyte is not written twice, and a cancel is heard meanwhile.
template <class T>
struct CondensedValues {
    CondensedValues() = default;
    explicit CondensedValues(std::int64_t n)
        : count(static_cast<std::size_t>(n * (n - 1) / 2)),
          values(static_cast<T*>(::operator new(std::max<std::size_t>(1, count) * sizeof(T), kAlignment))) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        // Rows and columns are far apart: with pages of 4 KiB most of the time would go into finding them.
        if (count * sizeof(T) >= std::size_t{1} << 23) madvise(values.get(), count * sizeof(T), MADV_HUGEPAGE);
#endif
    }
    T* data() { return values.get(); }
    T& operator[](std::size_t at) { return values[at]; }
    T operator[](std::size_t at) const { return values[at]; }
    std::span<T> span() { return {values.get(), count}; }

    static constexpr std::align_val_t kAlignment{std::size_t{1} << 21};
    struct Free {
        void operator()(T* pointer) const { ::operator delete(pointer, kAlignment); }
    };
    std::size_t count = 0;
    std::unique_ptr<T[], Free> values;
};
using CondensedDistances = CondensedValues<double>;

/// All distances of the upper triangle; each row is written by one worker.
template <class T = double, class Fill>
CondensedValues<T> linkage_condensed(std::int64_t n, int num_threads, const Progress& progress, const Fill& fill) {
    CondensedValues<T> distances(n);
    parallel_for(
        n - 1, 16, num_threads,
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                T* out = distances.data() + linkage_at(n, i, i + 1);
                for (std::int64_t j = i + 1; j < n; ++j) *out++ = static_cast<T>(fill(i, j));
            }
        },
        progress, "linkage distances");
    return distances;
}

/// SciPy's own algorithms, one merge at a time.
inline LinkageTree linkage_run(std::span<double> distances, std::vector<double> sizes,
                               LinkageMethod method, const Progress& progress) {
    if (method == LinkageMethod::Centroid || method == LinkageMethod::Median) {
        return linkage_generic(distances, std::move(sizes), method, progress);
    }
    return linkage_chain(distances, std::move(sizes), method, progress);
}

/// Labels by first occurrence from a forest of the merges that were kept.
inline std::vector<Index> linkage_labels(const LinkageTree& tree, const std::vector<char>& keep) {
    const std::int64_t n = tree.num_items;
    // Parents have higher ids than their parts, so one pass downwards gives every cluster its topmost kept
    // ancestor.
    std::vector<std::int64_t> top(static_cast<std::size_t>(2 * n - 1));
    std::iota(top.begin(), top.end(), std::int64_t{0});
    for (std::int64_t i = n - 2; i >= 0; --i) {
        if (keep[static_cast<std::size_t>(i)] == 0) continue;
        const std::int64_t own = top[static_cast<std::size_t>(n + i)];
        top[static_cast<std::size_t>(tree.merges(i, 0))] = own;
        top[static_cast<std::size_t>(tree.merges(i, 1))] = own;
    }
    std::vector<Index> number(top.size(), -1);
    std::vector<Index> labels(static_cast<std::size_t>(n));
    Index next = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        Index& mine = number[static_cast<std::size_t>(top[i])];
        if (mine < 0) mine = next++;
        labels[i] = mine;
    }
    return labels;
}

/// Labels of the clusters in which every merge has at most this value. A merge may have a lower one than its
/// parts': the highest inside decides.
inline std::vector<Index> linkage_labels_within(const LinkageTree& tree, std::span<const double> value, double limit) {
    const std::int64_t n = tree.num_items;
    std::vector<char> keep(static_cast<std::size_t>(n) - 1, 0);
    std::vector<double> highest(static_cast<std::size_t>(2 * n - 1), -std::numeric_limits<double>::infinity());
    for (std::int64_t i = 0; i < n - 1; ++i) {
        const double inside =
            std::max({value[static_cast<std::size_t>(i)], highest[static_cast<std::size_t>(tree.merges(i, 0))],
                      highest[static_cast<std::size_t>(tree.merges(i, 1))]});
        highest[static_cast<std::size_t>(n + i)] = inside;
        keep[static_cast<std::size_t>(i)] = inside <= limit ? 1 : 0;
    }
    return linkage_labels(tree, keep);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_LINKAGE_CORE_HPP
