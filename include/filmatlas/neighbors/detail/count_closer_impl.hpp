// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_COUNT_CLOSER_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_COUNT_CLOSER_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/simd.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/neighbors/count_closer.hpp"
#include "filmatlas/neighbors/detail/knn_blocks_impl.hpp"
#include "filmatlas/neighbors/detail/knn_measured_impl.hpp"
#include "filmatlas/neighbors/detail/knn_screen_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas {
namespace detail {

inline constexpr const char* closer_stage = "count_closer";

/// Thresholds of every position, in the order of (distance, id), and how many pairs come before them.
class CloserCounts {
public:
    /// `others`: rows, checked; `row_position`: of each row, -1 where it has none.
    CloserCounts(const KnnSpace& space, MatrixView<const Index> others, const std::vector<Index>& row_position,
                 int num_threads, const Progress& progress)
        : width_(static_cast<std::size_t>(others.cols)),
          size_(static_cast<std::size_t>(space.size()), 0),
          thresholds_(size_.size() * width_),
          slots_(thresholds_.size()),
          counts_(thresholds_.size(), 0),
          limits_((size_.size() + 15) / 16 * 16, -std::numeric_limits<float>::infinity()) {
        const Kernels& kernel = kernels();
        const auto measure_rows = [&](std::int64_t begin, std::int64_t end) {
            KnnPairMeasure measure(space, kernel);
            std::vector<std::pair<std::uint64_t, Index>> found;  // key, slot
            for (std::int64_t i = begin; i < end; ++i) {
                const auto row = others.row(space.valid[static_cast<std::size_t>(i)]);
                const auto position = [&](std::size_t slot) {
                    return slot < row.size() && row[slot] >= 0 ? row_position[static_cast<std::size_t>(row[slot])] : -1;
                };
                found.clear();
                for (std::size_t slot = 0; slot < row.size(); ++slot) {
                    if (const Index ahead = position(slot + 1); ahead >= 0) measure.prefetch(ahead);
                    const Index j = position(slot);
                    if (j >= 0) found.emplace_back(knn_key(measure(i, j), j), static_cast<Index>(slot));
                }
                std::sort(found.begin(), found.end());
                size_[static_cast<std::size_t>(i)] = static_cast<std::uint32_t>(found.size());
                for (std::size_t s = 0; s < found.size(); ++s) {
                    thresholds_[at(i) + s] = found[s].first;
                    slots_[at(i) + s] = found[s].second;
                }
                if (!found.empty()) limits_[static_cast<std::size_t>(i)] = knn_key_distance(found.back().first);
            }
        };
        parallel_for(space.size(), 64, num_threads, measure_rows, progress, closer_stage);
    }

    std::size_t width() const { return width_; }
    /// (distance, position) of a position's thresholds, ascending.
    std::span<const std::uint64_t> thresholds(std::int64_t position) const {
        return {thresholds_.data() + at(position), size_[static_cast<std::size_t>(position)]};
    }
    std::span<std::uint32_t> counts(std::int64_t position) {
        return {counts_.data() + at(position), size_[static_cast<std::size_t>(position)]};
    }

    /// For `KnnMeasuredPairs`: the largest distance that counts per position, padded; and a pair, noted at the first
    /// threshold that it comes before.
    const float* limits() const { return limits_.data(); }
    void offer(std::int64_t position, std::uint64_t key) {
        const auto all = thresholds(position);
        const auto first = std::upper_bound(all.begin(), all.end(), key);
        if (first != all.end()) ++counts(position)[static_cast<std::size_t>(first - all.begin())];
    }
    /// Turns what was noted at each threshold into what comes before it.
    void add_up() {
        for (std::size_t i = 0; i < size_.size(); ++i) {
            const auto all = counts(static_cast<std::int64_t>(i));
            std::partial_sum(all.begin(), all.end(), all.begin());
        }
    }

    void write(const KnnSpace& space, Matrix<Index>& out) const {
        for (std::int64_t i = 0; i < space.size(); ++i) {
            Index* row = out.row_data(space.valid[static_cast<std::size_t>(i)]);
            for (std::size_t s = 0; s < size_[static_cast<std::size_t>(i)]; ++s)
                row[slots_[at(i) + s]] = static_cast<Index>(counts_[at(i) + s]);
        }
    }

private:
    std::size_t at(std::int64_t position) const { return static_cast<std::size_t>(position) * width_; }

    std::size_t width_;
    std::vector<std::uint32_t> size_;        ///< thresholds per position
    std::vector<std::uint64_t> thresholds_;  ///< (distance, position), ascending
    std::vector<Index> slots_;               ///< where they were given
    std::vector<std::uint32_t> counts_;
    std::vector<float> limits_;
};

/// Positions come in chunks whose values lie side by side, threshold by threshold: [chunk][threshold][position].
inline constexpr std::size_t closer_chunk = 64;

/// One row of keys against a chunk of columns, seen from both sides: `counts` gain the pairs that are certainly below a
/// threshold, and `open[j]` becomes how many comparisons of the pair are not certain; whether there are any is returned.
/// The row's bounds lie `closer_chunk` apart.
__attribute__((always_inline)) inline bool closer_count_row(const float* keys, std::size_t thresholds,
                                                            const float* row_low, const float* row_high,
                                                            std::int32_t* row_counts, const float* col_low,
                                                            const float* col_high, std::int32_t* col_counts,
                                                            std::int32_t* open) noexcept {
    for (std::size_t j = 0; j < closer_chunk; ++j) open[j] = 0;
    for (std::size_t s = 0; s < thresholds; ++s) {
        const float low = row_low[s * closer_chunk];
        const float high = row_high[s * closer_chunk];
        const float* lows = col_low + s * closer_chunk;
        const float* highs = col_high + s * closer_chunk;
        std::int32_t* counts = col_counts + s * closer_chunk;
        std::int32_t sum = 0;
        for (std::size_t j = 0; j < closer_chunk; ++j) {
            const std::int32_t row_below = keys[j] < low ? 1 : 0;
            const std::int32_t col_below = keys[j] < lows[j] ? 1 : 0;
            const std::int32_t row_open = keys[j] <= high ? 1 : 0;
            const std::int32_t col_open = keys[j] <= highs[j] ? 1 : 0;
            sum += row_below;
            counts[j] += col_below;
            open[j] += (row_open - row_below) + (col_open - col_below);
        }
        row_counts[s * closer_chunk] += sum;
    }
    std::int32_t any = 0;
    for (std::size_t j = 0; j < closer_chunk; ++j) any |= open[j];
    return any != 0;
}

using CloserCountRow = bool (*)(const float*, std::size_t, const float*, const float*, std::int32_t*, const float*,
                                const float*, std::int32_t*, std::int32_t*) noexcept;

#define FILMATLAS_CLOSER_COUNT_ROW(name, target)                                                                     \
    target inline bool closer_count_row_##name(const float* keys, std::size_t thresholds, const float* row_low,      \
                                               const float* row_high, std::int32_t* row_counts,                      \
                                               const float* col_low, const float* col_high, std::int32_t* col_counts, \
                                               std::int32_t* open) noexcept {                                        \
        return closer_count_row(keys, thresholds, row_low, row_high, row_counts, col_low, col_high, col_counts,      \
                                open);                                                                               \
    }
FILMATLAS_CLOSER_COUNT_ROW(baseline, )
#if defined(__x86_64__)
FILMATLAS_CLOSER_COUNT_ROW(avx2, __attribute__((target("avx2"))))
#if defined(__clang__)  // knows no preference here, and would ignore the whole attribute
FILMATLAS_CLOSER_COUNT_ROW(avx512, __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))))
#else
FILMATLAS_CLOSER_COUNT_ROW(avx512, __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512"))))
#endif
#endif
#undef FILMATLAS_CLOSER_COUNT_ROW

inline CloserCountRow closer_count_row_kernel() {
#if defined(__x86_64__)
    if (simd_level() >= SimdLevel::Avx512) return &closer_count_row_avx512;
    if (simd_level() >= SimdLevel::Avx2) return &closer_count_row_avx2;
#endif
    return &closer_count_row_baseline;
}

/// Counts all pairs, each once for both of its positions, by float32 products and the screen's bounds; measures what
/// they leave open. (With bfloat16 products a tenth of all pairs stays open: the time goes into measuring.)
class CloserPairs {
public:
    CloserPairs(const KnnSpace& space, const KnnScreen& screen, CloserCounts& counts)
        : space_(space),
          screen_(screen),
          counts_(counts),
          width_(counts.width()),
          blocks_((screen.panels() + block_panels - 1) / block_panels),
          chunks_((screen.panels() + chunk_panels - 1) / chunk_panels),
          locks_(blocks_) {
        const auto padded = static_cast<std::size_t>(chunks_) * closer_chunk;
        const std::span<const float> spread = screen.spread().first(static_cast<std::size_t>(space.size()));
        const float widest = *std::max_element(spread.begin(), spread.end());
        add_.assign(padded, std::numeric_limits<float>::infinity());
        std::copy(screen.add().begin(), screen.add().end(), add_.begin());
        low_.assign(padded * width_, -std::numeric_limits<float>::infinity());
        high_ = low_;
        for (std::int64_t i = 0; i < space.size(); ++i) {
            const auto thresholds = counts.thresholds(i);
            const float both = spread[static_cast<std::size_t>(i)] + widest;
            for (std::size_t s = 0; s < thresholds.size(); ++s) {
                const float distance = knn_key_distance(thresholds[s]);
                const float nearer = screen.nearer_than(distance);
                // The last term covers the rounding of the sums.
                low_[at(i) + s * closer_chunk] = nearer - both - (std::abs(nearer) + both) * 0x1.0p-20F;
                high_[at(i) + s * closer_chunk] = screen.limit_of(distance);
            }
        }
    }

    void run(int num_threads, const Progress& progress) {
        parallel_blocks(
            knn_strips(blocks_), num_threads,
            [this](std::int64_t t, int) {
                const KnnStrip strip = knn_strip(t, blocks_);
                Scratch scratch(space_, screen_.kernel(), width_);
                for (std::int64_t block = strip.first_col; block < strip.last_col; ++block)
                    count_tile(strip.row_block, block, scratch);
                add_counts(strip.row_block, scratch.row_counts);
            },
            progress, closer_stage);
    }

private:
    static constexpr std::int64_t panel_rows = PackedRows<float>::panel_rows;
    static constexpr std::int64_t chunk_panels = static_cast<std::int64_t>(closer_chunk) / panel_rows;
    static constexpr std::int64_t block_panels = 4 * chunk_panels;
    static constexpr std::int64_t block_rows = block_panels * panel_rows;

    /// A worker's memory for one strip; counts in the order of the bounds.
    struct Scratch {
        Scratch(const KnnSpace& space, const Kernels& kernel, std::size_t width)
            : measure(space, kernel),
              products(static_cast<std::size_t>(panel_rows * block_rows)),
              row_counts(static_cast<std::size_t>(block_rows) * width, 0),
              col_counts(row_counts) {}
        KnnPairMeasure measure;
        std::vector<float> products;
        std::vector<std::int32_t> row_counts;
        std::vector<std::int32_t> col_counts;
    };

    /// Where the bounds of a position begin; they lie `closer_chunk` apart.
    std::size_t at(std::int64_t position) const {
        const auto i = static_cast<std::size_t>(position);
        return i / closer_chunk * width_ * closer_chunk + i % closer_chunk;
    }

    void count_tile(std::int64_t row_block, std::int64_t col_block, Scratch& scratch) {
        const std::int64_t row_panels = std::min(block_panels, screen_.panels() - row_block * block_panels);
        const std::int64_t col_panels = std::min(block_panels, screen_.panels() - col_block * block_panels);
        for (std::int64_t p = 0; p < row_panels; ++p) {
            // On the diagonal the half below has been seen from the other side.
            const std::int64_t skipped = row_block == col_block ? p / chunk_panels * chunk_panels : 0;
            screen_.kernel().block_product_loose(
                static_cast<const float*>(screen_.panel(row_block * block_panels + p)),
                static_cast<const float*>(screen_.panel(col_block * block_panels + skipped)),
                static_cast<std::size_t>(space_.dim()), static_cast<std::size_t>(col_panels - skipped),
                scratch.products.data() + skipped * panel_rows, static_cast<std::size_t>(block_rows));
            for (std::int64_t q = skipped; q < col_panels; q += chunk_panels) {
                for (std::int64_t r = 0; r < panel_rows; ++r) {
                    count_row((row_block * block_panels + p) * panel_rows + r,
                              (col_block * block_panels + q) * panel_rows,
                              scratch.products.data() + r * block_rows + q * panel_rows, scratch);
                }
            }
        }
        add_counts(col_block, scratch.col_counts);
    }

    /// A row's products with a chunk of columns that begins at `first`; they become keys.
    void count_row(std::int64_t i, std::int64_t first, float* products, Scratch& scratch) {
        if (i >= space_.size()) return;
        const float* add = add_.data() + first;
        const float own = add_[static_cast<std::size_t>(i)];
        for (std::size_t j = 0; j < closer_chunk; ++j) products[j] = (own + add[j]) - products[j];
        if (first <= i) {
            const auto seen = std::min<std::int64_t>(i - first + 1, static_cast<std::int64_t>(closer_chunk));
            std::fill_n(products, seen, std::numeric_limits<float>::infinity());
        }
        std::int32_t* row_counts = scratch.row_counts.data() + at(i % block_rows);
        std::int32_t* col_counts = scratch.col_counts.data() + at(first % block_rows);
        std::int32_t open[closer_chunk];
        if (!count_(products, width_, low_.data() + at(i), high_.data() + at(i), row_counts, low_.data() + at(first),
                    high_.data() + at(first), col_counts, open)) {
            return;
        }
        for (std::size_t c = 0; c < closer_chunk; ++c) {
            if (open[c] == 0) continue;
            const std::int64_t j = first + static_cast<std::int64_t>(c);
            const float distance = scratch.measure(i, j);
            settle(i, products[c], knn_key(distance, static_cast<Index>(j)), row_counts);
            settle(j, products[c], knn_key(distance, static_cast<Index>(i)), col_counts + c);
        }
    }

    /// Compares a measured pair with the thresholds that its bounds leave open.
    void settle(std::int64_t position, float key, std::uint64_t measured, std::int32_t* counts) const {
        const auto thresholds = counts_.thresholds(position);
        for (std::size_t s = 0; s < thresholds.size(); ++s) {
            const std::size_t bound = at(position) + s * closer_chunk;
            const bool open = key <= high_[bound] && !(key < low_[bound]);
            counts[s * closer_chunk] += open && measured < thresholds[s] ? 1 : 0;
        }
    }

    /// Hands a block's counts over, and starts them again.
    void add_counts(std::int64_t block, std::vector<std::int32_t>& counts) {
        const std::int64_t first = block * block_rows;
        const KnnBlockLocks::Pair lock(locks_, block, block);
        for (std::int64_t i = first; i < std::min(first + block_rows, space_.size()); ++i) {
            const auto sums = counts_.counts(i);
            const std::int32_t* own = counts.data() + at(i - first);
            for (std::size_t s = 0; s < sums.size(); ++s) sums[s] += static_cast<std::uint32_t>(own[s * closer_chunk]);
        }
        std::fill(counts.begin(), counts.end(), 0);
    }

    const KnnSpace& space_;
    const KnnScreen& screen_;
    CloserCounts& counts_;
    const CloserCountRow count_ = closer_count_row_kernel();
    std::size_t width_;
    std::int64_t blocks_;
    std::int64_t chunks_;
    KnnBlockLocks locks_;
    std::vector<float> add_;   ///< per position, padded to whole chunks with +inf
    std::vector<float> low_;   ///< a pair with a key below this comes before the threshold
    std::vector<float> high_;  ///< one with a key above this does not
};

/// Where each row's position is; -1 for invalid rows.
inline std::vector<Index> closer_positions(const KnnSpace& space, std::int64_t rows) {
    std::vector<Index> position(static_cast<std::size_t>(rows), -1);
    for (std::size_t p = 0; p < space.valid.size(); ++p)
        position[static_cast<std::size_t>(space.valid[p])] = static_cast<Index>(p);
    return position;
}

inline void closer_check(MatrixView<const Index> others, std::int64_t rows) {
    if (others.rows != rows) {
        throw_shape(closer_stage, "there are " + std::to_string(rows) + " vectors and " + std::to_string(others.rows) +
                                      " rows of others");
    }
    for (std::int64_t i = 0; i < others.rows; ++i) {
        for (std::int64_t slot = 0; slot < others.cols; ++slot) {
            const Index id = others(i, slot);
            if (id >= -1 && id < rows && id != i) continue;
            throw_invalid(closer_stage, "others[" + std::to_string(i) + ", " + std::to_string(slot) + "]",
                          id == i ? "is the item itself" : "is " + std::to_string(id),
                          "use the id of another item, 0 to " + std::to_string(rows - 1) + ", or -1 for none");
        }
    }
}

}  // namespace detail

FILMATLAS_INLINE void validate(const CloserOptions& options) {
    if (options.num_threads < 0) {
        throw_invalid(detail::closer_stage, "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
}

FILMATLAS_INLINE Matrix<Index> count_closer(const VectorRows& vectors, MatrixView<const Index> others,
                                            const CloserOptions& options, const Progress& progress) {
    validate(options);
    const int threads = options.num_threads;
    const detail::KnnSpace space =
        detail::knn_make_space(detail::closer_stage, vectors, options.metric, threads, progress);
    detail::closer_check(others, vectors.rows());
    Matrix<Index> result(others.rows, others.cols);
    std::fill(result.values().begin(), result.values().end(), -1);
    if (others.cols == 0 || space.size() < 2) return result;
    detail::CloserCounts counts(space, others, detail::closer_positions(space, vectors.rows()), threads, progress);
    if (space.screens()) {
        const detail::KnnScreen screen(space, threads, progress, detail::KnnScreen::Words::Float32);
        detail::CloserPairs(space, screen, counts).run(threads, progress);
    } else {
        detail::KnnMeasuredPairs(space, counts).run(threads, progress, detail::closer_stage);
        counts.add_up();
    }
    counts.write(space, result);
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_NEIGHBORS_DETAIL_COUNT_CLOSER_IMPL_HPP
