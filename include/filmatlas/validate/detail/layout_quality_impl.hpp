// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_LAYOUT_QUALITY_IMPL_HPP
#define FILMATLAS_VALIDATE_DETAIL_LAYOUT_QUALITY_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <nanoflann.hpp>
#include <numeric>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "filmatlas/core/detail/simd_versions.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/linalg/vector_rows.hpp"
#include "filmatlas/neighbors/count_closer.hpp"
#include "filmatlas/validate/detail/map_ranks.hpp"
#include "filmatlas/validate/label_agreement.hpp"
#include "filmatlas/validate/layout_quality.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::int64_t kQualityAllRows = 30000;
inline constexpr std::int64_t kQualityDrawnRows = 5000;
/// Up to this many multiplications the full space is measured in float64.
inline constexpr std::int64_t kQualityFloat64Work = std::int64_t{1} << 28;

/// The k nearest by (distance, id), for nanoflann. `worstDist` lies just above the k-th distance, so that
/// equal distances are still offered and the lower id wins.
class QualityNearest {
public:
    using DistanceType = double;
    using IndexType = Index;

    QualityNearest(std::size_t k, Index self) : k_(k), self_(self) { found_.reserve(k + 1); }
    std::size_t size() const noexcept { return found_.size(); }
    bool empty() const noexcept { return found_.empty(); }
    bool full() const noexcept { return found_.size() == k_; }
    void sort() noexcept {}
    double worstDist() const noexcept {
        return full() ? std::nextafter(found_.back().first, std::numeric_limits<double>::infinity())
                      : std::numeric_limits<double>::infinity();
    }
    bool addPoint(double distance, Index id) {
        if (id == self_) return true;
        const std::pair<double, Index> entry{distance, id};
        if (full() && !(entry < found_.back())) return true;
        found_.insert(std::upper_bound(found_.begin(), found_.end(), entry), entry);
        if (found_.size() > k_) found_.pop_back();
        return true;
    }
    const std::vector<std::pair<double, Index>>& found() const noexcept { return found_; }

private:
    std::size_t k_;
    Index self_;
    std::vector<std::pair<double, Index>> found_;
};

/// Finite rows of a map, for nanoflann.
struct QualityPoints {
    const Matrix<float>* coordinates;
    std::vector<Index> rows;

    std::size_t kdtree_get_point_count() const { return rows.size(); }
    double kdtree_get_pt(std::size_t i, std::size_t d) const {
        return static_cast<double>((*coordinates)(rows[i], static_cast<std::int64_t>(d)));
    }
    template <class Box>
    bool kdtree_get_bbox(Box&) const {
        return false;
    }
};

inline bool quality_finite(std::span<const float> row) {
    return std::all_of(row.begin(), row.end(), [](float v) { return std::isfinite(v); });
}

/// Number of x[c], c != id, that come before x[id]'s place: larger than `value`, or equal with a lower index.
template <class T>
__attribute__((always_inline)) inline std::int64_t quality_before(const T* x, std::int64_t n, T value,
                                                                  std::int64_t id) noexcept {
    using Count = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    Count below = 0;
    Count above = 0;
    for (std::int64_t c = 0; c < id; ++c) below += x[c] >= value ? 1 : 0;
    for (std::int64_t c = id + 1; c < n; ++c) above += x[c] > value ? 1 : 0;
    return std::int64_t{below} + std::int64_t{above};
}

/// It adds and compares only, so that all instruction sets give the same figures.
template <class T>
inline std::int64_t quality_before_baseline(const T* x, std::int64_t n, T value, std::int64_t id) noexcept {
    return quality_before(x, n, value, id);
}
template <class T>
FILMATLAS_TARGET_AVX2 inline std::int64_t quality_before_avx2(const T* x, std::int64_t n, T value,
                                                              std::int64_t id) noexcept {
    return quality_before(x, n, value, id);
}
template <class T>
FILMATLAS_TARGET_AVX512 inline std::int64_t quality_before_avx512(const T* x, std::int64_t n, T value,
                                                                  std::int64_t id) noexcept {
    return quality_before(x, n, value, id);
}

template <class T>
using QualityCounter = std::int64_t (*)(const T*, std::int64_t, T, std::int64_t) noexcept;
template <class T>
QualityCounter<T> quality_counter() {
    return simd_version(&quality_before_baseline<T>, &quality_before_avx2<T>, &quality_before_avx512<T>);
}

/// Distance of the graph's metric in float64.
inline double quality_distance(const float* a, const float* b, std::int64_t d, Metric metric) {
    double dot = 0;
    double norm_a = 0;
    double norm_b = 0;
    double squared = 0;
    double manhattan = 0;
    switch (metric) {
        case Metric::Cosine:
            for (std::int64_t k = 0; k < d; ++k) {
                const auto x = static_cast<double>(a[k]);
                const auto y = static_cast<double>(b[k]);
                dot += x * y;
                norm_a += x * x;
                norm_b += y * y;
            }
            return norm_a > 0 && norm_b > 0 ? 1 - dot / (std::sqrt(norm_a) * std::sqrt(norm_b)) : 1;
        case Metric::InnerProduct:
            for (std::int64_t k = 0; k < d; ++k) dot += static_cast<double>(a[k]) * static_cast<double>(b[k]);
            return -dot;
        case Metric::Manhattan:
            for (std::int64_t k = 0; k < d; ++k) {
                manhattan += std::abs(static_cast<double>(a[k]) - static_cast<double>(b[k]));
            }
            return manhattan;
        case Metric::Euclidean:
        case Metric::SqEuclidean: break;
    }
    for (std::int64_t k = 0; k < d; ++k) {
        const double gap = static_cast<double>(a[k]) - static_cast<double>(b[k]);
        squared += gap * gap;
    }
    return metric == Metric::Euclidean ? std::sqrt(squared) : squared;
}

/// Neighbour lists and ranks are about `rows`, the items that count, renumbered 0 .. m-1 in ascending order.
struct QualityItems {
    std::vector<Index> rows;
    Matrix<Index> truth;  ///< (m, k) nearest in the full space, -1 padded at the end
    Matrix<Index> found;  ///< (m, k) nearest on the map
};

/// Place of an id in a list; the list's length when it is not there.
inline std::int64_t quality_place(std::span<const Index> list, Index id) {
    return std::find(list.begin(), list.end(), id) - list.begin();
}

/// Per drawn item and slot the rank, from 1, that a neighbour in one space has in the other; 0 for an empty slot.
struct QualityRanks {
    Matrix<Index> space;  ///< of the map's neighbours in the full space
    Matrix<Index> map;    ///< of the true neighbours on the map
};

/// Full-space ranks of the map's neighbours for one item, given its scores (larger = nearer, self -inf).
template <class T, class Before>
void quality_space_ranks(const QualityItems& items, std::int64_t i, const T* scores, Before before, bool trust_graph,
                         std::span<Index> ranks) {
    const auto m = static_cast<std::int64_t>(items.rows.size());
    const auto found = items.found.row(i);
    for (std::size_t s = 0; s < found.size(); ++s) {
        const Index j = found[s];
        if (j < 0) continue;
        const std::int64_t place = trust_graph ? quality_place(items.truth.row(i), j) : items.truth.cols();
        ranks[s] = static_cast<Index>(
            (place < items.truth.cols() ? place : before(scores, m, scores[j], static_cast<std::int64_t>(j))) + 1);
    }
}

/// The rows that count, copied where they are not all.
inline MatrixView<const float> quality_rows(MatrixView<const float> X, const std::vector<Index>& rows,
                                            Matrix<float>& copy) {
    if (static_cast<std::int64_t>(rows.size()) == X.rows) return X;
    copy = Matrix<float>(static_cast<std::int64_t>(rows.size()), X.cols);
    for (std::int64_t i = 0; i < copy.rows(); ++i) {
        const float* from = X.row_data(rows[static_cast<std::size_t>(i)]);
        std::copy_n(from, X.cols, copy.row_data(i));
    }
    return std::as_const(copy).view();
}

inline QualityRanks quality_ranks(MatrixView<const float> X, Metric metric, bool exact_graph,
                                  const Matrix<float>& coordinates, const QualityItems& items,
                                  const std::vector<Index>& drawn, int num_threads, const Progress& progress) {
    const auto m = static_cast<std::int64_t>(items.rows.size());
    const auto count = static_cast<std::int64_t>(drawn.size());
    const QualityCounter<float> before_f32 = quality_counter<float>();
    const QualityCounter<double> before_f64 = quality_counter<double>();
    QualityRanks ranks{Matrix<Index>(count, items.found.cols()), Matrix<Index>(count, items.truth.cols())};

    const MapRanks on_map(coordinates, items.rows);
    std::vector<Index> by_place(drawn.size());  // neighbours on the map one after the other open the same boxes
    std::iota(by_place.begin(), by_place.end(), Index{0});
    std::sort(by_place.begin(), by_place.end(), [&](Index a, Index b) {
        return on_map.place(drawn[static_cast<std::size_t>(a)]) < on_map.place(drawn[static_cast<std::size_t>(b)]);
    });
    parallel_for(
        count, 64, num_threads,
        [&](std::int64_t begin, std::int64_t end) {
            std::vector<Index> torn;
            std::vector<std::int64_t> slots;
            std::vector<std::int64_t> before;
            for (std::int64_t b = begin; b < end; ++b) {
                const Index r = by_place[static_cast<std::size_t>(b)];
                const Index i = drawn[static_cast<std::size_t>(r)];
                torn.clear();
                slots.clear();
                for (std::int64_t s = 0; s < items.truth.cols(); ++s) {
                    const Index j = items.truth(i, s);
                    if (j < 0) continue;
                    const std::int64_t place = quality_place(items.found.row(i), j);
                    if (place < items.found.cols()) {
                        ranks.map(r, s) = static_cast<Index>(place + 1);
                    } else {
                        torn.push_back(j);
                        slots.push_back(s);
                    }
                }
                before.resize(torn.size());
                on_map.before(i, torn, before);
                for (std::size_t t = 0; t < torn.size(); ++t) ranks.map(r, slots[t]) = static_cast<Index>(before[t] + 1);
            }
        },
        progress, "layout_quality (map)");

    // The full space: few or Manhattan distances one by one in float64, else block products.
    const bool one_by_one =
        metric == Metric::Manhattan || count * m <= kQualityFloat64Work / std::max<std::int64_t>(1, X.cols);
    if (one_by_one) {
        parallel_for(
            count, 16, num_threads,
            [&](std::int64_t begin, std::int64_t end) {
                std::vector<double> scores(static_cast<std::size_t>(m));
                for (std::int64_t r = begin; r < end; ++r) {
                    const std::int64_t i = drawn[static_cast<std::size_t>(r)];
                    const float* own = X.row_data(items.rows[static_cast<std::size_t>(i)]);
                    for (std::int64_t c = 0; c < m; ++c) {
                        scores[static_cast<std::size_t>(c)] = -quality_distance(
                            own, X.row_data(items.rows[static_cast<std::size_t>(c)]), X.cols, metric);
                    }
                    scores[static_cast<std::size_t>(i)] = -std::numeric_limits<double>::infinity();
                    quality_space_ranks(items, i, scores.data(), before_f64, false, ranks.space.row(r));
                }
            },
            progress, "layout_quality (space)");
        return ranks;
    }

    if (count == m) {  // every item: the neighbour search's own count, each pair once for both of its items
        Matrix<float> copy;
        Matrix<Index> others = items.found;
        for (std::int64_t i = 0; exact_graph && i < m; ++i) {
            for (Index& j : others.row(i)) {
                if (quality_place(items.truth.row(i), j) < items.truth.cols()) j = -1;
            }
        }
        CloserOptions options;
        options.metric = metric;
        options.num_threads = num_threads;
        const Matrix<Index> closer = count_closer(VectorRows(quality_rows(X, items.rows, copy)),
                                                  std::as_const(others).view(), options, progress);
        for (std::int64_t i = 0; i < m; ++i) {
            for (std::int64_t s = 0; s < closer.cols(); ++s) {
                const Index j = items.found(i, s);
                if (j < 0) continue;
                const bool known = others(i, s) < 0;
                ranks.space(i, s) =
                    static_cast<Index>(known ? quality_place(items.truth.row(i), j) : std::int64_t{closer(i, s)}) + 1;
            }
        }
        return ranks;
    }

    // Unit rows for cosine; for Euclidean distances the mean is taken out first, which leaves them as they
    // are and keeps |b|^2 - 2 a b from cancelling.
    const bool euclidean = metric == Metric::Euclidean || metric == Metric::SqEuclidean;
    std::vector<double> mean(static_cast<std::size_t>(X.cols), 0);
    if (euclidean) {
        for (const Index row : items.rows) {
            const float* x = X.row_data(row);
            for (std::size_t d = 0; d < mean.size(); ++d) mean[d] += static_cast<double>(x[d]);
        }
        for (double& value : mean) value /= static_cast<double>(m);
    }
    std::vector<float> squares(euclidean ? static_cast<std::size_t>(m) : 0);
    const auto fill = [&](std::int64_t i, float* out) {
        const float* x = X.row_data(items.rows[static_cast<std::size_t>(i)]);
        double norm2 = 0;
        if (metric == Metric::Cosine) {
            for (std::int64_t d = 0; d < X.cols; ++d)
                norm2 += static_cast<double>(x[d]) * static_cast<double>(x[d]);
        }
        const double scale = norm2 > 0 ? 1 / std::sqrt(norm2) : 1;
        for (std::int64_t d = 0; d < X.cols; ++d) {
            out[d] =
                static_cast<float>((static_cast<double>(x[d]) - mean[static_cast<std::size_t>(d)]) * scale);
        }
    };
    const PackedRows<float> packed(m, X.cols, num_threads, [&](std::int64_t i, float* out) {
        fill(i, out);
        if (!euclidean) return;
        double norm2 = 0;
        for (std::int64_t d = 0; d < X.cols; ++d)
            norm2 += static_cast<double>(out[d]) * static_cast<double>(out[d]);
        squares[static_cast<std::size_t>(i)] = static_cast<float>(norm2);
    });
    const PackedRows<float> left(count, X.cols, num_threads, [&](std::int64_t r, float* out) {
        fill(drawn[static_cast<std::size_t>(r)], out);
    });
    const Kernels& table = kernels();
    constexpr std::int64_t kPanel = PackedRows<float>::panel_rows;
    const std::int64_t width = packed.panels() * kPanel;
    // Panels of B per product: they stay in the second-level cache while the 16 rows pass.
    const std::int64_t step =
        std::max<std::int64_t>(1, (std::int64_t{1} << 17) / (kPanel * std::max<std::int64_t>(1, X.cols)));
    const std::int64_t panels_per_block = 4;
    parallel_blocks((left.panels() + panels_per_block - 1) / panels_per_block, num_threads,
                    [&](std::int64_t block, int) {
                        const std::int64_t first = block * panels_per_block;
                        const std::int64_t last = std::min(left.panels(), first + panels_per_block);
                        std::vector<float> strips(static_cast<std::size_t>((last - first) * kPanel * width));
                        for (std::int64_t b = 0; b < packed.panels(); b += step) {
                            const std::int64_t panels = std::min(step, packed.panels() - b);
                            for (std::int64_t p = first; p < last; ++p) {
                                table.block_product(left.panel(p), packed.panel(b),
                                                    static_cast<std::size_t>(X.cols),
                                                    static_cast<std::size_t>(panels),
                                                    strips.data() + (p - first) * kPanel * width + b * kPanel,
                                                    static_cast<std::size_t>(width));
                            }
                        }
                        for (std::int64_t r = first * kPanel; r < std::min(count, last * kPanel); ++r) {
                            float* scores = strips.data() + (r - first * kPanel) * width;
                            if (euclidean) {
                                for (std::int64_t c = 0; c < m; ++c)
                                    scores[c] = 2.0F * scores[c] - squares[static_cast<std::size_t>(c)];
                            }
                            const std::int64_t i = drawn[static_cast<std::size_t>(r)];
                            scores[i] = -std::numeric_limits<float>::infinity();
                            quality_space_ranks(items, i, scores, before_f32, exact_graph,
                                                ranks.space.row(r));
                        }
                    },
                    progress, "layout_quality (space)");
    return ranks;
}

/// Per drawn item the sum of (rank - k) over its first k neighbours that lie beyond the k-th rank.
inline std::vector<double> quality_excess(const Matrix<Index>& ranks, std::int64_t k) {
    std::vector<double> excess(static_cast<std::size_t>(ranks.rows()), 0.0);
    for (std::int64_t r = 0; r < ranks.rows(); ++r) {
        for (std::int64_t s = 0; s < k; ++s) {
            excess[static_cast<std::size_t>(r)] += static_cast<double>(std::max<std::int64_t>(ranks(r, s) - k, 0));
        }
    }
    return excess;
}

/// Mean and standard error (drawing without replacement from `total`) of 1 - scale * excess.
inline std::pair<double, double> quality_score(const std::vector<double>& excess, double scale,
                                               std::int64_t total) {
    const auto count = static_cast<double>(excess.size());
    double mean = 0;
    for (const double e : excess) mean += e;
    mean /= count;
    double error = 0;
    if (static_cast<std::int64_t>(excess.size()) < total) {
        double squares = 0;
        for (const double e : excess) squares += (e - mean) * (e - mean);
        const double left_out = 1 - count / static_cast<double>(total);
        error = scale * std::sqrt(squares / (count - 1) / count * left_out);
    }
    return {1 - scale * mean, error};
}

/// Ranks from 1, equal values share the mean of theirs.
inline std::vector<double> quality_mean_ranks(const std::vector<double>& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&values](std::size_t a, std::size_t b) {
        return values[a] != values[b] ? values[a] < values[b] : a < b;
    });
    std::vector<double> ranks(values.size());
    for (std::size_t begin = 0; begin < order.size();) {
        std::size_t end = begin + 1;
        while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
        const double rank = (static_cast<double>(begin) + static_cast<double>(end) + 1) / 2;
        for (; begin < end; ++begin) ranks[order[begin]] = rank;
    }
    return ranks;
}

/// Distances of pairs in both spaces: all pairs when there are few, else drawn ones.
inline double quality_correlation(MatrixView<const float> X, Metric metric, const Matrix<float>& coordinates,
                                  const std::vector<Index>& rows, const QualityOptions& options,
                                  const Progress& progress, std::int64_t& used) {
    const auto m = static_cast<std::int64_t>(rows.size());
    const std::int64_t possible = m * (m - 1) / 2;
    used = std::min(possible, options.pair_samples);
    std::vector<std::pair<Index, Index>> pairs;
    pairs.reserve(static_cast<std::size_t>(used));
    if (possible <= options.pair_samples) {
        for (std::int64_t a = 0; a < m; ++a) {
            for (std::int64_t b = a + 1; b < m; ++b)
                pairs.emplace_back(static_cast<Index>(a), static_cast<Index>(b));
        }
    } else {
        RandomStream stream(options.seed, "layout_quality.pairs");
        for (std::int64_t p = 0; p < used; ++p) {
            const auto a = static_cast<Index>(stream.below(static_cast<std::uint64_t>(m)));
            auto b = static_cast<Index>(stream.below(static_cast<std::uint64_t>(m) - 1));
            if (b >= a) ++b;
            pairs.emplace_back(a, b);
        }
    }
    std::vector<double> full(pairs.size());
    std::vector<double> map(pairs.size());
    const auto measure = [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t p = begin; p < end; ++p) {
            const auto [a, b] = pairs[static_cast<std::size_t>(p)];
            const Index i = rows[static_cast<std::size_t>(a)];
            const Index j = rows[static_cast<std::size_t>(b)];
            full[static_cast<std::size_t>(p)] =
                quality_distance(X.row_data(i), X.row_data(j), X.cols, metric);
            map[static_cast<std::size_t>(p)] = quality_distance(
                coordinates.row_data(i), coordinates.row_data(j), coordinates.cols(), Metric::SqEuclidean);
        }
    };
    parallel_for(used, 2048, options.num_threads, measure, progress, "layout_quality (pairs)");
    return spearman(full, map);
}

/// Drawn triplets (i, j, k): how often j and k are in the same order of their distances to i in both spaces.
inline void quality_triplets(MatrixView<const float> X, Metric metric, const Matrix<float>& coordinates,
                             const std::vector<Index>& rows, const QualityOptions& options, const Progress& progress,
                             LayoutQuality& out) {
    constexpr std::int64_t grain = 1024;
    const auto m = static_cast<std::uint64_t>(rows.size());
    const std::int64_t count = options.triplet_samples;
    std::vector<std::int64_t> agree(static_cast<std::size_t>((count + grain - 1) / grain), 0);
    const auto order = [](double a, double b) { return a < b ? -1 : a > b ? 1 : 0; };
    const auto measure = [&](std::int64_t begin, std::int64_t end) {
        RandomStream stream(options.seed, "layout_quality.triplets", static_cast<std::uint64_t>(begin / grain));
        for (std::int64_t t = begin; t < end; ++t) {
            // Three different ones: the later draws step over the earlier ones.
            const std::uint64_t a = stream.below(m);
            std::uint64_t b = stream.below(m - 1);
            b += b >= a ? 1 : 0;
            std::uint64_t c = stream.below(m - 2);
            c += c >= std::min(a, b) ? 1 : 0;
            c += c >= std::max(a, b) ? 1 : 0;
            const Index i = rows[a];
            const auto full = [&](std::uint64_t other) {
                return quality_distance(X.row_data(i), X.row_data(rows[other]), X.cols, metric);
            };
            const auto map = [&](std::uint64_t other) {
                return quality_distance(coordinates.row_data(i), coordinates.row_data(rows[other]), coordinates.cols(),
                                        Metric::SqEuclidean);
            };
            agree[static_cast<std::size_t>(begin / grain)] += order(full(b), full(c)) == order(map(b), map(c)) ? 1 : 0;
        }
    };
    parallel_for(count, grain, options.num_threads, measure, progress, "layout_quality (triplets)");
    const auto total = static_cast<double>(count);
    const double share =
        static_cast<double>(std::accumulate(agree.begin(), agree.end(), std::int64_t{0})) / total;
    out.triplets_measured = count;
    out.random_triplets = share;
    out.random_triplets_error = std::sqrt(share * (1 - share) / total);
}

}  // namespace detail

FILMATLAS_INLINE void validate(const QualityOptions& options) {
    if (options.k < 1)
        throw_invalid("layout_quality", "k", "is " + std::to_string(options.k), "use at least 1");
    if (options.pair_samples < 0) {
        throw_invalid("layout_quality", "pair_samples", "is " + std::to_string(options.pair_samples),
                      "use 0 or more");
    }
    if (options.triplet_samples < 0) {
        throw_invalid("layout_quality", "triplet_samples", "is " + std::to_string(options.triplet_samples),
                      "use 0 or more");
    }
    if (options.num_threads < 0) {
        throw_invalid("layout_quality", "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 or more");
    }
}

FILMATLAS_INLINE double spearman(const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() != b.size()) {
        throw_shape("spearman", "the sides have " + std::to_string(a.size()) + " and " +
                                    std::to_string(b.size()) + " values");
    }
    const double nan = std::numeric_limits<double>::quiet_NaN();
    if (a.size() < 2) return nan;
    const std::vector<double> ranks_a = detail::quality_mean_ranks(a);
    const std::vector<double> ranks_b = detail::quality_mean_ranks(b);
    const double mean = (static_cast<double>(a.size()) + 1) / 2;
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = ranks_a[i] - mean;
        const double y = ranks_b[i] - mean;
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / (std::sqrt(aa) * std::sqrt(bb)) : nan;
}

FILMATLAS_INLINE Matrix<Index> map_neighbors(const Matrix<float>& coordinates, int k, int num_threads) {
    if (k < 1) throw_invalid("map_neighbors", "k", "is " + std::to_string(k), "use at least 1");
    const std::int64_t n = coordinates.rows();
    const std::int64_t columns = std::max<std::int64_t>(0, std::min<std::int64_t>(k, n - 1));
    Matrix<Index> result(n, columns);
    std::fill(result.values().begin(), result.values().end(), Index{-1});
    detail::QualityPoints points{&coordinates, {}};
    for (std::int64_t i = 0; i < n; ++i) {
        if (detail::quality_finite(coordinates.row(i))) points.rows.push_back(static_cast<Index>(i));
    }
    const auto count = static_cast<std::int64_t>(points.rows.size());
    if (columns == 0 || count < 2 || coordinates.cols() == 0) return result;
    using Tree =
        nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<double, detail::QualityPoints>,
                                            detail::QualityPoints, -1, Index>;
    Tree tree(static_cast<int>(coordinates.cols()), points, nanoflann::KDTreeSingleIndexAdaptorParams(16));
    tree.buildIndex();
    parallel_for(count, 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> at(static_cast<std::size_t>(coordinates.cols()));
        for (std::int64_t p = begin; p < end; ++p) {
            for (std::size_t d = 0; d < at.size(); ++d)
                at[d] = points.kdtree_get_pt(static_cast<std::size_t>(p), d);
            detail::QualityNearest nearest(static_cast<std::size_t>(std::min(columns, count - 1)),
                                           static_cast<Index>(p));
#if NANOFLANN_VERSION >= 0x150
            tree.findNeighbors(nearest, at.data(), nanoflann::SearchParameters());
#else
            tree.findNeighbors(nearest, at.data(), nanoflann::SearchParams());
#endif
            const auto row = result.row(points.rows[static_cast<std::size_t>(p)]);
            for (std::size_t s = 0; s < nearest.found().size(); ++s) {
                row[s] = points.rows[static_cast<std::size_t>(nearest.found()[s].second)];
            }
        }
    });
    return result;
}

FILMATLAS_INLINE std::vector<LayoutQuality> layout_qualities(MatrixView<const float> X, const KnnGraph& graph,
                                                             const Matrix<float>& coordinates,
                                                             const std::vector<int>& sizes,
                                                             const QualityOptions& options, const Progress& progress) {
    QualityOptions checked = options;
    for (const int size : sizes) {
        checked.k = size;
        validate(checked);
    }
    const std::int64_t n = X.rows;
    if (graph.size() != n || coordinates.rows() != n) {
        throw_shape("layout_quality",
                    "there are " + std::to_string(n) + " vectors, " + std::to_string(graph.size()) +
                        " rows of neighbours and " + std::to_string(coordinates.rows()) + " positions",
                    "pass the three of the same items");
    }
    if (!options.labels.empty() && static_cast<std::int64_t>(options.labels.size()) != n) {
        throw_shape("layout_quality", "there are " + std::to_string(n) + " vectors and " +
                                          std::to_string(options.labels.size()) + " labels");
    }
    const double nan = std::numeric_limits<double>::quiet_NaN();
    LayoutQuality none;
    none.kept_neighbors = none.trustworthiness = none.continuity = none.rank_correlation = nan;
    none.random_triplets = none.label_accuracy = none.label_accuracy_full = nan;
    none.kept_per_item.assign(static_cast<std::size_t>(n), std::numeric_limits<float>::quiet_NaN());
    std::vector<LayoutQuality> qualities(sizes.size(), none);

    std::vector<char> invalid(static_cast<std::size_t>(n), 0);
    for (const Index row : graph.invalid_rows) {
        if (row >= 0 && row < n) invalid[static_cast<std::size_t>(row)] = 1;
    }
    detail::QualityItems items;
    std::vector<Index> compact(static_cast<std::size_t>(n), -1);
    Matrix<float> usable = coordinates;
    for (std::int64_t i = 0; i < n; ++i) {
        if (invalid[static_cast<std::size_t>(i)] || !detail::quality_finite(coordinates.row(i)) ||
            !detail::quality_finite(X.row(i))) {
            std::ranges::fill(usable.row(i), std::numeric_limits<float>::quiet_NaN());
            continue;
        }
        compact[static_cast<std::size_t>(i)] = static_cast<Index>(items.rows.size());
        items.rows.push_back(static_cast<Index>(i));
    }
    const auto m = static_cast<std::int64_t>(items.rows.size());
    std::int64_t widest = 0;
    for (std::size_t q = 0; q < sizes.size(); ++q) {
        const std::int64_t k = std::min<std::int64_t>({sizes[q], graph.k(), (m - 1) / 2});
        if (m < 3 || k < 1) continue;
        qualities[q].k = static_cast<int>(k);
        widest = std::max(widest, k);
    }
    if (widest == 0) return qualities;

    // Neighbours of the largest size asked for: those of the smaller ones are their first.
    const Matrix<Index> nearest = map_neighbors(usable, static_cast<int>(widest), options.num_threads);
    items.truth = Matrix<Index>(m, widest);
    items.found = Matrix<Index>(m, widest);
    for (std::int64_t u = 0; u < m; ++u) {
        const Index row = items.rows[static_cast<std::size_t>(u)];
        // Neighbours that do not count are skipped, later columns of the graph move up.
        std::int64_t filled = 0;
        for (std::int64_t s = 0; s < graph.k() && filled < widest; ++s) {
            const Index id = graph.indices(row, s);
            if (id < -1 || id >= n) {
                throw_shape("layout_quality",
                            "the graph names item " + std::to_string(id) + " of " + std::to_string(n));
            }
            if (id >= 0 && compact[static_cast<std::size_t>(id)] >= 0) {
                items.truth(u, filled++) = compact[static_cast<std::size_t>(id)];
            }
        }
        for (std::int64_t s = filled; s < widest; ++s) items.truth(u, s) = -1;
        for (std::int64_t s = 0; s < widest; ++s) {
            const Index id = nearest(row, s);
            items.found(u, s) = id < 0 ? -1 : compact[static_cast<std::size_t>(id)];
        }
    }

    std::vector<Index> drawn;
    detail::QualityRanks ranks;
    if (options.exact_trust.value_or(true)) {
        const bool all = options.exact_trust.has_value() || m <= detail::kQualityAllRows;
        if (all) {
            drawn.resize(static_cast<std::size_t>(m));
            std::iota(drawn.begin(), drawn.end(), Index{0});
        } else {
            // The items with the smallest keys: a draw without replacement.
            std::vector<std::pair<std::uint64_t, Index>> keys;
            for (std::int64_t u = 0; u < m; ++u) {
                keys.emplace_back(
                    RandomStream(options.seed, "layout_quality.rows", static_cast<std::uint64_t>(u)).next(),
                    static_cast<Index>(u));
            }
            std::nth_element(keys.begin(), keys.begin() + detail::kQualityDrawnRows, keys.end());
            for (std::int64_t r = 0; r < detail::kQualityDrawnRows; ++r) {
                drawn.push_back(keys[static_cast<std::size_t>(r)].second);
            }
            std::sort(drawn.begin(), drawn.end());
        }
        ranks = detail::quality_ranks(X, graph.metric, graph.exact(), coordinates, items, drawn, options.num_threads,
                                      progress);
    }
    double correlation = nan;
    std::int64_t pairs = 0;
    if (options.pair_samples > 0) {
        correlation = detail::quality_correlation(X, graph.metric, coordinates, items.rows, options, progress,
                                                  pairs);
    }
    LayoutQuality shared = none;
    if (options.triplet_samples > 0)
        detail::quality_triplets(X, graph.metric, coordinates, items.rows, options, progress, shared);
    std::vector<Index> labels;
    if (!options.labels.empty()) {
        for (const Index row : items.rows) labels.push_back(options.labels[static_cast<std::size_t>(row)]);
    }

    for (LayoutQuality& quality : qualities) {
        if (quality.k == 0) continue;
        const std::int64_t k = quality.k;
        double kept_sum = 0;
        std::int64_t kept_count = 0;
        for (std::int64_t u = 0; u < m; ++u) {
            const auto truth = items.truth.row(u).first(static_cast<std::size_t>(k));
            const auto found = items.found.row(u).first(static_cast<std::size_t>(k));
            const std::int64_t filled = detail::quality_place(truth, -1);
            if (filled == 0) continue;
            std::int64_t kept = 0;
            for (const Index j : found) kept += j >= 0 && detail::quality_place(truth, j) < k ? 1 : 0;
            const double share = static_cast<double>(kept) / static_cast<double>(filled);
            quality.kept_per_item[static_cast<std::size_t>(items.rows[static_cast<std::size_t>(u)])] =
                static_cast<float>(share);
            kept_sum += share;
            ++kept_count;
        }
        if (kept_count > 0) quality.kept_neighbors = kept_sum / static_cast<double>(kept_count);
        if (!drawn.empty()) {
            const double scale = 2.0 / (static_cast<double>(k) *
                                        (2.0 * static_cast<double>(m) - 3.0 * static_cast<double>(k) - 1.0));
            const auto score = [&](const Matrix<Index>& of, std::vector<double>& per_item) {
                const std::vector<double> excess = detail::quality_excess(of, k);
                per_item.assign(static_cast<std::size_t>(n), nan);
                for (std::size_t r = 0; r < drawn.size(); ++r) {
                    per_item[static_cast<std::size_t>(items.rows[static_cast<std::size_t>(drawn[r])])] =
                        1 - scale * excess[r];
                }
                return detail::quality_score(excess, scale, m);
            };
            std::tie(quality.trustworthiness, quality.trustworthiness_error) =
                score(ranks.space, quality.trust_per_item);
            std::tie(quality.continuity, quality.continuity_error) = score(ranks.map, quality.continuity_per_item);
            quality.rows_measured = static_cast<std::int64_t>(drawn.size());
        }
        quality.rank_correlation = correlation;
        quality.pairs_measured = pairs;
        quality.random_triplets = shared.random_triplets;
        quality.random_triplets_error = shared.random_triplets_error;
        quality.triplets_measured = shared.triplets_measured;
        if (!labels.empty()) {
            quality.label_accuracy = label_agreement(std::as_const(items.found).view(), labels, quality.k).accuracy;
            quality.label_accuracy_full = label_agreement(std::as_const(items.truth).view(), labels, quality.k).accuracy;
        }
    }
    return qualities;
}

FILMATLAS_INLINE LayoutQuality layout_quality(MatrixView<const float> X, const KnnGraph& graph,
                                              const Matrix<float>& coordinates, const QualityOptions& options,
                                              const Progress& progress) {
    return std::move(layout_qualities(X, graph, coordinates, {options.k}, options, progress).front());
}

}  // namespace filmatlas
#endif  // FILMATLAS_VALIDATE_DETAIL_LAYOUT_QUALITY_IMPL_HPP
