// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_PANELS_HPP
#define FILMATLAS_CLUSTER_DETAIL_PANELS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/linalg/kernels.hpp"

/// @file panels.hpp
/// @brief Products of 16 rows with 16 centroids at a time.
///
/// The bounds of k-means leave some rows to be compared, and some centroids to compare them with: rows are
/// packed as they come, centroids once per round. A product's bits depend on its two vectors only (see
/// `Kernels::block_product`).

namespace filmatlas::detail {

inline constexpr int kPanelWidth = static_cast<int>(panel_rows_f32);  ///< rows, and centroids, per panel

/// Puts up to 16 rows side by side: out[j * 16 + r]; the last row stands in for those that lack.
inline void panel_pack(const float* const* rows, int count, std::int64_t d, float* out) {
    const float* from[kPanelWidth];
    for (int r = 0; r < kPanelWidth; ++r) from[r] = rows[std::min(r, count - 1)];
    std::int64_t j = 0;
#if defined(__GNUC__)
    using Four = float __attribute__((vector_size(16)));
    for (; j + 4 <= d; j += 4) {
        for (int r = 0; r < kPanelWidth; r += 4) {
            Four a, b, c, e;
            std::memcpy(&a, from[r] + j, sizeof a);
            std::memcpy(&b, from[r + 1] + j, sizeof b);
            std::memcpy(&c, from[r + 2] + j, sizeof c);
            std::memcpy(&e, from[r + 3] + j, sizeof e);
            const Four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
            const Four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
            const Four ce_low = __builtin_shufflevector(c, e, 0, 4, 1, 5);
            const Four ce_high = __builtin_shufflevector(c, e, 2, 6, 3, 7);
            const Four column[4] = {__builtin_shufflevector(ab_low, ce_low, 0, 1, 4, 5),
                                    __builtin_shufflevector(ab_low, ce_low, 2, 3, 6, 7),
                                    __builtin_shufflevector(ab_high, ce_high, 0, 1, 4, 5),
                                    __builtin_shufflevector(ab_high, ce_high, 2, 3, 6, 7)};
            for (int s = 0; s < 4; ++s) std::memcpy(out + (j + s) * kPanelWidth + r, &column[s], sizeof column[s]);
        }
    }
#endif
    for (; j < d; ++j) {
        for (int r = 0; r < kPanelWidth; ++r) out[j * kPanelWidth + r] = from[r][j];
    }
}

/// Centroids packed in panels of 16, the last one padded with zeros, and their squared norms.
class CentroidPanels {
public:
    CentroidPanels() : kernel_(&kernels()) {}
    explicit CentroidPanels(MatrixView<const float> centroids) : CentroidPanels() { pack(centroids); }

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
        largest_square_ = *std::max_element(squares_.begin(), squares_.end());
    }
    std::int64_t count() const { return count_; }
    std::int64_t num_panels() const { return (count_ + kPanelWidth - 1) / kPanelWidth; }
    /// Centroids in panel p; 16 but for the last.
    int width(std::int64_t p) const {
        return static_cast<int>(std::min<std::int64_t>(kPanelWidth, count_ - p * kPanelWidth));
    }
    float square(std::int64_t c) const { return squares_[static_cast<std::size_t>(c)]; }
    float largest_square() const { return largest_square_; }
    /// out[r * panels * 16 + c] = product of packed row r with centroid c of the panels [p, p + panels).
    void products(const float* packed_rows, std::int64_t p, std::int64_t panels, float* out) const {
        kernel_->block_product(packed_rows, values_.data() + p * d_ * kPanelWidth, static_cast<std::size_t>(d_),
                               static_cast<std::size_t>(panels), out, static_cast<std::size_t>(panels * kPanelWidth));
    }

private:
    const Kernels* kernel_;
    std::int64_t count_ = 0;
    std::int64_t d_ = 0;
    float largest_square_ = 0;
    std::vector<float> values_;
    std::vector<float> squares_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_PANELS_HPP
