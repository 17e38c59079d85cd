// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_DENSITY_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_DENSITY_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/detail/umap_schedule.hpp"
#include "filmatlas/layout/local_radii.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file umap_density.hpp
/// @brief What densMAP adds to UMAP: local radii on the map drawn towards those of the full space.
///
/// Source: Narayan, Berger & Cho (2021), with umap-learn's constants. Radii on the map are those at the beginning of
/// an epoch; an edge that fires adds the gradient of the radii's correlation through its own length.

namespace filmatlas::detail {

using UmapKernel = void (*)(float* squared, int count, float a, float b) noexcept;

/// Shared by the workers; made anew for every epoch in which densities count.
struct UmapDensity {
    const CsrMatrix<float>* weights = nullptr;
    std::span<const Index> active;    ///< items with edges
    UmapFiring fires;
    std::vector<double> target;       ///< (n,) log radii in the full space, mean 0 and deviation 1 over `active`
    double mass = 0;                  ///< sum of all weights
    double lambda = 0;
    double var_shift = 0;
    float a = 0;
    float b = 0;
    UmapKernel kernel = nullptr;      ///< for the instruction set in use
    std::vector<double> log_radius;   ///< (n,) on the map
    std::vector<double> radius;       ///< (n,) mean squared distance on the map
    std::vector<double> similarity;   ///< (n,) sum of the map's similarities, both directions of an edge counted
    std::vector<float> pulls;         ///< (n, 2) an item's share of its edges' two coefficients
};

/// Densities count in the last `frac` of the epochs.
inline bool umap_density_counts(int epoch, int total_epochs, double frac) noexcept {
    return static_cast<double>(epoch + 1) / static_cast<double>(total_epochs) > 1.0 - frac;
}

/// Squared distances -> similarities 1 / (1 + a d^(2b)); `count` a multiple of 16.
template <int Lanes>
FILMATLAS_ALWAYS_INLINE void umap_similarities(float* squared, int count, float a, float b) noexcept {
    using F = typename LayoutVec<Lanes>::F;
    for (int at = 0; at < count; at += Lanes) {
        F x[1];
        std::memcpy(&x[0], squared + at, sizeof(F));
        layout_pow_lanes<Lanes>(x, b);
        x[0] = 1.0F / (1.0F + a * x[0]);
        std::memcpy(squared + at, &x[0], sizeof(F));
    }
}

inline void umap_kernel_baseline(float* squared, int count, float a, float b) noexcept {
    umap_similarities<4>(squared, count, a, b);
}
FILMATLAS_TARGET_AVX2 inline void umap_kernel_avx2(float* squared, int count, float a, float b) noexcept {
    umap_similarities<8>(squared, count, a, b);
}
FILMATLAS_TARGET_AVX512 inline void umap_kernel_avx512(float* squared, int count, float a, float b) noexcept {
    umap_similarities<16>(squared, count, a, b);
}

inline UmapKernel umap_kernel() {
    return simd_version(&umap_kernel_baseline, &umap_kernel_avx2, &umap_kernel_avx512);
}

/// @param log_radii  (n,) in the full space.
inline void umap_density_prepare(UmapDensity& s, std::span<const double> log_radii) {
    const std::size_t n = log_radii.size();
    double mean = 0;
    for (const Index i : s.active) mean += log_radii[static_cast<std::size_t>(i)];
    mean /= static_cast<double>(s.active.size());
    double variance = 0;
    for (const Index i : s.active) {
        const double gap = log_radii[static_cast<std::size_t>(i)] - mean;
        variance += gap * gap;
    }
    const double deviation = std::sqrt(variance / static_cast<double>(s.active.size()));
    s.target.assign(n, 0.0);
    for (const Index i : s.active) {
        const auto at = static_cast<std::size_t>(i);
        // Items that are all equally dense have nothing to be drawn to.
        s.target[at] = deviation > 0 ? (log_radii[at] - mean) / deviation : 0.0;
        const auto ids = s.weights->row_indices(i);
        const auto values = s.weights->row_values(i);
        for (std::size_t e = 0; e < ids.size(); ++e) {
            s.mass += s.fires(i, ids[e], values[e]) ? static_cast<double>(values[e]) : 0.0;
        }
    }
    s.log_radius.resize(n);
    s.radius.resize(n);
    s.similarity.resize(n);
    s.pulls.assign(2 * n, 0.0F);
}

/// Radii on the map of the items at [first, last) of `active`.
inline void umap_map_radii(UmapDensity& s, const Matrix<float>& y, std::int64_t first, std::int64_t last) {
    constexpr int kPart = 64;
    const std::int64_t dims = y.cols();
    std::array<float, kPart> squared;
    std::array<float, kPart> similar;
    for (std::int64_t p = first; p < last; ++p) {
        const Index i = s.active[static_cast<std::size_t>(p)];
        const auto ids = s.weights->row_indices(i);
        const auto values = s.weights->row_values(i);
        const float* own = y.row_data(i);
        double sum = 0;
        double mass = 0;
        for (std::size_t e = 0; e < ids.size();) {
            int count = 0;
            for (; e < ids.size() && count < kPart; ++e) {
                if (!s.fires(i, ids[e], values[e])) continue;
                const float* other = y.row_data(ids[e]);
                float distance = 1e-30F;
                for (std::int64_t d = 0; d < dims; ++d) distance += (own[d] - other[d]) * (own[d] - other[d]);
                squared[static_cast<std::size_t>(count++)] = distance;
            }
            const int padded = (count + 15) / 16 * 16;
            std::fill(squared.begin() + count, squared.begin() + padded, 1.0F);
            std::copy(squared.begin(), squared.begin() + padded, similar.begin());
            s.kernel(similar.data(), padded, s.a, s.b);
            for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
                sum += static_cast<double>(similar[k]) * static_cast<double>(squared[k]);
                mass += static_cast<double>(similar[k]);
            }
        }
        const auto at = static_cast<std::size_t>(i);
        s.radius[at] = kLocalRadiusFloor + sum / mass;
        s.log_radius[at] = layout_log(s.radius[at]);
        s.similarity[at] = 2.0 * mass;
    }
}

/// How much each item's radius is to grow: the gradient of the correlation by its log radius, per unit of what an edge
/// changes.
inline void umap_density_pulls(UmapDensity& s) {
    const auto n = static_cast<double>(s.active.size());
    double mean = 0;
    double covariance = 0;
    for (const Index i : s.active) {
        const auto at = static_cast<std::size_t>(i);
        mean += s.log_radius[at];
        covariance += s.log_radius[at] * s.target[at];
    }
    mean /= n;
    covariance /= std::max(n - 1, 1.0);
    double variance = 0;
    for (const Index i : s.active) {
        const double gap = s.log_radius[static_cast<std::size_t>(i)] - mean;
        variance += gap * gap;
    }
    const double square = std::max(variance / n + s.var_shift, 1e-12);
    const double common = 2.0 * s.lambda * s.mass / (std::sqrt(square) * n * static_cast<double>(s.fires.largest));
    for (const Index i : s.active) {
        const auto at = static_cast<std::size_t>(i);
        const double weight = s.target[at] - covariance * (s.log_radius[at] - mean) / square;
        const double pull = common * weight / s.similarity[at];
        s.pulls[2 * at] = static_cast<float>(pull / s.radius[at]);
        s.pulls[2 * at + 1] = static_cast<float>(pull);
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_DENSITY_HPP
