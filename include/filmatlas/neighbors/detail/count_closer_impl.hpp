// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_COUNT_CLOSER_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_COUNT_CLOSER_IMPL_HPP

#include <algorithm>
#include <bit>
#include <cfloat>
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

/// 16-bit codes of keys, for `Kernels::count_codes`: they grow with the key, and are finest where thresholds lie.
struct CloserCodes {
    float base = 0;
    float per_unit = 0;

    CloserCodes() = default;
    /// For thresholds with these bounds; the few least and greatest of them may fall on the ends.
    explicit CloserCodes(std::vector<float> bounds) {
        std::erase_if(bounds, [](float bound) { return !(std::abs(bound) < FLT_MAX); });
        if (bounds.empty()) return;
        const auto at = [&bounds](std::size_t rank) {
            std::nth_element(bounds.begin(), bounds.begin() + static_cast<std::ptrdiff_t>(rank), bounds.end());
            return bounds[rank];
        };
        const std::size_t few = bounds.size() / 1000;
        const float least = at(few);
        const float range = at(bounds.size() - 1 - few) - least;
        // Some codes are left beyond either end.
        per_unit = range > 0 ? std::min(65000.0F / range, FLT_MAX) : FLT_MAX;
        base = least - 256.0F / per_unit;
    }

    std::uint16_t of(const Kernels& kernel, float key) const {
        const float none = 0;
        std::uint16_t code = 0;
        kernel.key_codes(&none, 1, key, &none, base, per_unit, &code);
        return code;
    }
};

/// Counts all pairs, each once for both of its positions. The screen's products give keys, with bounds that are certain; the
/// keys' codes are compared with all thresholds at once; a pair that they leave open to one is looked at with its own bounds,
/// and measured where these leave it open too.
class CloserPairs {
public:
    CloserPairs(const KnnSpace& space, const KnnScreen& screen, CloserCounts& counts)
        : space_(space),
          screen_(screen),
          counts_(counts),
          width_(counts.width()),
          blocks_((screen.panels() + block_panels - 1) / block_panels),
          locks_(blocks_) {
        const auto padded = static_cast<std::size_t>((screen.panels() + chunk_panels - 1) / chunk_panels) * code_chunk;
        const auto n = static_cast<std::size_t>(space.size());
        const std::span<const float> spread = screen.spread().first(n);
        const float usual = usual_spread({spread.begin(), spread.end()});
        for (std::size_t i = 0; i < n; ++i) {
            if (spread[i] > usual) loud_.push_back(static_cast<std::int64_t>(i));
        }
        add_.assign(padded, std::numeric_limits<float>::infinity());
        std::copy(screen.add().begin(), screen.add().end(), add_.begin());
        bounds_.resize(n * width_);
        std::vector<float> ends;
        for (std::int64_t i = 0; i < space.size(); ++i) {
            const auto thresholds = counts.thresholds(i);
            Bounds* bounds = bounds_.data() + static_cast<std::size_t>(i) * width_;
            for (std::size_t s = 0; s < thresholds.size(); ++s) {
                const float distance = knn_key_distance(thresholds[thresholds.size() - 1 - s]);
                bounds[s].nearer = screen.nearer_than(distance);
                bounds[s].high = screen.limit_of(distance);
            }
            if (thresholds.empty()) continue;
            ends.push_back(bounds[0].high);
            ends.push_back(bounds[thresholds.size() - 1].high);
        }
        codes_ = CloserCodes(std::move(ends));
        code_low_.assign(padded * width_, 0);
        code_width_.assign(padded, 0);
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t count = counts.thresholds(static_cast<std::int64_t>(i)).size();
            for (std::size_t s = 0; s < count; ++s) {
                Bounds& bounds = bounds_[i * width_ + s];
                bounds.code = codes_.of(screen.kernel(), certainly_below(bounds.nearer, spread[i] + usual));
                const std::uint16_t end = codes_.of(screen.kernel(), bounds.high);
                code_low_[at(static_cast<std::int64_t>(i)) + s * code_chunk] = bounds.code;
                code_width_[i] = std::max(code_width_[i], static_cast<std::uint16_t>(end - bounds.code));
            }
        }
    }

    void run(int num_threads, const Progress& progress) {
        parallel_blocks(
            knn_strips(blocks_), num_threads,
            [this](std::int64_t t, int) {
                const KnnStrip strip = knn_strip(t, blocks_);
                Scratch scratch(space_, screen_.kernel(), width_);
                const std::int64_t first = strip.row_block * block_panels;
                const void* left = screen_.left_panels(first, panels_of(strip.row_block), scratch.left);
                for (std::int64_t block = strip.first_col; block < strip.last_col; ++block)
                    count_tile(strip.row_block, block, left, scratch);
                add_counts(strip.row_block, scratch.row_counts);
            },
            progress, closer_stage);
    }

private:
    static constexpr std::int64_t panel_rows = PackedRows<float>::panel_rows;
    static constexpr std::int64_t chunk_panels = static_cast<std::int64_t>(code_chunk) / panel_rows;
    static constexpr std::int64_t block_panels = 8 * chunk_panels;
    static constexpr std::int64_t block_rows = block_panels * panel_rows;  // counts of a strip's rows stay below 2^16

    static constexpr std::int64_t group_panels = 2 * chunk_panels;         // columns that are multiplied together
    static constexpr std::int64_t group_rows = group_panels * panel_rows;

    /// A threshold: a pair comes before it if its key is `certainly_below` nearer, and does not if it is above high; `code`
    /// is what the counting compares with.
    struct Bounds {
        float nearer = -std::numeric_limits<float>::infinity();
        float high = -std::numeric_limits<float>::infinity();
        std::uint16_t code = 0;
    };
    /// Thresholds of a position, from its largest on.
    struct Range {
        std::uint32_t first;
        std::uint32_t last;
    };
    /// A pair to be measured, and what for.
    struct Noted {
        Index i;
        Index j;
        Range of_row;
        Range of_col;
    };

    /// A worker's memory for one strip; counts in the order of the bounds.
    struct Scratch {
        Scratch(const KnnSpace& space, const Kernels& kernel, std::size_t width)
            : measure(space, kernel),
              products(static_cast<std::size_t>(block_rows * group_rows)),
              codes(static_cast<std::size_t>(panel_rows * group_rows)),
              open(codes.size() / code_chunk),
              row_counts(static_cast<std::size_t>(block_rows) * width, 0),
              col_counts(row_counts) {}
        KnnPairMeasure measure;
        std::vector<KnnScreenLine> left;
        std::vector<float> products;
        std::vector<std::uint16_t> codes;
        std::vector<std::uint64_t> open;
        std::vector<Noted> noted;
        std::vector<std::uint16_t> row_counts;
        std::vector<std::uint16_t> col_counts;
    };

    /// Keys below this belong to distances below a threshold, whatever else their pairs' bounds. The last term covers the
    /// rounding of the sums.
    static float certainly_below(float nearer, float spreads) {
        return nearer - spreads - (std::abs(nearer) + spreads) * 0x1.0p-20F;
    }

    /// The spread that codes allow for: the widest, but for few rows far from all others, which would blur the codes of all.
    static float usual_spread(std::vector<float> spread) {
        const auto at = [&spread](std::size_t rank) {
            std::nth_element(spread.begin(), spread.begin() + static_cast<std::ptrdiff_t>(rank), spread.end());
            return spread[rank];
        };
        const float most = at(spread.size() - 1 - spread.size() / 100);
        const float typical = at(spread.size() / 2);
        return std::min(std::max(most, 4 * typical), at(spread.size() - 1));
    }

    std::int64_t panels_of(std::int64_t block) const {
        return std::min(block_panels, screen_.panels() - block * block_panels);
    }
    /// Where the codes of a position's thresholds begin; they lie `code_chunk` apart.
    std::size_t at(std::int64_t position) const {
        const auto i = static_cast<std::size_t>(position);
        return i / code_chunk * width_ * code_chunk + i % code_chunk;
    }

    /// `left`: the row block's panels.
    void count_tile(std::int64_t row_block, std::int64_t col_block, const void* left, Scratch& scratch) {
        const std::int64_t row_panel = row_block * block_panels;
        const std::int64_t col_panels = panels_of(col_block);
        for (std::int64_t q = 0; q < col_panels; q += group_panels) {
            const std::int64_t count = std::min(group_panels, col_panels - q);
            // On the diagonal the half below has been seen from the other side.
            const std::int64_t rows = row_block == col_block ? q + count : panels_of(row_block);
            const std::int64_t col_panel = col_block * block_panels + q;
            screen_.products(left, row_panel, rows, col_panel, count, scratch.products.data(), group_rows);
            const std::int64_t chunks = (count + chunk_panels - 1) / chunk_panels;
            for (std::int64_t p = 0; p < rows; ++p) {
                count_panel((row_panel + p) * panel_rows, col_panel * panel_rows, chunks,
                            scratch.products.data() + p * panel_rows * group_rows, scratch);
            }
            measure_open(scratch);
        }
        add_counts(col_block, scratch.col_counts);
    }

    /// A panel of rows from `row` on against chunks of columns from `col` on, by their products.
    void count_panel(std::int64_t row, std::int64_t col, std::int64_t chunks, const float* products, Scratch& scratch) {
        const Kernels& kernel = screen_.kernel();
        const auto cols = static_cast<std::size_t>(chunks) * code_chunk;
        for (std::int64_t r = 0; r < panel_rows; ++r) {
            std::uint16_t* codes = scratch.codes.data() + r * group_rows;
            kernel.key_codes(products + r * group_rows, cols, add_[static_cast<std::size_t>(row + r)], add_.data() + col,
                             codes_.base, codes_.per_unit, codes);
            const std::int64_t seen = std::clamp<std::int64_t>(row + r - col + 1, 0, static_cast<std::int64_t>(cols));
            std::fill_n(codes, seen, std::uint16_t{0xFFFF});
        }
        const auto loud_rows = loud_between(row, row + panel_rows);
        const auto loud_cols = loud_between(col, col + static_cast<std::int64_t>(cols));
        if (!loud_rows.empty() || !loud_cols.empty()) look_at_loud(row, col, loud_rows, loud_cols, cols, products, scratch);
        const CodeBounds rows{code_low_.data() + at(row), code_width_.data() + row,
                              scratch.row_counts.data() + at(row % block_rows)};
        const CodeBounds columns{code_low_.data() + at(col), code_width_.data() + col,
                                 scratch.col_counts.data() + at(col % block_rows)};
        kernel.count_codes(scratch.codes.data(), static_cast<std::size_t>(group_rows), cols, width_, rows, columns,
                           scratch.open.data());
        for (std::int64_t e = 0; e < panel_rows * chunks; ++e) {
            const std::int64_t r = e / chunks;
            for (std::uint64_t open = scratch.open[static_cast<std::size_t>(e)]; open != 0; open &= open - 1) {
                const std::int64_t c = e % chunks * static_cast<std::int64_t>(code_chunk) + std::countr_zero(open);
                const std::uint16_t code = scratch.codes[static_cast<std::size_t>(r * group_rows + c)];
                // The greatest code is that of loud pairs too, which have been looked at.
                if (code == 0xFFFF && (loud(row + r) || loud(col + c))) continue;
                look_at(row + r, col + c, products[r * group_rows + c], code, scratch);
            }
        }
    }

    std::span<const std::int64_t> loud_between(std::int64_t first, std::int64_t last) const {
        const auto begin = std::lower_bound(loud_.begin(), loud_.end(), first);
        return {begin, std::lower_bound(begin, loud_.end(), last)};
    }
    bool loud(std::int64_t position) const { return std::binary_search(loud_.begin(), loud_.end(), position); }

    /// Pairs with a loud row are not counted by their codes, all are looked at.
    void look_at_loud(std::int64_t row, std::int64_t col, std::span<const std::int64_t> rows,
                      std::span<const std::int64_t> columns, std::size_t cols, const float* products,
                      Scratch& scratch) const {
        const auto look = [&](std::int64_t i, std::int64_t j) {
            const std::int64_t c = j - col;
            scratch.codes[static_cast<std::size_t>((i - row) * group_rows + c)] = 0xFFFF;
            look_at(i, j, products[(i - row) * group_rows + c], 0xFFFF, scratch);
        };
        for (const std::int64_t i : rows) {
            for (std::int64_t j = col; j < col + static_cast<std::int64_t>(cols); ++j) look(i, j);
        }
        for (const std::int64_t j : columns) {
            for (std::int64_t i = row; i < row + panel_rows; ++i) {
                if (!loud(i)) look(i, j);
            }
        }
    }

    /// Counts what the code of a pair leaves open where its own bounds do not, and notes it for measuring where they do.
    void look_at(std::int64_t i, std::int64_t j, float product, std::uint16_t code, Scratch& scratch) const {
        if (j <= i || j >= space_.size()) return;
        const auto a = static_cast<std::size_t>(i);
        const auto b = static_cast<std::size_t>(j);
        const float key = (add_[a] + add_[b]) - product;
        const float spreads = screen_.spread()[a] + screen_.spread()[b];
        const Range of_row = settle(i, key, spreads, code, scratch.row_counts.data() + at(i % block_rows));
        const Range of_col = settle(j, key, spreads, code, scratch.col_counts.data() + at(j % block_rows));
        if (of_row.first == of_row.last && of_col.first == of_col.last) return;
        scratch.noted.push_back({static_cast<Index>(i), static_cast<Index>(j), of_row, of_col});
        if (space_.rows.direct()) knn_prefetch<2>(space_.direct_row(j), space_.dim());  // is there when it is measured
    }

    /// Counts a pair at those thresholds of a position that its code is not certainly below and its own bounds are; gives
    /// those that remain.
    Range settle(std::int64_t position, float key, float spreads, std::uint16_t code, std::uint16_t* counts) const {
        const Bounds* bounds = bounds_.data() + static_cast<std::size_t>(position) * width_;
        std::size_t s = 0;
        while (s < width_ && code < bounds[s].code) ++s;
        for (; s < width_ && key < certainly_below(bounds[s].nearer, spreads); ++s) ++counts[s * code_chunk];
        const std::size_t first = s;
        while (s < width_ && key <= bounds[s].high) ++s;
        return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(s)};
    }

    void measure_open(Scratch& scratch) const {
        constexpr std::size_t ahead = 2;
        for (std::size_t e = 0; e < scratch.noted.size(); ++e) {
            if (e + ahead < scratch.noted.size()) scratch.measure.prefetch(scratch.noted[e + ahead].j);
            const Noted& pair = scratch.noted[e];
            const float distance = scratch.measure(pair.i, pair.j);
            compare(pair.i, knn_key(distance, pair.j), pair.of_row, scratch.row_counts.data() + at(pair.i % block_rows));
            compare(pair.j, knn_key(distance, pair.i), pair.of_col, scratch.col_counts.data() + at(pair.j % block_rows));
        }
        scratch.noted.clear();
    }
    void compare(std::int64_t position, std::uint64_t measured, const Range& range, std::uint16_t* counts) const {
        const auto thresholds = counts_.thresholds(position);
        for (std::size_t s = range.first; s < range.last; ++s) {
            const bool before = measured < thresholds[thresholds.size() - 1 - s];
            counts[s * code_chunk] = static_cast<std::uint16_t>(counts[s * code_chunk] + (before ? 1 : 0));
        }
    }

    /// Hands a block's counts over, and starts them again.
    void add_counts(std::int64_t block, std::vector<std::uint16_t>& counts) {
        const std::int64_t first = block * block_rows;
        const KnnBlockLocks::Pair lock(locks_, block, block);
        for (std::int64_t i = first; i < std::min(first + block_rows, space_.size()); ++i) {
            const auto sums = counts_.counts(i);
            const std::uint16_t* own = counts.data() + at(i - first);
            for (std::size_t s = 0; s < sums.size(); ++s) sums[sums.size() - 1 - s] += own[s * code_chunk];
        }
        std::fill(counts.begin(), counts.end(), std::uint16_t{0});
    }

    const KnnSpace& space_;
    const KnnScreen& screen_;
    CloserCounts& counts_;
    std::size_t width_;
    std::int64_t blocks_;
    KnnBlockLocks locks_;
    std::vector<float> add_;  ///< per position, padded to whole chunks with +inf
    std::vector<Bounds> bounds_;  ///< per position, its thresholds from the largest on
    CloserCodes codes_;
    std::vector<std::int64_t> loud_;  ///< positions whose spread is above what the codes allow for
    std::vector<std::uint16_t> code_low_;    ///< as `CodeBounds` wants them
    std::vector<std::uint16_t> code_width_;
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
        const detail::KnnScreen screen(space, threads, progress, detail::KnnScreen::Words::Sharp);
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
