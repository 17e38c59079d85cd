// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_EXACT_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_EXACT_IMPL_HPP

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// Tile `t` of the upper triangle of blocks, diagonal by diagonal: the main one first, so that every row gets
/// a limit early, and neighbouring tiles rarely share a block.
struct KnnTile {
    std::int64_t row_block;
    std::int64_t col_block;
};
inline KnnTile knn_tile(std::int64_t t, std::int64_t blocks) {
    // Diagonals 0 .. o-1 hold o * blocks - o (o - 1) / 2 tiles.
    const auto before = [blocks](std::int64_t o) { return o * blocks - o * (o - 1) / 2; };
    const double b = static_cast<double>(blocks) + 0.5;
    auto o = static_cast<std::int64_t>(b - std::sqrt(std::max(0.0, b * b - 2.0 * static_cast<double>(t))));
    o = std::clamp<std::int64_t>(o, 0, blocks - 1);
    while (o > 0 && before(o) > t) --o;
    while (o + 1 < blocks && before(o + 1) <= t) ++o;
    const std::int64_t i = t - before(o);
    return {i, i + o};
}

/// Offers every pair of positions to both of its rows. Pairs that the products rule out are not measured.
class KnnAllPairs {
public:
    KnnAllPairs(const KnnSpace& space, KnnHeaps& heaps)
        : space_(space),
          heaps_(heaps),
          kernel_(kernels()),
          panels_((space.size() + panel - 1) / panel),
          block_panels_(panels_ >= 512  ? 16
                        : panels_ >= 64 ? 8
                                        : 4),
          blocks_((panels_ + block_panels_ - 1) / block_panels_),
          locks_(std::make_unique<std::mutex[]>(static_cast<std::size_t>(blocks_))) {}

    void run(int num_threads, const Progress& progress) {
        parallel_blocks(
            blocks_ * (blocks_ + 1) / 2, num_threads,
            [this](std::int64_t t, int) {
                const KnnTile tile = knn_tile(t, blocks_);
                if (space_.screens()) {
                    screen(tile);
                } else {
                    measure_all(tile);
                }
            },
            progress, "knn_graph");
    }

private:
    static constexpr std::int64_t panel = PackedRows<float>::panel_rows;

    std::int64_t first_panel(std::int64_t block) const { return block * block_panels_; }
    std::int64_t last_panel(std::int64_t block) const {
        return std::min(panels_, (block + 1) * block_panels_);
    }

    /// Both blocks' locks, lower block first. What is kept does not depend on the order in which tiles come,
    /// since (distance, id) orders all candidates.
    class TileLock {
    public:
        TileLock(std::mutex* locks, const KnnTile& tile)
            : first_(locks[tile.row_block]), second_(locks[tile.col_block]) {
            first_.lock();
            if (&second_ != &first_) second_.lock();
        }
        ~TileLock() {
            if (&second_ != &first_) second_.unlock();
            first_.unlock();
        }
        TileLock(const TileLock&) = delete;
        TileLock& operator=(const TileLock&) = delete;

    private:
        std::mutex& first_;
        std::mutex& second_;
    };

    void offer(std::int64_t i, std::int64_t j) {
        const float distance =
            space_.distance(kernel_, space_.row(i), space_.factor_of(i), space_.row(j), space_.factor_of(j));
        heaps_.offer(i, knn_key(distance, static_cast<Index>(j)));
        heaps_.offer(j, knn_key(distance, static_cast<Index>(i)));
    }

    /// First limits of a block's rows, from the keys within the block: without them every pair of the first
    /// tile would have to be measured.
    void start_limits(std::int64_t block, float* strip) {
        const std::int64_t width = block_panels_ * panel;
        const std::int64_t base = first_panel(block) * panel;
        const std::int64_t count = std::min(space_.size(), last_panel(block) * panel) - base;
        if (count <= static_cast<std::int64_t>(heaps_.slots())) return;
        float block_slack = 0;
        for (std::int64_t j = 0; j < count; ++j) {
            block_slack = std::max(block_slack, space_.slack(space_.add[static_cast<std::size_t>(base + j)]));
        }
        if (!(block_slack < FLT_MAX)) return;
        std::vector<float> keys(static_cast<std::size_t>(count));
        for (std::int64_t p = first_panel(block); p < last_panel(block); ++p) {
            kernel_.block_product_loose(space_.packed.panel(p), space_.packed.panel(first_panel(block)),
                                        static_cast<std::size_t>(space_.dim()),
                                        static_cast<std::size_t>(last_panel(block) - first_panel(block)),
                                        strip, static_cast<std::size_t>(width));
            for (std::int64_t i = p * panel; i < std::min(space_.size(), (p + 1) * panel); ++i) {
                const float add_i = space_.add[static_cast<std::size_t>(i)];
                const float* products = strip + (i - p * panel) * width;
                for (std::int64_t j = 0; j < count; ++j) {
                    const float offset = add_i + space_.add[static_cast<std::size_t>(base + j)];
                    keys[static_cast<std::size_t>(j)] = offset - space_.product_scale * products[j];
                }
                keys[static_cast<std::size_t>(i - base)] = FLT_MAX;
                const auto kth = keys.begin() + static_cast<std::ptrdiff_t>(heaps_.slots() - 1);
                std::nth_element(keys.begin(), kth, keys.end());
                const double limit = static_cast<double>(*kth) + 2.0 * static_cast<double>(block_slack);
                heaps_.lower_limit(i, static_cast<float>(limit + std::abs(limit) * 0x1.0p-19));
            }
        }
    }

    void screen(const KnnTile& tile) {
        const std::int64_t width = block_panels_ * panel;
        std::vector<float> strip(static_cast<std::size_t>(panel * width));
        std::vector<std::uint32_t> hits(strip.size());
        if (tile.row_block == tile.col_block) {
            const TileLock lock(locks_.get(), tile);
            start_limits(tile.row_block, strip.data());
        }
        for (std::int64_t p = first_panel(tile.row_block); p < last_panel(tile.row_block); ++p) {
            // On the diagonal the half left of this panel has been seen from the other side.
            const std::int64_t q = tile.row_block == tile.col_block ? p : first_panel(tile.col_block);
            const std::int64_t count = last_panel(tile.col_block) - q;
            kernel_.block_product_loose(
                space_.packed.panel(p), space_.packed.panel(q), static_cast<std::size_t>(space_.dim()),
                static_cast<std::size_t>(count), strip.data(), static_cast<std::size_t>(width));
            const std::int64_t row_base = p * panel;
            const std::int64_t col_base = q * panel;
            const std::int64_t rows = std::min(panel, space_.size() - row_base);
            const TileLock lock(locks_.get(), tile);
            const std::size_t found = kernel_.scan_pairs(
                strip.data(), static_cast<std::size_t>(width), static_cast<std::size_t>(rows),
                static_cast<std::size_t>(count * panel), space_.add.data() + row_base,
                space_.add.data() + col_base, space_.product_scale, heaps_.limits() + row_base,
                heaps_.limits() + col_base, hits.data());
            for (std::size_t h = 0; h < found; ++h) {
                const std::int64_t r = hits[h] >> 16;
                const std::int64_t c = hits[h] & 0xFFFFU;
                const std::int64_t i = row_base + r;
                const std::int64_t j = col_base + c;
                if (j <= i) continue;
                // Earlier hits of this strip may have lowered the limits.
                const float key =
                    (space_.add[static_cast<std::size_t>(i)] + space_.add[static_cast<std::size_t>(j)]) -
                    space_.product_scale * strip[static_cast<std::size_t>(r * width + c)];
                if (key <= heaps_.limit(i) || key <= heaps_.limit(j)) offer(i, j);
            }
        }
    }

    void measure_all(const KnnTile& tile) {
        std::vector<float> distances(static_cast<std::size_t>(block_panels_ * panel));
        const std::int64_t col_end = std::min(space_.size(), last_panel(tile.col_block) * panel);
        const std::int64_t row_end = std::min(space_.size(), last_panel(tile.row_block) * panel);
        for (std::int64_t i = first_panel(tile.row_block) * panel; i < row_end; ++i) {
            const std::int64_t begin =
                tile.row_block == tile.col_block ? i + 1 : first_panel(tile.col_block) * panel;
            for (std::int64_t j = begin; j < col_end; ++j) {
                distances[static_cast<std::size_t>(j - begin)] =
                    space_.distance(kernel_, space_.row(i), 1.0F, space_.row(j), 1.0F);
            }
            const TileLock lock(locks_.get(), tile);
            for (std::int64_t j = begin; j < col_end; ++j) {
                const float distance = distances[static_cast<std::size_t>(j - begin)];
                heaps_.offer(i, knn_key(distance, static_cast<Index>(j)));
                heaps_.offer(j, knn_key(distance, static_cast<Index>(i)));
            }
        }
    }

    const KnnSpace& space_;
    KnnHeaps& heaps_;
    const Kernels& kernel_;
    std::int64_t panels_;
    std::int64_t block_panels_;
    std::int64_t blocks_;
    std::unique_ptr<std::mutex[]> locks_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_EXACT_IMPL_HPP
