// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_TSNE_GRID_HPP
#define FILMATLAS_LAYOUT_DETAIL_TSNE_GRID_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/layout/detail/fft.hpp"

/// @file tsne_grid.hpp
/// @brief Repulsion of a plane map by convolution on a grid; time grows with items plus area.
///
/// Source: Linderman et al. (2019), "Fast interpolation-based t-SNE", with one convolution instead of four:
/// the force is the gradient of the potential sum_j 1 / (1 + |y - y_j|^2), so that cubic B-splines spread the
/// items, one transform pair convolves, and the splines' derivatives read the gradient. The kernel is lowered
/// by its value at the grid's diagonal, a constant that the gradient does not see: so float32 suffices for
/// maps that are still tiny.

namespace filmatlas::detail {

/// Largest distance between grid nodes, in map units (the kernel has width 1).
inline constexpr float kGridSpacing = 0.5F;
/// Fewest nodes over a map.
inline constexpr int kGridLeastNodes = 48;
/// Grid rows whose items are spread together; more than a spline's reach.
inline constexpr int kGridStrip = 8;
inline constexpr int kGridReach = 3;

/// Weights of the cubic B-spline on 4 nodes, at t past the second one, and their derivatives.
struct GridSpline {
    float weight[4];
    float slope[4];
};
FILMATLAS_ALWAYS_INLINE GridSpline grid_spline(float t) {
    const float u = 1.0F - t;
    const float sixth = 1.0F / 6.0F;
    return {{u * u * u * sixth, ((3.0F * t - 6.0F) * t * t + 4.0F) * sixth,
             (((-3.0F * t + 3.0F) * t + 3.0F) * t + 1.0F) * sixth, t * t * t * sixth},
            {-0.5F * u * u, (1.5F * t - 2.0F) * t, (-1.5F * t + 1.0F) * t + 0.5F, 0.5F * t * t}};
}

/// Smallest box around some items of a plane map.
struct GridBox {
    float low[2] = {0, 0};
    float high[2] = {0, 0};
    void include(const float* y, bool first) {
        for (int d = 0; d < 2; ++d) {
            low[d] = first ? y[d] : std::min(low[d], y[d]);
            high[d] = first ? y[d] : std::max(high[d], y[d]);
        }
    }
    float side() const { return std::max(high[0] - low[0], high[1] - low[1]); }
};

/// The potential of all items on a grid. Steps of one round, in order: `place`, `spread` for every strip,
/// `rows_forward`, `columns`, `rows_back` for every batch, `read` for every item.
class TsneGrid {
public:
    explicit TsneGrid(const std::vector<Index>& items) : items_(items), run_(fft_runner()) {}

    /// Nodes per side that a map of this side takes, transform length included: what a round costs.
    static int length_for(float side) {
        const auto cells = static_cast<double>(side) / static_cast<double>(spacing_for(side));
        return FftPlan::fitting(2 * (static_cast<std::int64_t>(cells) + 6));
    }

    /// Sets the grid over the items and deals them into strips.
    void place(const float* y, const GridBox& box) {
        const float spacing = spacing_for(box.side());
        const int length = length_for(box.side());
        if (!plan_ || plan_->size() != length) {
            plan_.emplace(length);
            spacing_ = 0;
            nodes_ = length / 2;
            width_ = (length / 2 + static_cast<int>(kFftLanes)) / static_cast<int>(kFftLanes) *
                     static_cast<int>(kFftLanes);
            const std::size_t cells = static_cast<std::size_t>(nodes_) * static_cast<std::size_t>(nodes_);
            const std::size_t spectrum = static_cast<std::size_t>(nodes_) * static_cast<std::size_t>(width_);
            field_.assign(cells, 0);
            spectrum_re_.assign(spectrum, 0);
            spectrum_im_.assign(spectrum, 0);
            strips_.resize(static_cast<std::size_t>((nodes_ + kGridStrip - 1) / kGridStrip));
        }
        if (spacing != spacing_) {
            spacing_ = spacing;
            inverse_ = 1.0F / spacing;
            make_kernel();
        }
        origin_[0] = box.low[0];
        origin_[1] = box.low[1];
        // Stable counting sort by strip of the row below the item.
        const std::size_t count = items_.size();
        begin_.assign(strips_.size() + 1, 0);
        strip_of_.resize(count);
        for (std::size_t k = 0; k < count; ++k) {
            const int strip = node(y[std::int64_t{items_[k]} * 2 + 1], 1).first / kGridStrip;
            strip_of_[k] = strip;
            ++begin_[static_cast<std::size_t>(strip) + 1];
        }
        for (std::size_t s = 0; s + 1 < begin_.size(); ++s) begin_[s + 1] += begin_[s];
        sorted_.resize(count);
        next_.assign(begin_.begin(), begin_.end() - 1);
        for (std::size_t k = 0; k < count; ++k) {
            sorted_[next_[static_cast<std::size_t>(strip_of_[k])]++] = items_[k];
        }
    }

    std::int64_t num_strips() const noexcept { return static_cast<std::int64_t>(strips_.size()); }
    std::int64_t num_row_batches() const noexcept {
        return (nodes_ + 2 * static_cast<int>(kFftLanes) - 1) / (2 * static_cast<int>(kFftLanes));
    }
    std::int64_t num_column_batches() const noexcept { return width_ / static_cast<int>(kFftLanes); }

    /// Adds the items of one strip to its rows and the next few, in a buffer of its own.
    void spread(const float* y, std::int64_t strip) {
        auto& rows = strips_[static_cast<std::size_t>(strip)];
        rows.assign(static_cast<std::size_t>(kGridStrip + kGridReach) * static_cast<std::size_t>(nodes_), 0);
        const auto first = static_cast<int>(strip) * kGridStrip;
        for (std::size_t k = begin_[static_cast<std::size_t>(strip)]; k < begin_[static_cast<std::size_t>(strip) + 1];
             ++k) {
            const float* at = y + std::int64_t{sorted_[k]} * 2;
            const auto [x, tx] = node(at[0], 0);
            const auto [row, ty] = node(at[1], 1);
            const GridSpline sx = grid_spline(tx);
            const GridSpline sy = grid_spline(ty);
            for (int j = 0; j < 4; ++j) {
                float* target = rows.data() + static_cast<std::int64_t>(row - first + j) * nodes_ + x;
                for (int i = 0; i < 4; ++i) target[i] += sy.weight[j] * sx.weight[i];
            }
        }
    }

    /// Transforms 32 rows along x, two real rows as one complex one.
    void rows_forward(std::int64_t batch, FftBuffer& buffer) {
        const int length = plan_->size();
        const int first = static_cast<int>(batch) * 2 * static_cast<int>(kFftLanes);
        buffer.resize(length);
        std::fill(buffer.re(), buffer.re() + static_cast<std::size_t>(length) * kFftLanes, 0.0F);
        std::fill(buffer.im(), buffer.im() + static_cast<std::size_t>(length) * kFftLanes, 0.0F);
        for (int r = 0; r < 2 * static_cast<int>(kFftLanes) && first + r < nodes_; ++r) {
            float* out = (r % 2 == 0 ? buffer.re() : buffer.im()) + r / 2;
            const int row = first + r;
            const int strip = row / kGridStrip;
            const int within = row - strip * kGridStrip;
            const float* own = strips_[static_cast<std::size_t>(strip)].data() + std::int64_t{within} * nodes_;
            if (within < kGridReach && strip > 0) {
                const float* below =
                    strips_[static_cast<std::size_t>(strip) - 1].data() + std::int64_t{within + kGridStrip} * nodes_;
                for (int x = 0; x < nodes_; ++x) out[static_cast<std::size_t>(x) * kFftLanes] = below[x] + own[x];
            } else {
                for (int x = 0; x < nodes_; ++x) out[static_cast<std::size_t>(x) * kFftLanes] = own[x];
            }
        }
        buffer.forward(*plan_, run_);
        for (int r = 0; r + first < nodes_ && r < 2 * static_cast<int>(kFftLanes); r += 2) {
            for (const int odd : {0, 1}) {
                if (first + r + odd >= nodes_) break;
                split(buffer, r / 2, odd != 0, spectrum_re_.data() + std::int64_t{first + r + odd} * width_,
                      spectrum_im_.data() + std::int64_t{first + r + odd} * width_);
            }
        }
    }

    /// Along y: forward, times the kernel, back; 16 columns.
    void columns(std::int64_t batch, FftBuffer& buffer) {
        const auto length = static_cast<std::size_t>(plan_->size());
        const auto column = static_cast<std::size_t>(batch) * kFftLanes;
        buffer.resize(plan_->size());
        const auto rows = static_cast<std::size_t>(nodes_);
        const auto width = static_cast<std::size_t>(width_);
        for (std::size_t r = 0; r < rows; ++r) {
            std::memcpy(buffer.re() + r * kFftLanes, &spectrum_re_[r * width + column], kFftLanes * sizeof(float));
            std::memcpy(buffer.im() + r * kFftLanes, &spectrum_im_[r * width + column], kFftLanes * sizeof(float));
        }
        std::fill(buffer.re() + rows * kFftLanes, buffer.re() + length * kFftLanes, 0.0F);
        std::fill(buffer.im() + rows * kFftLanes, buffer.im() + length * kFftLanes, 0.0F);
        buffer.forward(*plan_, run_);
        float* re = buffer.re();
        float* im = buffer.im();
        for (std::size_t k = 0; k < length; ++k) {
            const float* factor = &kernel_[std::min(k, length - k) * width + column];
            for (std::size_t l = 0; l < kFftLanes; ++l) {
                re[k * kFftLanes + l] *= factor[l];
                im[k * kFftLanes + l] *= factor[l];
            }
        }
        buffer.inverse(*plan_, run_);
        for (std::size_t r = 0; r < rows; ++r) {
            std::memcpy(&spectrum_re_[r * width + column], buffer.re() + r * kFftLanes, kFftLanes * sizeof(float));
            std::memcpy(&spectrum_im_[r * width + column], buffer.im() + r * kFftLanes, kFftLanes * sizeof(float));
        }
    }

    /// 32 rows back along x: the potential's spline coefficients.
    void rows_back(std::int64_t batch, FftBuffer& buffer) {
        const int length = plan_->size();
        const int first = static_cast<int>(batch) * 2 * static_cast<int>(kFftLanes);
        buffer.resize(length);
        float* re = buffer.re();
        float* im = buffer.im();
        std::fill(re, re + static_cast<std::size_t>(length) * kFftLanes, 0.0F);
        std::fill(im, im + static_cast<std::size_t>(length) * kFftLanes, 0.0F);
        for (int r = 0; r < 2 * static_cast<int>(kFftLanes) && first + r < nodes_; r += 2) {
            const float* are = spectrum_re_.data() + std::int64_t{first + r} * width_;
            const float* aim = spectrum_im_.data() + std::int64_t{first + r} * width_;
            const bool pair = first + r + 1 < nodes_;
            for (int k = 0; k <= length / 2; ++k) {
                const float bre = pair ? are[width_ + k] : 0.0F;
                const float bim = pair ? aim[width_ + k] : 0.0F;
                const std::size_t at = static_cast<std::size_t>(k) * kFftLanes + static_cast<std::size_t>(r / 2);
                re[at] = are[k] - bim;
                im[at] = aim[k] + bre;
                if (k == 0 || 2 * k == length) continue;
                const std::size_t mirror =
                    static_cast<std::size_t>(length - k) * kFftLanes + static_cast<std::size_t>(r / 2);
                re[mirror] = are[k] + bim;
                im[mirror] = bre - aim[k];
            }
        }
        buffer.inverse(*plan_, run_);
        for (int r = 0; r < 2 * static_cast<int>(kFftLanes) && first + r < nodes_; ++r) {
            const float* from = (r % 2 == 0 ? buffer.re() : buffer.im()) + r / 2;
            float* out = field_.data() + std::int64_t{first + r} * nodes_;
            for (int x = 0; x < nodes_; ++x) out[x] = from[static_cast<std::size_t>(x) * kFftLanes];
        }
    }

    /// Repulsion of one item, sum_j (1 + r^2)^-2 (y - y_j); returns its share of the normaliser.
    double read(const float* at, float* force) const {
        const auto [x, tx] = node(at[0], 0);
        const auto [row, ty] = node(at[1], 1);
        const GridSpline sx = grid_spline(tx);
        const GridSpline sy = grid_spline(ty);
        float value = 0;
        float slope_x = 0;
        float slope_y = 0;
        for (int j = 0; j < 4; ++j) {
            const float* from = field_.data() + static_cast<std::int64_t>(row + j) * nodes_ + x;
            const float along =
                (sx.weight[0] * from[0] + sx.weight[1] * from[1]) + (sx.weight[2] * from[2] + sx.weight[3] * from[3]);
            const float rise =
                (sx.slope[0] * from[0] + sx.slope[1] * from[1]) + (sx.slope[2] * from[2] + sx.slope[3] * from[3]);
            value += sy.weight[j] * along;
            slope_y += sy.slope[j] * along;
            slope_x += sy.weight[j] * rise;
        }
        force[0] = -0.5F * inverse_ * slope_x;
        force[1] = -0.5F * inverse_ * slope_y;
        // The lowered kernel, all items; the item itself is no pair.
        return static_cast<double>(value) + lowered_ * static_cast<double>(items_.size()) - 1.0;
    }

private:
    /// Large maps share one spacing; small ones take the next step of a ladder, so that the kernel is kept.
    static float spacing_for(float side) {
        const float wide = kGridSpacing * static_cast<float>(kGridLeastNodes);
        if (!(side < wide)) return kGridSpacing;
        float reach = wide;
        while (reach * 0.75F > side && reach > 1e-12F) reach *= 0.75F;
        return reach / static_cast<float>(kGridLeastNodes);
    }

    /// First of the four nodes around a coordinate, and how far past the second it lies.
    FILMATLAS_ALWAYS_INLINE std::pair<int, float> node(float y, int axis) const {
        const float u = (y - origin_[axis]) * inverse_;
        const int cell = std::clamp(static_cast<int>(u), 0, nodes_ - 4);
        return {cell, u - static_cast<float>(cell)};
    }

    /// Half spectrum of one of the two real sequences that lane `lane` carries.
    void split(FftBuffer& buffer, int lane, bool second, float* out_re, float* out_im) const {
        const int length = plan_->size();
        const float* re = buffer.re() + lane;
        const float* im = buffer.im() + lane;
        for (int k = 0; k <= length / 2; ++k) {
            const std::size_t at = static_cast<std::size_t>(k) * kFftLanes;
            const std::size_t mirror = static_cast<std::size_t>(k == 0 ? 0 : length - k) * kFftLanes;
            if (second) {
                out_re[k] = 0.5F * (im[at] + im[mirror]);
                out_im[k] = 0.5F * (re[mirror] - re[at]);
            } else {
                out_re[k] = 0.5F * (re[at] + re[mirror]);
                out_im[k] = 0.5F * (im[at] - im[mirror]);
            }
        }
    }

    /// Spectrum of the sampled kernel, with what undoes the splines' smoothing and the transforms' scale.
    void make_kernel() {
        const auto length = static_cast<std::size_t>(plan_->size());
        const std::size_t half = length / 2;
        const auto width = static_cast<std::size_t>(width_);
        const double h = static_cast<double>(spacing_);
        const double far2 = 2 * static_cast<double>(nodes_) * h * static_cast<double>(nodes_) * h;
        lowered_ = 1 / (1 + far2);
        kernel_.assign((half + 1) * width, 0);
        FftBuffer buffer;
        // Even in both directions: rows 0 .. half say all, and the spectra are real.
        for (std::size_t first = 0; first <= half; first += kFftLanes) {
            buffer.resize(plan_->size());
            std::fill(buffer.im(), buffer.im() + length * kFftLanes, 0.0F);
            for (std::size_t x = 0; x < length; ++x) {
                const double dx = static_cast<double>(std::min(x, length - x)) * h;
                for (std::size_t l = 0; l < kFftLanes; ++l) {
                    const double dy = static_cast<double>(std::min(first + l, half)) * h;
                    const double r2 = dx * dx + dy * dy;
                    buffer.re()[x * kFftLanes + l] = static_cast<float>((far2 - r2) / ((1 + r2) * (1 + far2)));
                }
            }
            buffer.forward(*plan_, run_);
            for (std::size_t l = 0; l < kFftLanes && first + l <= half; ++l) {
                for (std::size_t k = 0; k <= half; ++k) kernel_[(first + l) * width + k] = buffer.re()[k * kFftLanes + l];
            }
        }
        // A B-spline's samples 1/6, 4/6, 1/6 have the spectrum (4 + 2 cos) / 6; twice, for both ends.
        const auto sharpen = [&](std::size_t k) {
            const double c = (4 + 2 * static_cast<double>(plan_->cosine(k))) / 6;
            return 1 / (c * c);
        };
        const double scale = 1 / (static_cast<double>(length) * static_cast<double>(length));
        for (std::size_t column = 0; column < width; column += kFftLanes) {
            buffer.resize(plan_->size());
            std::fill(buffer.im(), buffer.im() + length * kFftLanes, 0.0F);
            for (std::size_t r = 0; r < length; ++r) {
                std::memcpy(buffer.re() + r * kFftLanes, &kernel_[std::min(r, length - r) * width + column],
                            kFftLanes * sizeof(float));
            }
            buffer.forward(*plan_, run_);
            for (std::size_t k = 0; k <= half; ++k) {
                for (std::size_t l = 0; l < kFftLanes; ++l) {
                    const double value = static_cast<double>(buffer.re()[k * kFftLanes + l]);
                    kernel_[k * width + column + l] =
                        static_cast<float>(value * sharpen(k) * sharpen(std::min(column + l, half)) * scale);
                }
            }
        }
    }

    const std::vector<Index>& items_;
    FftRun run_;
    std::optional<FftPlan> plan_;
    float spacing_ = 0;
    float inverse_ = 0;
    float origin_[2] = {0, 0};
    double lowered_ = 0;  ///< taken off the kernel everywhere
    int nodes_ = 0;       ///< per side; half of the transform's length, so that nothing wraps around
    int width_ = 0;       ///< columns of the half spectrum, a multiple of 16
    std::vector<float> kernel_;       ///< (nodes + 1, width), real
    std::vector<float> spectrum_re_;  ///< (nodes, width)
    std::vector<float> spectrum_im_;
    std::vector<float> field_;  ///< (nodes, nodes) coefficients
    std::vector<std::vector<float>> strips_;
    std::vector<Index> sorted_;
    std::vector<int> strip_of_;
    std::vector<std::size_t> begin_;
    std::vector<std::size_t> next_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_TSNE_GRID_HPP
