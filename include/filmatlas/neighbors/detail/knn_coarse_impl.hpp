// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_COARSE_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_COARSE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/int8_kernels.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/neighbors/detail/knn_candidates_impl.hpp"

namespace filmatlas::detail {

/// Rows rounded to 8 bits, each with its own scale. Products of 8-bit numbers are exact, so that distances
/// between the rounded rows are the same on every instruction set; they move a quarter of the memory.
///
/// Distances are squared Euclidean ones between the rounded rows: |a|^2 + |b|^2 - 2 a.b.
class KnnCoarseRows {
public:
    /// Memory that one worker needs.
    struct Workspace {
        std::vector<const std::int8_t*> rows;
        std::vector<float> scale, add, limit, products, sums;
        std::vector<std::uint32_t> hits;
        std::vector<std::int32_t> dots;
        std::unique_ptr<std::byte[]> scratch;
        std::size_t scratch_bytes = 0;
        KnnOffers offers;
    };
    using Direction = std::vector<std::int8_t>;

    KnnCoarseRows(std::int64_t count, std::int64_t dim)
        : count_(count),
          dim_(dim),
          stride_((static_cast<std::size_t>(dim) + int8_row_unit - 1) / int8_row_unit * int8_row_unit),
          values_(std::make_unique<Line[]>(static_cast<std::size_t>(count) * stride_ / sizeof(Line))),
          scale_(static_cast<std::size_t>(count)),
          add_(static_cast<std::size_t>(count)) {}

    static std::int64_t bytes(std::int64_t count, std::int64_t dim) {
        constexpr auto unit = static_cast<std::int64_t>(int8_row_unit);
        return count * ((dim + unit - 1) / unit * unit + 8);
    }

    std::int64_t size() const { return count_; }

    /// Rounds one row. The scale is the row's own: its largest value becomes 127.
    void set(std::int64_t i, const float* row) {
        const auto at = static_cast<std::size_t>(i);
        float largest = 0;
        for (std::int64_t k = 0; k < dim_; ++k) largest = std::max(largest, std::abs(row[k]));
        const float inverse = largest > 0x1.0p-100F ? 127.0F / largest : 0.0F;
        std::int8_t* out = row_at(at);
        std::int32_t squared = 0;
        for (std::int64_t k = 0; k < dim_; ++k) {
            out[k] = round8(row[k] * inverse);
            squared += static_cast<std::int32_t>(out[k]) * out[k];
        }
        scale_[at] = inverse > 0 ? largest / 127.0F : 0.0F;
        add_[at] = static_cast<float>(squared) * (scale_[at] * scale_[at]);
    }

    /// The rows in another order: row i becomes the former row order[i].
    void reorder(const std::vector<std::uint32_t>& order, int num_threads) {
        KnnCoarseRows moved(count_, dim_);
        parallel_for(count_, 4096, num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const auto from = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
                std::copy_n(row_at(from), stride_,
                            moved.row_at(static_cast<std::size_t>(i)));
                moved.scale_[static_cast<std::size_t>(i)] = scale_[from];
                moved.add_[static_cast<std::size_t>(i)] = add_[from];
            }
        });
        *this = std::move(moved);
    }

    /// Direction for cutting `items` in two: between two items drawn, then between the means of the halves
    /// into which these two part a sample.
    Direction cut(std::span<const std::uint32_t> items, RandomStream& stream, Workspace& work) const {
        constexpr std::size_t samples = 48;
        const auto draw = [&] { return items[stream.below(items.size())]; };
        const std::uint32_t first = draw();
        std::uint32_t second = draw();
        for (int tries = 0; tries < 8 && second == first; ++tries) second = draw();
        work.sums.assign(static_cast<std::size_t>(dim_), 0.0F);
        add_row(first, 1.0F, work.sums.data());
        add_row(second, -1.0F, work.sums.data());
        Direction direction = rounded(work.sums);

        std::uint32_t chosen[samples];
        for (std::uint32_t& item : chosen) item = draw();
        std::uint64_t order[samples];
        project({chosen, samples}, direction, work, order);
        std::sort(order, order + samples);
        std::fill(work.sums.begin(), work.sums.end(), 0.0F);
        for (std::size_t s = 0; s < samples; ++s) {
            const float sign = s < samples / 2 ? -1.0F : 1.0F;
            add_row(static_cast<std::uint32_t>(knn_key_id(order[s])), sign, work.sums.data());
        }
        return rounded(work.sums);
    }

    /// keys[i] sorts items[i] by its place along the direction, then by id.
    void project(std::span<const std::uint32_t> items, const Direction& direction, Workspace& work,
                 std::uint64_t* keys) const {
        work.dots.resize(items.size());
        int8_kernel_->project(row_at(0), items.data(), items.size(), direction.data(), stride_,
                             work.dots.data());
        for (std::size_t i = 0; i < items.size(); ++i) {
            keys[i] = knn_key(static_cast<float>(work.dots[i]) * scale_[items[i]],
                              static_cast<Index>(items[i]));
        }
    }

    void prefetch(std::uint32_t item) const {
        prefetch_values(row_at(item), static_cast<std::int64_t>(stride_));
    }

    /// Offers the pairs of `items` of which one at least is among the first `left` to both of their lists.
    void join(std::span<const std::uint32_t> items, std::size_t left, Workspace& work,
              KnnCandidates& candidates) const {
        const std::size_t count = items.size();
        const std::size_t padded = (count + 15) / 16 * 16;
        if (work.rows.size() < padded) {
            work.rows.resize(padded);
            work.scale.resize(padded);
            work.add.resize(padded);
            work.limit.resize(padded);
            work.products.resize(padded * padded);
            work.hits.resize(16 * padded);
        }
        if (work.scratch_bytes < padded * stride_ * 2 + 64) {
            work.scratch_bytes = padded * stride_ * 2 + 64;
            work.scratch = std::make_unique_for_overwrite<std::byte[]>(work.scratch_bytes);
        }
        void* aligned = work.scratch.get();
        std::size_t space = work.scratch_bytes;
        auto* scratch = static_cast<std::byte*>(std::align(64, padded * stride_ * 2, aligned, space));
        for (std::size_t i = 0; i < count; ++i) {
            work.rows[i] = row_at(items[i]);
            work.scale[i] = scale_[items[i]];
            work.add[i] = add_[items[i]];
            work.limit[i] = candidates.limit(items[i]);
        }
        for (std::size_t i = count; i < padded; ++i) {
            work.scale[i] = 0;
            work.add[i] = 0;
            work.limit[i] = -std::numeric_limits<float>::infinity();
        }
        int8_kernel_->scaled_products(work.rows.data(), work.scale.data(), count, left, stride_, scratch,
                                     work.products.data(), padded);
        for (std::size_t base = 0; base < left; base += 16) {
            const float* products = work.products.data() + base * padded + base;
            const std::size_t found = kernel_->scan_pairs(
                products, padded, std::min<std::size_t>(16, left - base), padded - base,
                work.add.data() + base, work.add.data() + base, 2.0F, work.limit.data() + base,
                work.limit.data() + base, work.hits.data());
            for (std::size_t h = 0; h < found; ++h) {
                const std::size_t r = base + (work.hits[h] >> 16);
                const std::size_t c = base + (work.hits[h] & 0xFFFFU);
                if (c <= r || c >= count) continue;
                const float distance =
                    (work.add[r] + work.add[c]) - 2.0F * work.products[r * padded + c];
                if (distance <= work.limit[r]) work.offers.add(r, KnnCandidates::offer_key(distance, items[c]));
                if (distance <= work.limit[c]) work.offers.add(c, KnnCandidates::offer_key(distance, items[r]));
            }
        }
        work.offers.hand_over(items, candidates);
    }

    /// Whether 8 bits are too few to tell neighbours apart: rounding moves a row by about scale * sqrt(d / 12),
    /// and for too many rows the kept candidates are not much farther away than that.
    bool too_coarse(const KnnCandidates& candidates) const {
        const std::int64_t samples = std::min<std::int64_t>(count_, 4096);
        std::int64_t bad = 0;
        for (std::int64_t s = 0; s < samples; ++s) {
            const auto item = static_cast<std::uint32_t>(s * count_ / samples);
            const float error = static_cast<float>(dim_) / 12.0F * (scale_[item] * scale_[item]);
            bad += candidates.limit(item) < 36.0F * error;
        }
        return bad * 20 > samples;
    }

private:
    struct alignas(64) Line {
        std::int8_t value[64];
    };

    std::int8_t* row_at(std::size_t i) {
        return static_cast<std::int8_t*>(static_cast<void*>(values_.get())) + i * stride_;
    }
    const std::int8_t* row_at(std::size_t i) const {
        return static_cast<const std::int8_t*>(static_cast<const void*>(values_.get())) + i * stride_;
    }
    void add_row(std::uint32_t item, float sign, float* sum) const {
        const std::int8_t* values = row_at(item);
        const float factor = sign * scale_[item];
        for (std::size_t k = 0; k < static_cast<std::size_t>(dim_); ++k)
            sum[k] += factor * static_cast<float>(values[k]);
    }
    Direction rounded(const std::vector<float>& values) const {
        Direction direction(stride_);
        float largest = 0;
        for (const float x : values) largest = std::max(largest, std::abs(x));
        const float inverse = largest > 0x1.0p-100F ? 127.0F / largest : 0.0F;
        for (std::size_t k = 0; k < values.size(); ++k) direction[k] = round8(values[k] * inverse);
        return direction;
    }
    static std::int8_t round8(float x) { return static_cast<std::int8_t>(x + (x < 0 ? -0.5F : 0.5F)); }

    std::int64_t count_;
    std::int64_t dim_;
    std::size_t stride_;
    std::unique_ptr<Line[]> values_;
    std::vector<float> scale_;
    std::vector<float> add_;  ///< squared norm of the rounded row
    const Kernels* kernel_ = &kernels();
    const Int8Kernels* int8_kernel_ = &int8_kernels();
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_COARSE_IMPL_HPP
