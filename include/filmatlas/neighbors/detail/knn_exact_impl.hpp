// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_EXACT_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_EXACT_IMPL_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "filmatlas/neighbors/detail/knn_blocks_impl.hpp"
#include "filmatlas/neighbors/detail/knn_screen_impl.hpp"
#include "filmatlas/neighbors/detail/knn_shortlist_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// Screens every pair of positions once and offers what is left to both of its rows.
class KnnScreenedPairs {
public:
    /// `block_panels`: panels of 16 rows per block, an even number, or 0 for what suits the caches; it does not show in the
    /// result.
    KnnScreenedPairs(const KnnSpace& space, const KnnScreen& screen, KnnShortlists& lists, std::int64_t block_panels = 0)
        : space_(space),
          screen_(screen),
          lists_(lists),
          kernel_(screen.kernel()),
          block_panels_(block_panels > 0 ? block_panels : panels_per_block(screen)),
          blocks_((screen.panels() + block_panels_ - 1) / block_panels_),
          locks_(blocks_) {}

    void run(int num_threads, const Progress& progress) {
        parallel_blocks(
            knn_strips(blocks_), num_threads,
            [this](std::int64_t t, int) { screen_strip(knn_strip(t, blocks_)); }, progress, "knn_graph");
    }

private:
    static constexpr std::int64_t panel_rows = 16;
    static constexpr std::int64_t slice = 6;         // panels of columns per call of the kernel
    static constexpr std::int64_t first_panels = 8;  // per row's first limit

    /// Two blocks fit the second-level cache, and there are enough for all threads.
    static std::int64_t panels_per_block(const KnnScreen& screen) {
        constexpr std::int64_t block_bytes = 1 << 19;
        const std::int64_t fitting = std::min<std::int64_t>(block_bytes / (64 * screen.words()), 32);
        return std::max<std::int64_t>(std::min(fitting, screen.panels() / 24) / 2 * 2, 2);
    }

    struct Range {
        std::int64_t first_panel;
        std::int64_t panels;
        std::int64_t first() const { return first_panel * panel_rows; }
        std::int64_t rows() const { return panels * panel_rows; }
    };
    Range range(std::int64_t block) const {
        const std::int64_t first = block * block_panels_;
        return {first, std::min(block_panels_, screen_.panels() - first)};
    }

    /// What the kernel compares with, from the lists' limits at this time.
    void copy_gaps(const Range& rows, std::vector<float>& gaps) const {
        const float* add = screen_.add().data() + rows.first();
        for (std::int64_t i = 0; i < rows.rows(); ++i) {
            const bool there = rows.first() + i < space_.size();
            gaps[static_cast<std::size_t>(i)] = there ? add[i] - lists_.limit(rows.first() + i) : add[i];
        }
    }

    /// A worker's memory for one strip.
    struct Scratch {
        Scratch(const KnnSpace& space, const Kernels& kernel, std::int64_t block_panels)
            : measure(space, kernel),
              row_gaps(static_cast<std::size_t>(block_panels * panel_rows)),
              col_gaps(row_gaps.size()),
              hits(row_gaps.size() * static_cast<std::size_t>(slice * panel_rows)) {}
        KnnPairMeasure measure;
        std::vector<KnnScreenLine> left;
        std::vector<float> row_gaps;
        std::vector<float> col_gaps;
        std::vector<ScreenHit> hits;
        std::vector<std::uint64_t> keys;
        std::vector<std::int32_t> bounds;
    };

    void screen_strip(const KnnStrip& strip) {
        Scratch scratch(space_, kernel_, block_panels_);
        const Range rows = range(strip.row_block);
        const void* left = screen_.left_panels(rows.first_panel, rows.panels, scratch.left);
        for (std::int64_t block = strip.first_col; block < strip.last_col; ++block)
            screen_tile(strip.row_block, block, left, scratch);
    }

    void screen_tile(std::int64_t row_block, std::int64_t col_block, const void* left, Scratch& scratch) {
        const Range rows = range(row_block);
        const Range cols = range(col_block);
        {
            const KnnBlockLocks::Pair lock(locks_, row_block, col_block);
            copy_gaps(rows, scratch.row_gaps);
            copy_gaps(cols, scratch.col_gaps);
            for (std::int64_t j = cols.first(); row_block != col_block && j < last_row(cols); ++j) lists_.prefetch(j);
        }
        if (row_block != col_block) {
            screen_part({row_block, 0, rows.panels}, {col_block, 0, cols.panels}, left, scratch);
            return;
        }
        // Every row has its first limit from few others, all keys at once, and from twice as many at each step: without one,
        // a row would let the whole block through.
        std::int64_t width = std::min(first_panels, rows.panels);
        for (std::int64_t p = 0; p < rows.panels; p += width)
            begin_part({row_block, p, std::min(width, rows.panels - p)}, left, scratch);
        for (; width < rows.panels; width *= 2) {
            tighten(rows, scratch);
            for (std::int64_t p = 0; p + width < rows.panels; p += 2 * width) {
                const std::int64_t q = p + width;
                screen_part({row_block, p, width}, {row_block, q, std::min(width, rows.panels - q)}, left, scratch);
            }
        }
        const KnnBlockLocks::Pair lock(locks_, row_block, row_block);
        for (std::int64_t i = rows.first(); i < last_row(rows); ++i) lists_.tighten(i);
    }

    /// Some panels of a block.
    struct Part {
        std::int64_t block;
        std::int64_t first_panel;  ///< from the block's first
        std::int64_t panels;
    };

    /// The lists of a part's rows, from its own pairs. `left`: the block's panels.
    void begin_part(const Part& part, const void* left, Scratch& scratch) {
        const std::int64_t first_panel = range(part.block).first_panel + part.first_panel;
        const std::int64_t first = first_panel * panel_rows;
        const std::int64_t count = std::min(space_.size() - first, part.panels * panel_rows);
        const float* add = screen_.add().data() + first;
        const auto panels = static_cast<std::size_t>(part.panels);
        const ScreenRows rows{static_cast<const KnnScreenLine*>(left) + part.first_panel * screen_.words(), panels, add, add};
        const ScreenRows cols{screen_.panel(first_panel), panels, add, add};
        const std::int64_t stride = part.panels * panel_rows;
        scratch.keys.resize(static_cast<std::size_t>(stride * stride));
        kernel_.screen_keys(rows, cols, static_cast<std::size_t>(screen_.words()), static_cast<std::uint32_t>(first),
                            scratch.keys.data());
        const KnnBlockLocks::Pair lock(locks_, part.block, part.block);
        for (std::int64_t i = 0; i < count; ++i) {
            std::uint64_t* keys = scratch.keys.data() + i * stride;
            keys[i] = knn_key(std::numeric_limits<float>::infinity(), static_cast<Index>(first + i));
            lists_.begin(first + i, keys, static_cast<std::size_t>(count), scratch.bounds, scratch.measure);
        }
    }

    /// `left`: the row block's panels. The gaps in `scratch` are those of both blocks.
    void screen_part(const Part& row_part, const Part& col_part, const void* left, Scratch& scratch) {
        const Range rows = range(row_part.block);
        const Range cols = range(col_part.block);
        const auto words = static_cast<std::size_t>(screen_.words());
        const std::int64_t row_offset = row_part.first_panel * panel_rows;
        const ScreenRows a{static_cast<const KnnScreenLine*>(left) + row_part.first_panel * screen_.words(),
                           static_cast<std::size_t>(row_part.panels),
                           screen_.add().data() + rows.first() + row_offset, scratch.row_gaps.data() + row_offset};
        for (std::int64_t p = 0; p < col_part.panels; p += slice) {
            const std::int64_t q = col_part.first_panel + p;
            const std::int64_t col_base = cols.first() + q * panel_rows;
            const ScreenRows b{screen_.panel(cols.first_panel + q),
                               static_cast<std::size_t>(std::min(slice, col_part.panels - p)),
                               screen_.add().data() + col_base, scratch.col_gaps.data() + q * panel_rows};
            const std::size_t found = kernel_.screen_block(a, b, words, scratch.hits.data());
            if (found == 0) continue;
            const KnnBlockLocks::Pair lock(locks_, row_part.block, col_part.block);
            for (std::size_t h = 0; h < found; ++h) {
                const ScreenHit& hit = scratch.hits[h];
                const std::int64_t i = rows.first() + row_offset + hit.row;
                const std::int64_t j = col_base + hit.col;
                lists_.offer(i, hit.key, static_cast<Index>(j), scratch.measure);
                lists_.offer(j, hit.key, static_cast<Index>(i), scratch.measure);
            }
        }
    }

    std::int64_t last_row(const Range& rows) const { return std::min(space_.size(), rows.first() + rows.rows()); }

    /// New limits for a block that was screened against itself.
    void tighten(const Range& rows, Scratch& scratch) {
        const std::int64_t block = rows.first_panel / block_panels_;
        const KnnBlockLocks::Pair lock(locks_, block, block);
        for (std::int64_t i = rows.first(); i < last_row(rows); ++i) lists_.tighten(i);
        copy_gaps(rows, scratch.row_gaps);
        copy_gaps(rows, scratch.col_gaps);
    }

    const KnnSpace& space_;
    const KnnScreen& screen_;
    KnnShortlists& lists_;
    const Kernels& kernel_;
    std::int64_t block_panels_;
    std::int64_t blocks_;
    KnnBlockLocks locks_;
};

/// The `slots` nearest of every position, written as rows.
inline KnnEffort knn_exact(const KnnSpace& space, std::int64_t slots, Matrix<Index>& indices, Matrix<float>& distances,
                           int num_threads, const Progress& progress, std::int64_t block_panels = 0) {
    const KnnScreen screen(space, num_threads, progress);
    KnnShortlists lists(screen, screen.spread(), space.size(), slots);
    KnnScreenedPairs(space, screen, lists, block_panels).run(num_threads, progress);
    const Kernels& kernel = screen.kernel();
    std::atomic<std::int64_t> measured{0};
    const auto finish = [&](std::int64_t begin, std::int64_t end) {
        KnnPairMeasure measure(space, kernel);
        std::int64_t count = 0;
        for (std::int64_t i = begin; i < end; ++i) {
            count += lists.finish(i, measure);
            const Index row = space.valid[static_cast<std::size_t>(i)];
            knn_write(space, lists.neighbors(i), indices.row(row), distances.row(row));
        }
        measured += count;
    };
    parallel_for(space.size(), 256, num_threads, finish, progress, "knn: finish");
    return {screen.bfloat16() ? "bfloat16" : "float32", measured};
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_EXACT_IMPL_HPP
