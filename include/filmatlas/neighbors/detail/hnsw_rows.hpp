// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_HNSW_ROWS_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_HNSW_ROWS_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/int8_kernels.hpp"
#include "filmatlas/neighbors/detail/knn_repeats_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// Rows as 8-bit numbers around a common centre: rows that are close in few steps of the search are told apart by
/// these, a quarter of the memory traffic of float32; what is found is measured again by the exact kernel.
class HnswCodes {
public:
    HnswCodes() : stride_(0) {}
    /// `fill(i, out)` writes row i in float32, as distances see it.
    template <class Fill>
    HnswCodes(std::int64_t rows, std::int64_t cols, int num_threads, const Progress& progress, Fill&& fill)
        : stride_((static_cast<std::size_t>(cols) + int8_row_unit - 1) / int8_row_unit * int8_row_unit),
          centre_(static_cast<std::size_t>(cols)),
          codes_(static_cast<std::size_t>(rows) * stride_),
          measures_(static_cast<std::size_t>(rows)) {
        // The mean of a sample in a fixed order. It only sharpens the codes: distances between rows do not move.
        const std::int64_t samples = std::min<std::int64_t>(rows, 2048);
        std::vector<float> row(static_cast<std::size_t>(cols));
        std::vector<double> sum(static_cast<std::size_t>(cols), 0.0);
        for (std::int64_t s = 0; s < samples; ++s) {
            fill(s * rows / samples, row.data());
            for (std::size_t k = 0; k < row.size(); ++k) sum[k] += static_cast<double>(row[k]);
        }
        for (std::size_t k = 0; k < row.size(); ++k) {
            centre_[k] = static_cast<float>(sum[k] / static_cast<double>(samples));
        }
        const auto encode_rows = [&](std::int64_t begin, std::int64_t end) {
            std::vector<float> values(static_cast<std::size_t>(cols));
            for (std::int64_t i = begin; i < end; ++i) {
                const auto at = static_cast<std::size_t>(i);
                fill(i, values.data());
                measures_[at] = encode(values.data(), codes_.data() + at * stride_);
            }
        };
        parallel_for(rows, 256, num_threads, encode_rows, progress, "knn index: codes");
    }

    /// What a distance takes beside the product of codes.
    struct Measures {
        float scale = 0;    ///< of the code's unit
        float squared = 0;  ///< norm, from the centre
    };

    std::size_t size() const { return measures_.size(); }
    std::size_t stride() const { return stride_; }
    const std::int8_t* row(std::size_t i) const { return codes_.data() + i * stride_; }
    const std::int8_t* data() const { return codes_.data(); }

    /// Code of a row or query: `out` has `stride()` places. Changes `values`.
    Measures encode(float* values, std::int8_t* out) const {
        float largest = 0;
        double norm = 0;
        for (std::size_t k = 0; k < centre_.size(); ++k) {
            values[k] -= centre_[k];
            largest = std::max(largest, std::abs(values[k]));
            norm += static_cast<double>(values[k]) * static_cast<double>(values[k]);
        }
        const float scale = largest / 127.0F;
        const float inverse = scale > 0 ? 1.0F / scale : 0.0F;
        for (std::size_t k = 0; k < centre_.size(); ++k) {
            // To nearest; the clamp covers the division's rounding, and infinite inverses.
            const float value = std::clamp(values[k] * inverse, -127.0F, 127.0F);
            out[k] = static_cast<std::int8_t>(value < 0 ? value - 0.5F : value + 0.5F);
        }
        std::fill(out + centre_.size(), out + stride_, static_cast<std::int8_t>(0));
        return {scale, static_cast<float>(norm)};
    }

    /// Squared distance of row i and a row or query of these measures, from the product of the codes.
    float distance(const Measures& other, std::size_t i, std::int32_t product) const {
        const Measures& own = measures_[i];
        return (other.squared + own.squared) - 2.0F * (other.scale * own.scale) * static_cast<float>(product);
    }
    const Measures& measures(std::size_t i) const { return measures_[i]; }

    /// Bytes for (n, d).
    static std::int64_t bytes(std::int64_t rows, std::int64_t cols) {
        constexpr auto unit = static_cast<std::int64_t>(int8_row_unit);
        return rows * ((cols + unit - 1) / unit * unit + static_cast<std::int64_t>(sizeof(Measures)));
    }

private:
    std::size_t stride_;
    std::vector<float> centre_;
    std::vector<std::int8_t> codes_;
    std::vector<Measures> measures_;
};

/// A row or query as distances want it.
struct HnswQuery {
    const float* row = nullptr;
    float factor = 1;
    const std::int8_t* code = nullptr;
    HnswCodes::Measures measures;
};

/// The nodes of the graph: groups of equal rows, seen through their codes or, where those are too coarse to tell
/// neighbours apart, in full.
class HnswRows {
public:
    HnswRows(const KnnSpace& space, const KnnRepeats& groups, bool full, int num_threads, const Progress& progress)
        : space_(&space), groups_(&groups) {
        if (full) return;
        const auto fill = [this](std::int64_t node, float* out) {
            values(row(static_cast<std::uint32_t>(node)), factor(static_cast<std::uint32_t>(node)), out);
        };
        codes_ = HnswCodes(groups.size(), space.dim(), num_threads, progress, fill);
    }

    std::size_t size() const { return static_cast<std::size_t>(groups_->size()); }
    bool full() const { return codes_.size() == 0; }
    const HnswCodes& codes() const { return codes_; }
    const float* row(std::uint32_t node) const { return space_->direct_row(position(node)); }
    float factor(std::uint32_t node) const { return space_->factor_of(position(node)); }

    HnswQuery query(std::uint32_t node) const {
        if (full()) return {row(node), factor(node), nullptr, {}};
        return {nullptr, 1, codes_.row(node), codes_.measures(node)};
    }
    /// A row as distances see it.
    void values(const float* row, float factor, float* out) const {
        for (std::int64_t k = 0; k < space_->dim(); ++k) out[k] = row[k] * factor;
    }

    /// Squared distances (up to a factor) to some nodes. `products` is scratch.
    void distances(const HnswQuery& query, std::span<const std::uint32_t> nodes, std::vector<std::int32_t>& products,
                   float* out) const {
        if (full()) {
            for (std::size_t i = 0; i < nodes.size(); ++i) {
                out[i] = space_->distance(*kernel_, query.row, query.factor, row(nodes[i]), factor(nodes[i]));
                if (space_->metric == Metric::Euclidean) out[i] *= out[i];
            }
            return;
        }
        products.resize(nodes.size());
        int8_kernel_->project(codes_.data(), nodes.data(), nodes.size(), query.code, codes_.stride(),
                              products.data());
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            out[i] = codes_.distance(query.measures, nodes[i], products[i]);
        }
    }

    /// Rows lie anywhere in memory; those of all links are fetched at once (into the second-level cache, which
    /// waits for more lines at a time than the first).
    void prefetch(std::uint32_t node) const {
        if (full()) {
            prefetch_values<second_level>(row(node), space_->dim());
        } else {
            prefetch_values<second_level>(codes_.row(node), static_cast<std::int64_t>(codes_.stride()));
            prefetch_values(&codes_.measures(node), 1);
        }
    }

private:
    Index position(std::uint32_t node) const { return groups_->first(node); }
    static constexpr int second_level = 2;

    const KnnSpace* space_;
    const KnnRepeats* groups_;
    const Kernels* kernel_ = &kernels();
    const Int8Kernels* int8_kernel_ = &int8_kernels();
    HnswCodes codes_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_HNSW_ROWS_HPP
