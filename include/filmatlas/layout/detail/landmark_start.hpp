// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_LANDMARK_START_HPP
#define FILMATLAS_LAYOUT_DETAIL_LANDMARK_START_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file landmark_start.hpp
/// @brief Scaling by ranks: landmarks first, then every item against the landmarks alone.

namespace filmatlas::detail {

inline constexpr std::int64_t kLandmarks = 304;  ///< whole panels of the block product
inline constexpr int kLandmarkRounds = 60;
inline constexpr int kLandmarkItemRounds = 15;
inline constexpr std::int64_t kLandmarkLanes = 16;
inline constexpr int kLandmarkMaxComponents = 16;

/// What distances become on the map: those of a standard normal cloud in the plane, at the same quantiles. Only the
/// order of the distances counts, so that it does not matter how far high dimensions push everything apart.
class LandmarkTargets {
public:
    /// @param keys  what grows with the distance, of all pairs of landmarks
    explicit LandmarkTargets(std::vector<float> keys) {
        std::sort(keys.begin(), keys.end());
        low_ = keys.front();
        const float range = keys.back() - low_;
        per_key_ = range > 0 ? static_cast<float>(kBins) / range : 0.0F;
        std::size_t below = 0;
        for (std::size_t b = 0; b <= kBins; ++b) {
            const float edge = low_ + range * (static_cast<float>(b) / static_cast<float>(kBins));
            while (below < keys.size() && keys[below] < edge) ++below;
            const double share = (static_cast<double>(below) + 0.5) / (static_cast<double>(keys.size()) + 1);
            value_[b] = static_cast<float>(2 * std::sqrt(-layout_log(1 - share)));
        }
        value_[kBins + 1] = value_[kBins];
    }

    float operator()(float key) const noexcept {
        const float at = std::clamp((key - low_) * per_key_, 0.0F, static_cast<float>(kBins));
        const auto bin = static_cast<std::size_t>(at);
        const float rest = at - static_cast<float>(bin);
        return value_[bin] + rest * (value_[bin + 1] - value_[bin]);
    }

private:
    static constexpr std::size_t kBins = 4096;
    float low_ = 0;
    float per_key_ = 0;
    float value_[kBins + 2] = {};
};

/// The rows of some members as keys are made of them: unit rows for cosine, without the mean for Euclidean distances.
class LandmarkRows {
public:
    LandmarkRows(MatrixView<const float> X, std::span<const Index> members, Metric metric)
        : X_(X), members_(members), metric_(metric), mean_(static_cast<std::size_t>(X.cols), 0.0) {
        if (metric != Metric::Euclidean && metric != Metric::SqEuclidean) return;
        for (const Index i : members) {
            for (std::int64_t d = 0; d < X.cols; ++d) mean_[static_cast<std::size_t>(d)] += static_cast<double>(X(i, d));
        }
        for (double& value : mean_) value /= static_cast<double>(members.size());
    }

    void fill(std::int64_t member, float* out) const {
        const float* x = X_.row_data(members_[static_cast<std::size_t>(member)]);
        double norm2 = 0;
        if (metric_ == Metric::Cosine) {
            for (std::int64_t d = 0; d < X_.cols; ++d) norm2 += static_cast<double>(x[d]) * static_cast<double>(x[d]);
        }
        const double scale = norm2 > 0 ? 1 / std::sqrt(norm2) : 1.0;
        for (std::int64_t d = 0; d < X_.cols; ++d)
            out[d] = static_cast<float>((static_cast<double>(x[d]) - mean_[static_cast<std::size_t>(d)]) * scale);
    }
    /// What a row adds to the key of each of its pairs.
    float half_square(const float* row) const {
        if (metric_ != Metric::Euclidean && metric_ != Metric::SqEuclidean) return 0;
        double norm2 = 0;
        for (std::int64_t d = 0; d < X_.cols; ++d) norm2 += static_cast<double>(row[d]) * static_cast<double>(row[d]);
        return static_cast<float>(norm2 / 2);
    }

    std::int64_t dim() const { return X_.cols; }
    Metric metric() const { return metric_; }

private:
    MatrixView<const float> X_;
    std::span<const Index> members_;
    Metric metric_;
    std::vector<double> mean_;
};

/// Sixteen items side by side, each pulled to where its landmarks want it on average (a majorisation step, de Leeuw
/// 1977), some rounds. `at` is (dims, lanes), `target` (landmarks, lanes), `landmark` (landmarks, dims).
template <int D, int Lanes>
FILMATLAS_ALWAYS_INLINE void landmark_place_lanes(const float* landmark, const float* target, std::int64_t landmarks,
                                                  int dims_given, float* at) noexcept {
    using F = typename LayoutVec<Lanes>::F;
    constexpr int kStore = D > 0 ? D : kLandmarkMaxComponents;
    const int dims = D > 0 ? D : dims_given;
    const float share = 1.0F / static_cast<float>(landmarks);
    for (int base = 0; base < kLandmarkLanes; base += Lanes) {
        F y[kStore];
        for (int d = 0; d < dims; ++d) std::memcpy(&y[d], at + d * kLandmarkLanes + base, sizeof(F));
        for (int round = 0; round < kLandmarkItemRounds; ++round) {
            F sum[kStore] = {};
            for (std::int64_t l = 0; l < landmarks; ++l) {
                const float* z = landmark + l * dims;
                F t;
                std::memcpy(&t, target + l * kLandmarkLanes + base, sizeof(F));
                F gap[kStore];
                F square = F{} + 1e-12F;
                for (int d = 0; d < dims; ++d) {
                    gap[d] = y[d] - z[d];
                    square += gap[d] * gap[d];
                }
                // 1 / sqrt by halving the exponent and Newton's steps: additions and multiplications only.
                using I = typename LayoutVec<Lanes>::I;
                F inverse = (F)(0x5F3759DF - ((I)square >> 1));
                for (int step = 0; step < 3; ++step) inverse = inverse * (1.5F - 0.5F * square * inverse * inverse);
                const F ratio = t * inverse;
                for (int d = 0; d < dims; ++d) sum[d] += z[d] + ratio * gap[d];
            }
            for (int d = 0; d < dims; ++d) y[d] = sum[d] * share;
        }
        for (int d = 0; d < dims; ++d) std::memcpy(at + d * kLandmarkLanes + base, &y[d], sizeof(F));
    }
}

using LandmarkPlace = void (*)(const float*, const float*, std::int64_t, int, float*) noexcept;
template <int D>
inline void landmark_place_baseline(const float* z, const float* t, std::int64_t n, int dims, float* at) noexcept {
    landmark_place_lanes<D, 4>(z, t, n, dims, at);
}
template <int D>
FILMATLAS_TARGET_AVX2 inline void landmark_place_avx2(const float* z, const float* t, std::int64_t n, int dims,
                                                      float* at) noexcept {
    landmark_place_lanes<D, 8>(z, t, n, dims, at);
}
template <int D>
FILMATLAS_TARGET_AVX512 inline void landmark_place_avx512(const float* z, const float* t, std::int64_t n, int dims,
                                                          float* at) noexcept {
    landmark_place_lanes<D, 16>(z, t, n, dims, at);
}
template <int D>
LandmarkPlace landmark_placer() {
    return simd_version(&landmark_place_baseline<D>, &landmark_place_avx2<D>, &landmark_place_avx512<D>);
}

/// Keys of some landmarks with 16 members: out[l * 16 + lane].
class LandmarkKeys {
public:
    LandmarkKeys(const LandmarkRows& rows, std::vector<std::int64_t> landmarks)
        : rows_(rows), count_(static_cast<std::int64_t>(landmarks.size())), plain_(count_, rows.dim()) {
        for (std::int64_t l = 0; l < count_; ++l) {
            rows.fill(landmarks[static_cast<std::size_t>(l)], plain_.row_data(l));
            half_.push_back(rows.half_square(plain_.row_data(l)));
        }
        packed_ = PackedRows<float>(std::as_const(plain_).view(), 1);
    }

    std::int64_t padded() const { return packed_.panels() * PackedRows<float>::panel_rows; }

    /// `out` has room for padded() * 16 values; `members` from `first`, up to `last`.
    void operator()(std::int64_t first, std::int64_t last, float* out) const {
        Matrix<float> own(last - first, rows_.dim());
        float half[kLandmarkLanes] = {};
        for (std::int64_t i = first; i < last; ++i) {
            rows_.fill(i, own.row_data(i - first));
            half[i - first] = rows_.half_square(own.row_data(i - first));
        }
        const Kernels& kernel = kernels();
        if (rows_.metric() == Metric::Manhattan) {
            std::vector<const float*> a;
            std::vector<const float*> b;
            for (std::int64_t l = 0; l < count_; ++l) a.push_back(plain_.row_data(l));
            for (std::int64_t i = 0; i < own.rows(); ++i) b.push_back(own.row_data(i));
            kernel.l1_block(a.data(), a.size(), b.data(), b.size(), static_cast<std::size_t>(rows_.dim()), out,
                            static_cast<std::size_t>(kLandmarkLanes));
            return;
        }
        const PackedRows<float> panel(std::as_const(own).view(), 1);
        for (std::int64_t p = 0; p < packed_.panels(); ++p) {
            kernel.block_product(packed_.panel(p), panel.panel(0), static_cast<std::size_t>(rows_.dim()), 1,
                                 out + p * PackedRows<float>::panel_rows * kLandmarkLanes,
                                 static_cast<std::size_t>(kLandmarkLanes));
        }
        for (std::int64_t l = 0; l < count_; ++l) {
            float* row = out + l * kLandmarkLanes;
            for (std::int64_t lane = 0; lane < kLandmarkLanes; ++lane)
                row[lane] = (half_[static_cast<std::size_t>(l)] + half[lane]) - row[lane];
        }
    }

private:
    const LandmarkRows& rows_;
    std::int64_t count_;
    Matrix<float> plain_;
    PackedRows<float> packed_;
    std::vector<float> half_;
};

/// The landmarks among each other, from where they are: majorisation steps of the stress. Centred.
inline void landmark_settle(const Matrix<float>& own_keys, const LandmarkTargets& target, Matrix<float>& z) {
    const std::int64_t count = z.rows();
    const std::int64_t dims = z.cols();
    Matrix<float> next(count, dims);
    for (int round = 0; round < kLandmarkRounds; ++round) {
        for (std::int64_t i = 0; i < count; ++i) {
            double sum[kLandmarkMaxComponents] = {};
            for (std::int64_t j = 0; j < count; ++j) {
                if (j == i) continue;
                double square = 1e-12;
                for (std::int64_t d = 0; d < dims; ++d) {
                    const double gap = static_cast<double>(z(i, d)) - static_cast<double>(z(j, d));
                    square += gap * gap;
                }
                const double ratio = static_cast<double>(target(own_keys(i, j))) / std::sqrt(square);
                for (std::int64_t d = 0; d < dims; ++d)
                    sum[d] += ratio * (static_cast<double>(z(i, d)) - static_cast<double>(z(j, d)));
            }
            for (std::int64_t d = 0; d < dims; ++d) next(i, d) = static_cast<float>(sum[d] / static_cast<double>(count));
        }
        std::swap(z, next);
    }
}

/// Moves the rows of `plane` (one per member, from a start that need not be good) to where they have the distances'
/// order towards the landmarks. Fewer than four members stay.
inline void landmark_scale(MatrixView<const float> X, std::span<const Index> members, Metric metric, std::uint64_t seed,
                           int num_threads, Matrix<float>& plane, const Progress& progress) {
    const auto m = static_cast<std::int64_t>(members.size());
    const auto dims = static_cast<int>(plane.cols());
    if (m < 4) return;
    // The members with the smallest keys: a draw without replacement.
    std::vector<std::pair<std::uint64_t, std::int64_t>> draw;
    for (std::int64_t i = 0; i < m; ++i) {
        const auto id = static_cast<std::uint64_t>(members[static_cast<std::size_t>(i)]);
        draw.emplace_back(RandomStream(seed, "layout.landmarks", id).next(), i);
    }
    const std::int64_t count = std::min(m, kLandmarks);
    std::nth_element(draw.begin(), draw.begin() + (count - 1), draw.end());
    std::vector<std::int64_t> chosen;
    for (std::int64_t l = 0; l < count; ++l) chosen.push_back(draw[static_cast<std::size_t>(l)].second);
    std::sort(chosen.begin(), chosen.end());

    const LandmarkRows rows(X, members, metric);
    const LandmarkKeys keys(rows, chosen);
    const auto room = static_cast<std::size_t>(keys.padded() * kLandmarkLanes);
    Matrix<float> own_keys(count, count);
    parallel_for(count, 8, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> block(room);
        for (std::int64_t j = begin; j < end; ++j) {
            keys(chosen[static_cast<std::size_t>(j)], chosen[static_cast<std::size_t>(j)] + 1, block.data());
            for (std::int64_t i = 0; i < count; ++i)
                own_keys(j, i) = block[static_cast<std::size_t>(i * kLandmarkLanes)];
        }
    });
    std::vector<float> pairs;
    for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t j = 0; j < i; ++j) pairs.push_back(own_keys(i, j));
    }
    const LandmarkTargets target(std::move(pairs));
    // From the start at the size of the targets' cloud.
    double square = 0;
    for (const float value : plane.values()) square += static_cast<double>(value) * static_cast<double>(value);
    const double deviation = std::sqrt(square / static_cast<double>(m * dims));
    const auto scale = static_cast<float>(deviation > 0 ? 1 / deviation : 1.0);
    for (float& value : plane.values()) value *= scale;
    Matrix<float> z(count, dims);
    for (std::int64_t l = 0; l < count; ++l)
        std::ranges::copy(plane.row(chosen[static_cast<std::size_t>(l)]), z.row(l).begin());
    landmark_settle(own_keys, target, z);

    const LandmarkPlace place = dims == 2   ? landmark_placer<2>()
                                : dims == 3 ? landmark_placer<3>()
                                            : landmark_placer<0>();
    const auto place_groups = [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> block(room);
        float at[kLandmarkMaxComponents * kLandmarkLanes];
        for (std::int64_t group = begin; group < end; ++group) {
            const std::int64_t first = group * kLandmarkLanes;
            const std::int64_t last = std::min(m, first + kLandmarkLanes);
            keys(first, last, block.data());
            for (std::int64_t e = 0; e < count * kLandmarkLanes; ++e)
                block[static_cast<std::size_t>(e)] = target(block[static_cast<std::size_t>(e)]);
            std::fill(at, at + dims * kLandmarkLanes, 0.0F);
            for (std::int64_t i = first; i < last; ++i) {
                for (int d = 0; d < dims; ++d) at[d * kLandmarkLanes + (i - first)] = plane(i, d);
            }
            place(z.data(), block.data(), count, dims, at);
            for (std::int64_t i = first; i < last; ++i) {
                for (int d = 0; d < dims; ++d) plane(i, d) = at[d * kLandmarkLanes + (i - first)];
            }
        }
    };
    parallel_for((m + kLandmarkLanes - 1) / kLandmarkLanes, 8, num_threads, place_groups, progress, "layout (landmarks)");
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_LANDMARK_START_HPP
