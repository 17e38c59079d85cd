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
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
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
    double unit = std::numeric_limits<double>::infinity();  ///< of keys, per code

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
        unit = 1 / static_cast<double>(per_unit);
    }

    std::uint16_t of(const Kernels& kernel, float key) const {
        const float none = 0;
        std::uint16_t code = 0;
        kernel.key_codes(&none, 1, key, &none, base, per_unit, &code);
        return code;
    }
    /// No key of this code is below.
    double least_key(std::uint16_t code) const {
        if (code <= 1) return -std::numeric_limits<double>::infinity();
        return static_cast<double>(base) + code * (1 - 0x1.0p-21) * unit;
    }
    /// No key of this code is above.
    double greatest_key(std::uint16_t code) const {
        if (code == 0xFFFF) return std::numeric_limits<double>::infinity();
        return static_cast<double>(base) + (code + 1.0) * (1 + 0x1.0p-21) * unit;
    }
};

/// Counts all pairs, each once for both of its positions. The screen gives codes of keys, with bounds that are certain; they
/// are compared with all thresholds at once, row by row, and turned over column by column; a pair that they leave open to a
/// threshold is looked at with its own bounds, and measured where these leave it open too.
class CloserPairs {
public:
    CloserPairs(const KnnSpace& space, const KnnScreen& screen, CloserCounts& counts)
        : space_(space),
          screen_(screen),
          counts_(counts),
          width_((counts.width() + 7) / 8 * 8),
          blocks_((screen.panels() + block_panels - 1) / block_panels),
          locks_(blocks_) {
        const auto n = static_cast<std::size_t>(space.size());
        const std::span<const float> spread = screen.spread().first(n);
        const float usual = usual_spread({spread.begin(), spread.end()});
        for (std::size_t i = 0; i < n; ++i) {
            if (spread[i] > usual) loud_.push_back(static_cast<std::int64_t>(i));
        }
        const auto padded = static_cast<std::size_t>(screen.panels() * panel_rows);
        nearer_.assign(padded * width_, -std::numeric_limits<float>::infinity());
        farther_ = nearer_;
        std::vector<float> ends;
        for (std::int64_t i = 0; i < space.size(); ++i) {
            const auto thresholds = counts.thresholds(i);
            for (std::size_t s = 0; s < thresholds.size(); ++s) {
                const float distance = knn_key_distance(thresholds[thresholds.size() - 1 - s]);
                nearer_[at(i) + s] = screen.nearer_than(distance);
                farther_[at(i) + s] = screen.limit_of(distance);
            }
            if (thresholds.empty()) continue;
            ends.push_back(farther_[at(i)]);
            ends.push_back(farther_[at(i) + thresholds.size() - 1]);
        }
        codes_ = CloserCodes(std::move(ends));
        code_low_.assign(padded * width_, 0);
        code_width_.assign(padded, 0);
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t count = counts.thresholds(static_cast<std::int64_t>(i)).size();
            for (std::size_t e = i * width_; e < i * width_ + count; ++e) {
                code_low_[e] = codes_.of(screen.kernel(), certainly_below(nearer_[e], spread[i] + usual));
                const std::uint16_t end = codes_.of(screen.kernel(), farther_[e]);
                code_width_[i] = std::max(code_width_[i], static_cast<std::uint16_t>(end - code_low_[e]));
            }
        }
    }

    void run(int num_threads, const Progress& progress) {
        std::vector<std::unique_ptr<Scratch>> work(static_cast<std::size_t>(resolve_num_threads(num_threads)));
        parallel_blocks(
            knn_strips(blocks_), num_threads,
            [this, &work](std::int64_t t, int worker) {
                const KnnStrip strip = knn_strip(t, blocks_);
                auto& own = work[static_cast<std::size_t>(worker)];
                if (!own) own = std::make_unique<Scratch>(space_, screen_.kernel(), width_);
                Scratch& scratch = *own;
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
    static constexpr std::int64_t group_panels = 2 * chunk_panels;         // columns that are counted together
    static constexpr std::int64_t group_rows = group_panels * panel_rows;
    static constexpr std::int64_t turned_stride = block_rows + 32;         // no power of two: they share lines of the cache

    /// A pair to be measured for its first position: at the thresholds from `first` to `last`, from the largest on.
    struct Noted {
        Index position;
        Index other;
        int first;
        int last;
    };

    /// A worker's memory; counts, in the order of the bounds, are 0 between strips.
    struct Scratch {
        Scratch(const KnnSpace& space, const Kernels& kernel, std::size_t width)
            : measure(space, kernel),
              codes(static_cast<std::size_t>(block_rows * group_rows)),
              turned(static_cast<std::size_t>(turned_stride * group_rows)),
              open(codes.size() / code_chunk + 1),
              row_counts(static_cast<std::size_t>(block_rows) * width, 0),
              col_counts(row_counts) {}
        KnnPairMeasure measure;
        std::vector<KnnScreenLine> left;
        std::vector<std::uint16_t> codes;
        std::vector<std::uint16_t> turned;
        std::vector<OpenCodes> open;
        std::vector<Noted> noted;
        std::vector<std::uint16_t> row_counts;
        std::vector<std::uint16_t> col_counts;
    };

    /// Positions of a tile, from its first row and column on.
    struct Tile {
        std::int64_t row;
        std::int64_t rows;
        std::int64_t col;
        std::int64_t cols;
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
    /// Where a position's thresholds begin.
    std::size_t at(std::int64_t position) const { return static_cast<std::size_t>(position) * width_; }

    /// `left`: the row block's panels.
    void count_tile(std::int64_t row_block, std::int64_t col_block, const void* left, Scratch& scratch) {
        const std::int64_t row_panel = row_block * block_panels;
        const std::int64_t col_panels = panels_of(col_block);
        for (std::int64_t q = 0; q < col_panels; q += group_panels) {
            const std::int64_t count = std::min(group_panels, col_panels - q);
            // On the diagonal the half below has been seen from the other side.
            const std::int64_t rows = row_block == col_block ? q + count : panels_of(row_block);
            const std::int64_t col_panel = col_block * block_panels + q;
            const Tile tile{row_panel * panel_rows, rows * panel_rows, col_panel * panel_rows, count * panel_rows};
            screen_.codes(left, row_panel, rows, col_panel, count, codes_.base, codes_.per_unit, scratch.codes.data(),
                          group_rows);
            hide_seen(tile, scratch);
            look_at_loud(tile, scratch);
            screen_.kernel().transpose_codes(scratch.codes.data(), group_rows, static_cast<std::size_t>(tile.rows),
                                             static_cast<std::size_t>(tile.cols), scratch.turned.data(), turned_stride);
            count_side<false>(tile, scratch.codes.data(), group_rows, scratch);
            count_side<true>(tile, scratch.turned.data(), turned_stride, scratch);
            measure_open(scratch);
        }
        add_counts(col_block, scratch.col_counts);
    }

    /// Gives pairs of the diagonal that are seen from the other side the greatest code, which no threshold counts.
    static void hide_seen(const Tile& tile, Scratch& scratch) {
        for (std::int64_t r = std::max<std::int64_t>(tile.col - tile.row, 0); r < tile.rows; ++r) {
            const std::int64_t seen = std::min(tile.row + r - tile.col + 1, tile.cols);
            std::fill_n(scratch.codes.data() + r * group_rows, seen, std::uint16_t{0xFFFF});
        }
    }

    std::span<const std::int64_t> loud_between(std::int64_t first, std::int64_t last) const {
        const auto begin = std::lower_bound(loud_.begin(), loud_.end(), first);
        return {begin, std::lower_bound(begin, loud_.end(), last)};
    }
    bool loud(std::int64_t position) const { return std::binary_search(loud_.begin(), loud_.end(), position); }

    /// Pairs with a loud row are not counted by their codes, all are looked at.
    void look_at_loud(const Tile& tile, Scratch& scratch) const {
        const auto look = [&](std::int64_t i, std::int64_t j) {
            std::uint16_t& code = scratch.codes[static_cast<std::size_t>((i - tile.row) * group_rows + j - tile.col)];
            const std::uint16_t own = std::exchange(code, std::uint16_t{0xFFFF});
            if (j <= i || j >= space_.size()) return;
            look_at(i, j, own, 0xFFFF, scratch.row_counts, scratch);
            look_at(j, i, own, 0xFFFF, scratch.col_counts, scratch);
        };
        for (const std::int64_t i : loud_between(tile.row, tile.row + tile.rows)) {
            for (std::int64_t j = tile.col; j < tile.col + tile.cols; ++j) look(i, j);
        }
        for (const std::int64_t j : loud_between(tile.col, tile.col + tile.cols)) {
            for (std::int64_t i = tile.row; i < tile.row + tile.rows; ++i) {
                if (!loud(i)) look(i, j);
            }
        }
    }

    /// Counts a tile for its rows, or for its columns by the codes turned over.
    template <bool Columns>
    void count_side(const Tile& tile, const std::uint16_t* codes, std::int64_t stride, Scratch& scratch) const {
        const std::int64_t first = Columns ? tile.col : tile.row;
        const std::int64_t second = Columns ? tile.row : tile.col;
        std::vector<std::uint16_t>& counts = Columns ? scratch.col_counts : scratch.row_counts;
        const std::size_t masks = screen_.kernel().count_codes(
            codes, static_cast<std::size_t>(stride), static_cast<std::size_t>(Columns ? tile.cols : tile.rows),
            static_cast<std::size_t>(Columns ? tile.rows : tile.cols), width_,
            {code_low_.data() + at(first), code_width_.data() + first, counts.data() + at(first % block_rows)},
            scratch.open.data());
        for (std::size_t e = 0; e < masks; ++e) {
            const OpenCodes& open = scratch.open[e];
            const std::int64_t position = first + open.row;
            for (std::uint64_t mask = open.mask; mask != 0; mask &= mask - 1) {
                const std::int64_t c = open.col + std::countr_zero(mask);
                const std::int64_t other = second + c;
                if (Columns ? other >= position : other <= position || other >= space_.size()) continue;
                const std::uint16_t code = codes[open.row * stride + c];
                // The greatest code is that of loud pairs too, which have been looked at.
                if (code == 0xFFFF && (loud(position) || loud(other))) continue;
                look_at(position, other, code, code, counts, scratch);
            }
        }
    }

    /// Counts a pair for a position at those thresholds that its code leaves open and its own bounds do not, and notes it for
    /// measuring at those that remain. It has been counted where `counted` is certainly below.
    void look_at(std::int64_t position, std::int64_t other, std::uint16_t code, std::uint16_t counted,
                 std::vector<std::uint16_t>& counts, Scratch& scratch) const {
        const double spreads = static_cast<double>(screen_.spread()[static_cast<std::size_t>(position)]) +
                               static_cast<double>(screen_.spread()[static_cast<std::size_t>(other)]);
        const double least = codes_.least_key(code);
        const double greatest = codes_.greatest_key(code) + spreads;
        const auto outward = [](double key, double by) { return static_cast<float>(key + by * std::abs(key)); };
        const float lower = outward(least, -0x1.0p-22);
        const float upper = outward(greatest, 0x1.0p-20);
        const std::uint16_t* low = code_low_.data() + at(position);
        const float* nearer = nearer_.data() + at(position);
        const float* farther = farther_.data() + at(position);
        const std::size_t width = width_ / 8 * 8;  // lets the compiler know that vectors leave no rest
        std::uint16_t below = 0;
        int certain = 0;
        int possible = 0;
        // Each is a first part of the thresholds: sums need no branch.
        for (std::size_t e = 0; e < width; ++e) below = static_cast<std::uint16_t>(below + (counted < low[e] ? 1 : 0));
        for (std::size_t e = 0; e < width; ++e) {
            certain += upper < nearer[e] ? 1 : 0;
            possible += lower > farther[e] ? 0 : 1;
        }
        const int before = below;
        std::uint16_t* own = counts.data() + at(position % block_rows);
        for (int s = before; s < certain; ++s) ++own[s];
        const int first = std::max(before, certain);
        const int last = std::min(possible, static_cast<int>(counts_.thresholds(position).size()));
        if (first >= last) return;
        scratch.noted.push_back({static_cast<Index>(position), static_cast<Index>(other), first, last});
        if (!space_.rows.direct()) return;
        // Are there when they are measured.
        prefetch_values<2>(space_.direct_row(other), space_.dim());
        prefetch_values<2>(space_.direct_row(position), space_.dim());
    }

    void measure_open(Scratch& scratch) const {
        constexpr std::size_t ahead = 2;
        for (std::size_t e = 0; e < scratch.noted.size(); ++e) {
            if (e + ahead < scratch.noted.size()) {
                scratch.measure.prefetch(scratch.noted[e + ahead].other);
                scratch.measure.prefetch(scratch.noted[e + ahead].position);
            }
            const Noted& pair = scratch.noted[e];
            const std::uint64_t measured = knn_key(scratch.measure(pair.position, pair.other), pair.other);
            const auto thresholds = counts_.thresholds(pair.position);
            auto& counts = pair.position < pair.other ? scratch.row_counts : scratch.col_counts;
            std::uint16_t* own = counts.data() + at(pair.position % block_rows);
            for (auto s = static_cast<std::size_t>(pair.first); s < static_cast<std::size_t>(pair.last); ++s)
                own[s] = static_cast<std::uint16_t>(own[s] + (measured < thresholds[thresholds.size() - 1 - s] ? 1 : 0));
        }
        scratch.noted.clear();
    }

    /// Hands a block's counts over, and starts them again.
    void add_counts(std::int64_t block, std::vector<std::uint16_t>& counts) {
        const std::int64_t first = block * block_rows;
        const KnnBlockLocks::Pair lock(locks_, block, block);
        for (std::int64_t i = first; i < std::min(first + block_rows, space_.size()); ++i) {
            const auto sums = counts_.counts(i);
            const std::uint16_t* own = counts.data() + at(i - first);
            for (std::size_t s = 0; s < sums.size(); ++s) sums[sums.size() - 1 - s] += own[s];
        }
        std::fill(counts.begin(), counts.end(), std::uint16_t{0});
    }

    const KnnSpace& space_;
    const KnnScreen& screen_;
    CloserCounts& counts_;
    std::size_t width_;  ///< thresholds per position, in eights
    std::int64_t blocks_;
    KnnBlockLocks locks_;
    // Of each position's thresholds, from the largest on; -inf where it has fewer.
    std::vector<float> nearer_;   ///< a pair comes before a threshold if its key is `certainly_below` this,
    std::vector<float> farther_;  ///< and does not if its key is above this
    CloserCodes codes_;
    std::vector<std::int64_t> loud_;  ///< positions whose spread is above what the codes allow for
    std::vector<std::uint16_t> code_low_;  ///< as `CodeBounds` wants them
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
