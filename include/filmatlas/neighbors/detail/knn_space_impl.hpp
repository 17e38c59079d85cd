// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_SPACE_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_SPACE_IMPL_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/linalg/vector_rows.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

namespace filmatlas::detail {

/// (distance, id) as one integer that sorts like the pair.
inline std::uint64_t knn_key(float distance, Index id) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(distance + 0.0F);  // -0 becomes +0
    const std::uint32_t ordered = (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
    return static_cast<std::uint64_t>(ordered) << 32 | static_cast<std::uint32_t>(id);
}
inline Index knn_key_id(std::uint64_t key) { return static_cast<Index>(static_cast<std::uint32_t>(key)); }
inline float knn_key_distance(std::uint64_t key) {
    const auto ordered = static_cast<std::uint32_t>(key >> 32);
    return std::bit_cast<float>((ordered >> 31) != 0 ? ordered & 0x7FFFFFFFU : ~ordered);
}
inline constexpr std::uint64_t knn_no_key = ~std::uint64_t{0};

/// Replaces the largest of `size` keys (a max-heap) by a smaller one.
inline void knn_heap_replace(std::uint64_t* heap, std::size_t size, std::uint64_t key) {
    std::size_t hole = 0;
    for (;;) {
        std::size_t child = 2 * hole + 1;
        if (child >= size) break;
        if (child + 1 < size && heap[child + 1] > heap[child]) ++child;
        if (heap[child] <= key) break;
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = key;
}

/// Rows made ready for one metric. Positions are the valid rows in ascending order, so that ties by position
/// are ties by id.
///
/// Screening: for rows a, b packed as p, q, the key add_a + add_b - product_scale * (p . q) never exceeds the
/// distance that `distance()` gives (in the units of `screen_limit`), because each add holds back a share of
/// the squared norm that covers the rounding of the product, the packing and the distance kernel:
///     |error| <= bound * (|p|^2 + |q|^2),  bound = (2.25 d + 64) 2^-24   (by Cauchy-Schwarz; two roundings
///     per term).
struct KnnSpace {
    Metric metric = Metric::Cosine;
    VectorRows rows;
    std::vector<Index> valid;       ///< row of each position
    std::vector<Index> invalid;     ///< the other rows
    std::vector<RowFault> reasons;  ///< why, per invalid row
    std::vector<float> factor;      ///< cosine: 1 / norm of each position
    std::vector<double> centre;     ///< euclidean: taken off before packing
    float scale = 1;                ///< euclidean: a power of two
    float product_scale = 1;

    std::int64_t size() const { return static_cast<std::int64_t>(valid.size()); }
    std::int64_t dim() const { return rows.cols(); }
    bool screens() const { return metric != Metric::Manhattan; }
    /// The row at a position: in place where it lies as float32, else converted into `scratch` (room for `dim()`).
    /// Loops over pairs use a `KnnRowReader`.
    const float* row(std::int64_t position, float* scratch) const {
        return rows.row(valid[static_cast<std::size_t>(position)], scratch);
    }
    /// The same in place; only when `rows.direct()`.
    const float* direct_row(std::int64_t position) const {
        return rows.direct_row(valid[static_cast<std::size_t>(position)]);
    }
    float factor_of(std::int64_t position) const {
        return metric == Metric::Cosine ? factor[static_cast<std::size_t>(position)] : scale;
    }

    /// Distance that is reported and that decides; symmetric, the same for any blocking.
    float distance(const Kernels& kernel, const float* a, float factor_a, const float* b,
                   float factor_b) const {
        const auto n = static_cast<std::size_t>(dim());
        if (metric == Metric::Cosine)
            return std::min(0.5F * kernel.squared_l2_scaled(a, factor_a, b, factor_b, n), 2.0F);
        if (metric == Metric::InnerProduct || metric == Metric::Manhattan) {
            const float value = metric == Metric::Manhattan ? kernel.l1(a, b, n) : -kernel.dot(a, b, n);
            return std::isfinite(value) ? value : distance_in_float64(a, b);
        }
        return distance_of_squared(kernel.squared_l2_scaled(a, scale, b, scale, n),
                                   [&] { return distance_in_float64(a, b); });
    }

    /// The euclidean distances from the kernels' squared distance of the scaled rows; `exact()` measures where
    /// that one is out of range.
    template <class Exact>
    float distance_of_squared(float scaled, Exact&& exact) const {
        const double squared = static_cast<double>(scaled);
        if (!std::isfinite(squared) || squared < 0x1.0p-90) return exact();
        const double unit = static_cast<double>(scale);
        const double wide = metric == Metric::Euclidean ? std::sqrt(squared) / unit : squared / (unit * unit);
        return static_cast<float>(std::min(wide, static_cast<double>(FLT_MAX)));
    }

    /// Where float32 overflows or loses digits: rows 1e13 times nearer than is typical, or farther; equal
    /// rows.
    float distance_in_float64(const float* a, const float* b) const {
        double sum = 0;
        for (std::int64_t k = 0; k < dim(); ++k) {
            const double x = static_cast<double>(a[k]);
            const double y = static_cast<double>(b[k]);
            if (metric == Metric::InnerProduct) {
                sum -= x * y;
            } else {
                sum += metric == Metric::Manhattan ? std::abs(x - y) : (x - y) * (x - y);
            }
        }
        if (metric == Metric::Euclidean) sum = std::sqrt(sum);
        return static_cast<float>(
            std::clamp(sum, -static_cast<double>(FLT_MAX), static_cast<double>(FLT_MAX)));
    }

    /// Largest key that a pair at this distance (or nearer) can have.
    float screen_limit(float distance) const {
        const double d =
            static_cast<double>(distance) + (distance < FLT_MIN && distance >= 0 ? 0x1.0p-149 : 0.0);
        const double unit = static_cast<double>(scale);
        double limit = d;
        if (metric == Metric::Euclidean) limit = (d * unit) * (d * unit);
        if (metric == Metric::SqEuclidean) limit = d * unit * unit;
        limit += std::abs(limit) * 0x1.0p-20 + static_cast<double>(FLT_MIN);
        return static_cast<float>(std::min(limit, static_cast<double>(FLT_MAX)));
    }

    /// Writes the packed form of a row and returns its add; a query's may be infinite (then it cannot be
    /// screened).
    float pack(const float* row, float factor_of_row, float* out) const {
        double squared = 0;
        for (std::int64_t k = 0; k < dim(); ++k) {
            float x = row[k];
            if (metric == Metric::Cosine) x = x * factor_of_row;
            if (metric == Metric::Euclidean || metric == Metric::SqEuclidean) {
                const double offset = static_cast<double>(x) - centre[static_cast<std::size_t>(k)];
                x = static_cast<float>(offset * static_cast<double>(scale));
            }
            out[k] = x;
            squared += static_cast<double>(x) * static_cast<double>(x);
        }
        // The constant covers products that fall below the smallest normal number.
        return static_cast<float>((norm_share() - error_share()) * squared - 1e-37);
    }

    double norm_share() const {
        return metric == Metric::InnerProduct ? 0.0 : metric == Metric::Cosine ? 0.5 : 1.0;
    }
    double error_share() const {
        const double bound = (2.25 * static_cast<double>(dim()) + 64) * 0x1.0p-24;
        return metric == Metric::Cosine ? 0.5 * bound : bound;
    }
};

/// Rows of a space for one worker; the first row of a pair stays converted while the second changes.
class KnnRowReader {
public:
    explicit KnnRowReader(const KnnSpace& space)
        : space_(space), scratch_(space.rows.direct() ? 0 : 2 * static_cast<std::size_t>(space.dim())) {}

    const float* first(std::int64_t position) {
        if (position != held_) {
            first_ = space_.row(position, scratch_.data());
            held_ = position;
        }
        return first_;
    }
    const float* second(std::int64_t position) {
        return space_.row(position, scratch_.data() + scratch_.size() / 2);
    }

private:
    const KnnSpace& space_;
    std::vector<float> scratch_;
    const float* first_ = nullptr;
    std::int64_t held_ = -1;
};

/// Distances of positions for one worker.
class KnnPairMeasure {
public:
    KnnPairMeasure(const KnnSpace& space, const Kernels& kernel) : space_(space), kernel_(kernel), reader_(space) {}

    float operator()(std::int64_t i, std::int64_t j) {
        return space_.distance(kernel_, reader_.first(i), space_.factor_of(i), reader_.second(j), space_.factor_of(j));
    }
    void prefetch(std::int64_t j) const {
        if (space_.rows.direct()) prefetch_values(space_.direct_row(j), space_.dim());
    }

private:
    const KnnSpace& space_;
    const Kernels& kernel_;
    KnnRowReader reader_;
};

enum class KnnRowState : unsigned char { Valid, Nan, Infinite, Zero, TooLarge };

/// Whether distances to such a query exist.
inline bool knn_usable(KnnRowState state) { return state == KnnRowState::Valid || state == KnnRowState::TooLarge; }

inline RowFault knn_fault(KnnRowState state) {
    if (state == KnnRowState::Nan) return RowFault::Nan;
    return state == KnnRowState::Zero ? RowFault::Zero : RowFault::Infinite;
}

/// What a row's squared norm in float64 says of it under a metric.
inline KnnRowState knn_row_state(Metric metric, double squared_norm) {
    if (std::isnan(squared_norm)) return KnnRowState::Nan;
    if (std::isinf(squared_norm)) return KnnRowState::Infinite;  // float64 holds the squares of all finite float32
    if (metric == Metric::Cosine && squared_norm < 0x1.0p-250) return KnnRowState::Zero;
    if (metric == Metric::InnerProduct && squared_norm > 1e37) return KnnRowState::TooLarge;
    return KnnRowState::Valid;
}

/// Squared norms in float64 of `Rows` rows, each summed in order; together the sums need not wait for each other.
template <std::size_t Rows>
inline void knn_squared_norms(const std::array<const float*, Rows>& rows, std::int64_t d, double* squared_norms) {
    std::array<double, Rows> sums{};
    for (std::int64_t k = 0; k < d; ++k) {
        for (std::size_t r = 0; r < Rows; ++r) {
            const double x = static_cast<double>(rows[r][k]);
            sums[r] += x * x;
        }
    }
    std::copy(sums.begin(), sums.end(), squared_norms);
}

/// State of one row under a metric, and its squared norm.
inline KnnRowState knn_check_row(Metric metric, const float* row, std::int64_t d, double& squared_norm) {
    knn_squared_norms<1>({row}, d, &squared_norm);
    return knn_row_state(metric, squared_norm);
}

inline float knn_row_factor(double squared_norm) { return static_cast<float>(1.0 / std::sqrt(squared_norm)); }

/// Rows per task of the passes over all rows: about a millisecond of work, so that Ctrl-C is heard.
inline std::int64_t knn_grain(std::int64_t d) { return std::clamp<std::int64_t>((1 << 18) / d, 1, 256); }
/// What these passes tell their progress as.
inline constexpr const char* knn_prepare_stage = "knn: prepare";

/// Centre and scale for euclidean distances. Neither changes a distance; they keep the screen sharp, and so
/// come from medians over a sample of the rows: one wild row must not blur it for all others.
inline void knn_centre(KnnSpace& space, int num_threads, const Progress& progress) {
    const std::int64_t n = space.size();
    const std::int64_t d = space.dim();
    space.centre.assign(static_cast<std::size_t>(d), 0.0);
    if (n == 0) return;
    const std::int64_t samples = std::min<std::int64_t>(n, 501);
    const auto sample = [&](std::int64_t s) { return s * n / samples; };
    const auto median = [](auto& values) {
        const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        return static_cast<double>(*middle);
    };
    // 64 columns at a time: what is sampled stays small beside the vectors, whatever their number of columns.
    constexpr std::int64_t wide = 64;
    parallel_for(d, wide, num_threads, [&](std::int64_t begin, std::int64_t end) {
        const std::int64_t width = end - begin;
        std::vector<float> columns(static_cast<std::size_t>(samples * width));
        std::vector<float> scratch(space.rows.direct() ? 0 : static_cast<std::size_t>(d));
        for (std::int64_t s = 0; s < samples; ++s) {
            const float* row = space.row(sample(s), scratch.data()) + begin;
            for (std::int64_t k = 0; k < width; ++k) columns[static_cast<std::size_t>(k * samples + s)] = row[k];
        }
        for (std::int64_t k = 0; k < width; ++k) {
            const std::span<float> column(columns.data() + k * samples, static_cast<std::size_t>(samples));
            space.centre[static_cast<std::size_t>(begin + k)] = median(column);
        }
    });
    std::vector<double> norms(static_cast<std::size_t>(n));
    const auto take_norms = [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> scratch(space.rows.direct() ? 0 : static_cast<std::size_t>(d));
        for (std::int64_t i = begin; i < end; ++i) {
            const float* row = space.row(i, scratch.data());
            double squared = 0;
            for (std::int64_t k = 0; k < d; ++k) {
                const double x = static_cast<double>(row[k]) - space.centre[static_cast<std::size_t>(k)];
                squared += x * x;
            }
            norms[static_cast<std::size_t>(i)] = std::sqrt(squared);
        }
    };
    parallel_for(n, knn_grain(d), num_threads, take_norms, progress, knn_prepare_stage);
    const double largest = *std::max_element(norms.begin(), norms.end());
    if (!(largest > 0)) return;
    const double typical = median(norms);
    // The typical norm becomes about 1, the largest stays below 2^60: its square fits float32.
    int exponent = 60 - std::ilogb(largest);
    exponent = std::min(exponent, -std::ilogb(typical > 0 ? typical : largest));
    space.scale = std::ldexp(1.0F, std::clamp(exponent, -126, 126));
}

/// Refuses what cannot be searched: a row whose products, or whose float64 numbers, float32 does not hold.
[[noreturn]] inline void knn_refuse_row(const char* stage, std::int64_t row, std::string what) {
    ErrorContext where;
    where.stage = stage;
    where.row = row;
    throw Error(ErrorCode::InvalidArgument, std::move(where), std::move(what), "scale the vectors down");
}

/// Checks the rows and sets what distances need.
inline KnnSpace knn_make_space(const char* stage, const VectorRows& rows, Metric metric, int num_threads,
                               const Progress& progress = {}) {
    if (rows.rows() < 1) throw_invalid(stage, "vectors", "has no rows", "give at least one vector");
    if (rows.cols() < 1)
        throw_shape(stage, "the vectors have no columns", "give vectors of at least one dimension");
    if (rows.rows() > std::numeric_limits<Index>::max()) {
        throw_shape(stage, std::to_string(rows.rows()) + " rows are more than 32-bit ids can name");
    }
    KnnSpace space;
    space.metric = metric;
    space.rows = rows;
    std::vector<KnnRowState> state(static_cast<std::size_t>(rows.rows()));
    std::vector<double> squared(static_cast<std::size_t>(rows.rows()));
    const auto check_rows = [&](std::int64_t begin, std::int64_t end) {
        constexpr std::int64_t together = 4;
        const auto d = static_cast<std::size_t>(rows.cols());
        std::vector<float> scratch(rows.direct() ? 0 : together * d);
        const auto row = [&](std::int64_t i, std::size_t r) {
            return rows.row(i, scratch.empty() ? nullptr : scratch.data() + r * d);
        };
        std::int64_t i = begin;
        for (; i + together <= end; i += together) {
            knn_squared_norms<together>({row(i, 0), row(i + 1, 1), row(i + 2, 2), row(i + 3, 3)}, rows.cols(),
                                        &squared[static_cast<std::size_t>(i)]);
        }
        for (; i < end; ++i) knn_squared_norms<1>({row(i, 0)}, rows.cols(), &squared[static_cast<std::size_t>(i)]);
        for (i = begin; i < end; ++i) {
            state[static_cast<std::size_t>(i)] = knn_row_state(metric, squared[static_cast<std::size_t>(i)]);
        }
    };
    parallel_for(rows.rows(), knn_grain(rows.cols()), num_threads, check_rows, progress, knn_prepare_stage);
    for (std::size_t i = 0; i < state.size(); ++i) {
        const auto row = static_cast<std::int64_t>(i);
        if (state[i] == KnnRowState::TooLarge) {
            knn_refuse_row(stage, row, "the vector's norm is above 3e18, so float32 cannot hold inner products");
        }
        if (state[i] == KnnRowState::Valid) {
            space.valid.push_back(static_cast<Index>(i));
            continue;
        }
        if (state[i] == KnnRowState::Infinite) {
            if (const auto column = rows.overflow(row)) {
                knn_refuse_row(stage, row, "column " + std::to_string(*column) + " does not fit float32");
            }
        }
        space.invalid.push_back(static_cast<Index>(i));
        space.reasons.push_back(knn_fault(state[i]));
    }
    if (metric == Metric::Cosine) {
        for (const Index i : space.valid)
            space.factor.push_back(knn_row_factor(squared[static_cast<std::size_t>(i)]));
    }
    if (metric == Metric::Euclidean || metric == Metric::SqEuclidean) {
        knn_centre(space, num_threads, progress);
        space.product_scale = 2;
    }
    return space;
}

/// Writes neighbours in order, (distance, position) each, ids as rows, padded to the span's length.
inline void knn_write(const KnnSpace& space, std::span<const std::uint64_t> neighbors, std::span<Index> ids,
                      std::span<float> distances) {
    for (std::size_t slot = 0; slot < ids.size(); ++slot) {
        const bool used = slot < neighbors.size() && neighbors[slot] != knn_no_key;
        ids[slot] = used ? space.valid[static_cast<std::size_t>(knn_key_id(neighbors[slot]))] : -1;
        distances[slot] = used ? knn_key_distance(neighbors[slot]) : std::numeric_limits<float>::infinity();
    }
}

/// The `slots` nearest candidates of each position, as max-heaps of keys, with the screening limit of the
/// worst.
class KnnHeaps {
public:
    KnnHeaps(const KnnSpace& space, std::int64_t positions, std::int64_t slots)
        : space_(space),
          slots_(static_cast<std::size_t>(slots)),
          keys_(static_cast<std::size_t>(positions) * slots_, knn_no_key),
          limits_(static_cast<std::size_t>((positions + 15) / 16 * 16), FLT_MAX) {}

    /// Nothing above this key can enter; FLT_MAX while slots are free. Padded to whole panels.
    const float* limits() const { return limits_.data(); }
    float limit(std::int64_t position) const { return limits_[static_cast<std::size_t>(position)]; }
    std::uint64_t worst(std::int64_t position) const {
        return keys_[static_cast<std::size_t>(position) * slots_];
    }

    void offer(std::int64_t position, std::uint64_t key) {
        std::uint64_t* heap = keys_.data() + static_cast<std::size_t>(position) * slots_;
        if (key >= heap[0]) return;
        knn_heap_replace(heap, slots_, key);
        if (heap[0] != knn_no_key) lower_limit(position, space_.screen_limit(knn_key_distance(heap[0])));
    }
    /// States that `slots` pairs of this position are no farther than `limit`, in the screen's units.
    void lower_limit(std::int64_t position, float limit) {
        float& held = limits_[static_cast<std::size_t>(position)];
        held = std::min(held, limit);
    }
    std::size_t slots() const { return slots_; }

    /// Writes a position's neighbours in order, ids as rows, padded to the span's length.
    void write(std::int64_t position, std::span<Index> ids, std::span<float> distances) {
        std::uint64_t* heap = keys_.data() + static_cast<std::size_t>(position) * slots_;
        std::sort(heap, heap + slots_);
        knn_write(space_, {heap, slots_}, ids, distances);
    }

private:
    const KnnSpace& space_;
    std::size_t slots_;
    std::vector<std::uint64_t> keys_;
    std::vector<float> limits_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_SPACE_IMPL_HPP
