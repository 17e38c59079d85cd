// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_PANELS_HPP
#define FILMATLAS_CLUSTER_DETAIL_PANELS_HPP

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "filmatlas/core/matrix.hpp"

/// @file panels.hpp
/// @brief Products of a few rows with eight centroids at a time.
///
/// The bounds of k-means ask for scattered (row, group of centroids) pairs, for which a full blocked product
/// would do many times the work. Every product is one sum over the columns in ascending order, multiplied and
/// added with two roundings, so that its bits depend on the two vectors only.

namespace filmatlas::detail {

inline constexpr int kPanelWidth = 8;  ///< centroids per panel
inline constexpr int kPanelRows = 4;   ///< rows per product

#if defined(__GNUC__)
using PanelVector = float __attribute__((vector_size(16)));
#endif

/// out[r][c] = dot(rows[r], centroid c of the panel); `panel` holds (d, 8), column by column of the
/// centroids.
inline void panel_products(const float* const rows[kPanelRows], const float* panel, std::int64_t d,
                           float out[kPanelRows][kPanelWidth]) {
#if defined(__GNUC__)
    PanelVector low[kPanelRows] = {};
    PanelVector high[kPanelRows] = {};
    const float* r0 = rows[0];
    const float* r1 = rows[1];
    const float* r2 = rows[2];
    const float* r3 = rows[3];
    for (std::int64_t j = 0; j < d; ++j) {
        PanelVector a;
        PanelVector b;
        std::memcpy(&a, panel + j * kPanelWidth, sizeof a);
        std::memcpy(&b, panel + j * kPanelWidth + 4, sizeof b);
        low[0] += r0[j] * a;
        high[0] += r0[j] * b;
        low[1] += r1[j] * a;
        high[1] += r1[j] * b;
        low[2] += r2[j] * a;
        high[2] += r2[j] * b;
        low[3] += r3[j] * a;
        high[3] += r3[j] * b;
    }
    for (int r = 0; r < kPanelRows; ++r) {
        std::memcpy(out[r], &low[r], sizeof low[r]);
        std::memcpy(out[r] + 4, &high[r], sizeof high[r]);
    }
#else
    float sum[kPanelRows][kPanelWidth] = {};
    for (std::int64_t j = 0; j < d; ++j) {
        for (int r = 0; r < kPanelRows; ++r) {
            for (int c = 0; c < kPanelWidth; ++c) sum[r][c] += rows[r][j] * panel[j * kPanelWidth + c];
        }
    }
    std::memcpy(out, sum, sizeof sum);
#endif
}

/// The same product for one pair, bit by bit.
inline float panel_product(const float* row, const float* centroid, std::int64_t d) {
    float sum = 0;
    for (std::int64_t j = 0; j < d; ++j) sum += row[j] * centroid[j];
    return sum;
}

/// Centroids packed in panels of eight, the last one padded with zeros, and their squared norms.
class CentroidPanels {
public:
    CentroidPanels() = default;
    explicit CentroidPanels(MatrixView<const float> centroids) { pack(centroids); }

    void pack(MatrixView<const float> centroids) {
        count_ = centroids.rows;
        d_ = centroids.cols;
        values_.assign(static_cast<std::size_t>(num_panels() * d_ * kPanelWidth), 0.0F);
        squares_.assign(static_cast<std::size_t>(num_panels() * kPanelWidth), 0.0F);
        for (std::int64_t c = 0; c < count_; ++c) {
            float* out = values_.data() + (c / kPanelWidth) * d_ * kPanelWidth + c % kPanelWidth;
            double square = 0;
            for (std::int64_t j = 0; j < d_; ++j) {
                const float value = centroids(c, j);
                out[j * kPanelWidth] = value;
                square += static_cast<double>(value) * static_cast<double>(value);
            }
            squares_[static_cast<std::size_t>(c)] = static_cast<float>(square);
        }
    }
    std::int64_t count() const { return count_; }
    std::int64_t num_panels() const { return (count_ + kPanelWidth - 1) / kPanelWidth; }
    /// Centroids in panel p; 8 but for the last.
    int width(std::int64_t p) const {
        return static_cast<int>(std::min<std::int64_t>(kPanelWidth, count_ - p * kPanelWidth));
    }
    float square(std::int64_t c) const { return squares_[static_cast<std::size_t>(c)]; }
    void products(const float* const rows[kPanelRows], std::int64_t p,
                  float out[kPanelRows][kPanelWidth]) const {
        panel_products(rows, values_.data() + p * d_ * kPanelWidth, d_, out);
    }

private:
    std::int64_t count_ = 0;
    std::int64_t d_ = 0;
    std::vector<float> values_;
    std::vector<float> squares_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_PANELS_HPP
