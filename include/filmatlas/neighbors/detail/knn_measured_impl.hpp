// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_MEASURED_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_MEASURED_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "filmatlas/neighbors/detail/knn_blocks_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// Measures every pair of positions once and offers those within the limits to both of their rows: for manhattan,
/// which no product screens. `Lists` takes offers and has a limit per position, as `KnnHeaps` does.
template <class Lists>
class KnnMeasuredPairs {
public:
    KnnMeasuredPairs(const KnnSpace& space, Lists& lists)
        : space_(space),
          lists_(lists),
          kernel_(kernels()),
          block_rows_(space.size() >= 8192   ? 256
                      : space.size() >= 1024 ? 128
                                             : 64),
          blocks_((space.size() + block_rows_ - 1) / block_rows_),
          locks_(blocks_) {}

    void run(int num_threads, const Progress& progress, const char* stage = "knn_graph") {
        parallel_blocks(
            knn_strips(blocks_), num_threads,
            [this](std::int64_t t, int) {
                const KnnStrip strip = knn_strip(t, blocks_);
                Scratch scratch(space_, block_rows_);
                scratch.rows.hold(first_row(strip.row_block), last_row(strip.row_block));
                for (std::int64_t block = strip.first_col; block < strip.last_col; ++block)
                    measure_tile(strip.row_block, block, scratch);
            },
            progress, stage);
    }

private:
    static constexpr std::int64_t chunk = 32;  // rows between two looks at the limits
    static constexpr std::int64_t lanes = 16;  // columns come in whole vectors

    std::int64_t first_row(std::int64_t block) const { return block * block_rows_; }
    std::int64_t last_row(std::int64_t block) const {
        return std::min(space_.size(), (block + 1) * block_rows_);
    }

    /// The addresses of a block's rows; those that need it are converted once per block.
    class Rows {
    public:
        explicit Rows(const KnnSpace& space) : space_(space) {}

        void hold(std::int64_t begin, std::int64_t end) {
            const auto d = static_cast<std::size_t>(space_.dim());
            if (!space_.rows.direct()) converted_.resize(static_cast<std::size_t>(end - begin) * d);
            address_.clear();
            for (std::int64_t i = begin; i < end; ++i) {
                float* scratch = converted_.empty() ? nullptr : converted_.data() + address_.size() * d;
                address_.push_back(space_.row(i, scratch));
            }
        }
        const float* const* from(std::int64_t i) const { return address_.data() + i; }

    private:
        const KnnSpace& space_;
        std::vector<float> converted_;
        std::vector<const float*> address_;
    };

    /// A worker's memory for one strip.
    struct Scratch {
        Scratch(const KnnSpace& space, std::int64_t block_rows)
            : rows(space),
              cols(space),
              distances(static_cast<std::size_t>(chunk * block_rows)),
              zeros(static_cast<std::size_t>(std::max(chunk, block_rows)), 0.0F),
              hits(distances.size()) {}
        Rows rows;
        Rows cols;
        std::vector<float> distances;
        std::vector<float> zeros;
        std::vector<std::uint32_t> hits;
    };

    void measure_tile(std::int64_t row_block, std::int64_t col_block, Scratch& scratch) {
        const std::int64_t row_base = first_row(row_block);
        const std::int64_t rows = last_row(row_block) - row_base;
        scratch.cols.hold(first_row(col_block), last_row(col_block));
        for (std::int64_t r = 0; r < rows; r += chunk) {
            // On the diagonal the half below has been seen from the other side.
            const std::int64_t skipped = row_block == col_block ? r : 0;
            const std::int64_t col_base = first_row(col_block) + skipped;
            const std::int64_t height = std::min(chunk, rows - r);
            const std::int64_t width = last_row(col_block) - col_base;
            const std::int64_t padded = (width + lanes - 1) / lanes * lanes;
            measure(scratch.rows.from(r), height, scratch.cols.from(skipped), width, padded,
                    scratch.distances.data());
            const KnnBlockLocks::Pair lock(locks_, row_block, col_block);
            // A distance is its own key: 0 + 0 + distance.
            const std::size_t found = kernel_.scan_pairs(
                scratch.distances.data(), static_cast<std::size_t>(padded), static_cast<std::size_t>(height),
                static_cast<std::size_t>(padded), scratch.zeros.data(), scratch.zeros.data(), -1.0F,
                lists_.limits() + row_base + r, lists_.limits() + col_base, scratch.hits.data());
            for (std::size_t h = 0; h < found; ++h) {
                const auto row = static_cast<std::int64_t>(scratch.hits[h] >> 16);
                const auto col = static_cast<std::int64_t>(scratch.hits[h] & 0xFFFFU);
                const std::int64_t i = row_base + r + row;
                const std::int64_t j = col_base + col;
                if (col >= width || j <= i) continue;
                const float distance = scratch.distances[static_cast<std::size_t>(row * padded + col)];
                lists_.offer(i, knn_key(distance, static_cast<Index>(j)));
                lists_.offer(j, knn_key(distance, static_cast<Index>(i)));
            }
        }
    }

    void measure(const float* const* a, std::int64_t rows, const float* const* b, std::int64_t cols,
                 std::int64_t stride, float* distances) const {
        kernel_.l1_block(a, static_cast<std::size_t>(rows), b, static_cast<std::size_t>(cols),
                         static_cast<std::size_t>(space_.dim()), distances, static_cast<std::size_t>(stride));
        for (std::int64_t i = 0; i < rows; ++i) {
            float* row = distances + i * stride;
            bool finite = true;
            for (std::int64_t j = 0; j < cols; ++j) finite &= std::isfinite(row[j]);
            if (finite) continue;
            for (std::int64_t j = 0; j < cols; ++j) row[j] = space_.distance(kernel_, a[i], 1.0F, b[j], 1.0F);
        }
    }

    const KnnSpace& space_;
    Lists& lists_;
    const Kernels& kernel_;
    std::int64_t block_rows_;
    std::int64_t blocks_;
    KnnBlockLocks locks_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_MEASURED_IMPL_HPP
