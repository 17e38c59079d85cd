// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_SOME_ROWS_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_SOME_ROWS_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// Exact neighbours of some positions among all. The chosen rows are packed once; all rows pass by in blocks
/// that are packed, multiplied with the chosen ones and forgotten.
class KnnSomeRows {
public:
    KnnSomeRows(const KnnSpace& space, std::span<const std::int64_t> positions, std::int64_t slots)
        : space_(space),
          positions_(positions),
          heaps_(space, static_cast<std::int64_t>(positions.size()), slots),
          kernel_(kernels()) {}

    void run(int num_threads, const Progress& progress, std::string_view stage) {
        const auto count = static_cast<std::int64_t>(positions_.size());
        const std::int64_t panels = (count + panel - 1) / panel;
        locks_ = std::make_unique<std::mutex[]>(static_cast<std::size_t>(panels));
        if (space_.screens()) {
            add_.assign(static_cast<std::size_t>(panels * panel), std::numeric_limits<float>::infinity());
            const auto pack = [&](std::int64_t i, float* out) {
                const std::int64_t p = positions_[static_cast<std::size_t>(i)];
                add_[static_cast<std::size_t>(i)] = space_.pack(space_.row(p, out), space_.factor_of(p), out);
            };
            packed_ = PackedRows<float>(count, space_.dim(), num_threads, pack);
        }
        const auto pass = [&](std::int64_t begin, std::int64_t end) {
            if (space_.screens()) {
                screen(begin, end);
            } else {
                measure(begin, end);
            }
        };
        parallel_for(space_.size(), block_rows, num_threads, pass, progress, stage);
    }

    /// Neighbours of the i-th chosen position.
    void write(std::int64_t i, std::span<Index> ids, std::span<float> distances) {
        heaps_.write(i, ids, distances);
    }

private:
    static constexpr std::int64_t panel = PackedRows<float>::panel_rows;
    static constexpr std::int64_t block_rows = 16 * panel;

    void screen(std::int64_t begin, std::int64_t end) {
        const std::int64_t rows = end - begin;
        std::vector<float> add(static_cast<std::size_t>(block_rows), std::numeric_limits<float>::infinity());
        const PackedRows<float> block(rows, space_.dim(), 1, [&](std::int64_t i, float* out) {
            const std::int64_t p = begin + i;
            add[static_cast<std::size_t>(i)] = space_.pack(space_.row(p, out), space_.factor_of(p), out);
        });
        std::vector<float> products(static_cast<std::size_t>(panel * block_rows));
        std::vector<std::uint32_t> hits(products.size());
        const std::vector<float> no_limit(static_cast<std::size_t>(block_rows),
                                          -std::numeric_limits<float>::infinity());
        KnnRowReader reader(space_);
        for (std::int64_t p = 0; p < packed_.panels(); ++p) {
            kernel_.block_product_loose(packed_.panel(p), block.panel(0), static_cast<std::size_t>(space_.dim()),
                                        static_cast<std::size_t>(block.panels()), products.data(),
                                        static_cast<std::size_t>(block_rows));
            const std::int64_t base = p * panel;
            const std::lock_guard<std::mutex> lock(locks_[static_cast<std::size_t>(p)]);
            const std::size_t found = kernel_.scan_pairs(
                products.data(), static_cast<std::size_t>(block_rows),
                static_cast<std::size_t>(std::min(panel, packed_.rows() - base)),
                static_cast<std::size_t>(block.panels() * panel), add_.data() + base, add.data(),
                space_.product_scale, heaps_.limits() + base, no_limit.data(), hits.data());
            for (std::size_t h = 0; h < found; ++h) {
                const auto r = static_cast<std::size_t>(base + (hits[h] >> 16));
                const auto c = static_cast<std::size_t>(hits[h] & 0xFFFFU);
                const std::int64_t j = begin + static_cast<std::int64_t>(c);
                if (j == positions_[r]) continue;
                // Earlier hits may have lowered the limit.
                const float product = products[(hits[h] >> 16) * static_cast<std::size_t>(block_rows) + c];
                const float key = (add_[r] + add[c]) - space_.product_scale * product;
                if (!(key <= heaps_.limit(static_cast<std::int64_t>(r)))) continue;
                heaps_.offer(static_cast<std::int64_t>(r), knn_key(distance(r, j, reader), static_cast<Index>(j)));
            }
        }
    }

    void measure(std::int64_t begin, std::int64_t end) {
        KnnRowReader reader(space_);
        std::vector<float> distances(static_cast<std::size_t>(end - begin));
        for (std::size_t r = 0; r < positions_.size(); ++r) {
            for (std::int64_t j = begin; j < end; ++j)
                distances[static_cast<std::size_t>(j - begin)] = distance(r, j, reader);
            const std::lock_guard<std::mutex> lock(locks_[r / panel]);
            for (std::int64_t j = begin; j < end; ++j) {
                if (j == positions_[r]) continue;
                heaps_.offer(static_cast<std::int64_t>(r),
                             knn_key(distances[static_cast<std::size_t>(j - begin)], static_cast<Index>(j)));
            }
        }
    }

    float distance(std::size_t r, std::int64_t j, KnnRowReader& reader) const {
        const std::int64_t i = positions_[r];
        return space_.distance(kernel_, reader.first(i), space_.factor_of(i), reader.second(j),
                               space_.factor_of(j));
    }

    const KnnSpace& space_;
    std::span<const std::int64_t> positions_;
    KnnHeaps heaps_;
    const Kernels& kernel_;
    PackedRows<float> packed_;
    std::vector<float> add_;
    std::unique_ptr<std::mutex[]> locks_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_SOME_ROWS_IMPL_HPP
