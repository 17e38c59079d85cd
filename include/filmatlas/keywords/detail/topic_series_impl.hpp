// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_TOPIC_SERIES_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_TOPIC_SERIES_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/keywords/detail/node_counts.hpp"
#include "filmatlas/keywords/topic_series.hpp"

namespace filmatlas {
namespace detail {

/// A sparse row of weights, columns ascending.
struct SeriesRow {
    std::vector<Index> columns;
    std::vector<double> values;
};

/// a * x + b * y.
inline SeriesRow add_series_rows(const SeriesRow& x, double a, const SeriesRow& y, double b) {
    SeriesRow sum;
    sum.columns.reserve(x.columns.size() + y.columns.size());
    sum.values.reserve(x.columns.size() + y.columns.size());
    for (std::size_t i = 0, j = 0; i < x.columns.size() || j < y.columns.size();) {
        const bool from_x = j == y.columns.size() || (i < x.columns.size() && x.columns[i] <= y.columns[j]);
        const bool from_y = i == x.columns.size() || (j < y.columns.size() && y.columns[j] <= x.columns[i]);
        sum.columns.push_back(from_x ? x.columns[i] : y.columns[j]);
        sum.values.push_back((from_x ? a * x.values[i] : 0.0) + (from_y ? b * y.values[j] : 0.0));
        i += from_x ? 1 : 0;
        j += from_y ? 1 : 0;
    }
    return sum;
}

inline void divide_by_sum(std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += std::abs(value);
    if (sum > 0) {
        for (double& value : values) value /= sum;
    }
}

/// The entries with the largest values above 0, ties by place.
inline std::vector<Keyword> best_of_row(std::span<const Index> columns, std::span<const double> values,
                                        const std::vector<std::string>& vocabulary, int top_n) {
    std::vector<std::pair<double, std::size_t>> best;  // largest first
    const auto limit = static_cast<std::size_t>(top_n);
    for (std::size_t e = 0; e < values.size(); ++e) {
        if (!(values[e] > 0) || (best.size() >= limit && values[e] <= best.back().first)) continue;
        if (best.size() >= limit) best.pop_back();
        auto at = best.end();
        while (at != best.begin() && std::prev(at)->first < values[e]) --at;
        best.emplace(at, values[e], e);
    }
    std::vector<Keyword> keywords;
    for (const auto& [value, e] : best)
        keywords.push_back({vocabulary[static_cast<std::size_t>(columns[e])], value});
    return keywords;
}

/// The weights of one class from bin to bin. Tuned, every bin holds all of the class's terms, so they are kept in
/// one dense row of them. A worker takes class after class.
class TunedRow {
public:
    /// Begins a class with its terms and their weights over all bins.
    void begin(std::span<const Index> columns, std::span<const double> weights, bool global, std::size_t terms) {
        for (const Index column : columns_) place_[static_cast<std::size_t>(column)] = -1;
        place_.resize(terms, -1);
        columns_ = columns;
        for (std::size_t e = 0; e < columns.size(); ++e)
            place_[static_cast<std::size_t>(columns[e])] = static_cast<Index>(e);
        values_.assign(columns.size(), 0);
        whole_.clear();
        if (!global) return;
        whole_.assign(weights.begin(), weights.end());
        divide_by_sum(whole_);
    }
    /// Adds a bin's own weights; `follows` says whether those of the bin before count.
    void step(const SeriesRow& own, bool follows) {
        const double scale = follows ? 0.5 : 1.0;
        for (double& value : values_) value *= 1 - scale;
        for (std::size_t e = 0; e < own.columns.size(); ++e) {
            const Index place = place_[static_cast<std::size_t>(own.columns[e])];
            if (place < 0) throw_shape("topic_series", "the terms were not made of these counts and groups");
            values_[static_cast<std::size_t>(place)] += scale * own.values[e];
        }
        for (std::size_t e = 0; e < whole_.size(); ++e) values_[e] = 0.5 * values_[e] + 0.5 * whole_[e];
    }
    std::span<const Index> columns() const noexcept { return columns_; }
    std::span<const double> values() const noexcept { return values_; }

private:
    std::span<const Index> columns_ = {};
    std::vector<Index> place_ = {};  // of each term in the row, -1 = not there
    std::vector<double> whole_ = {};
    std::vector<double> values_ = {};
};

/// Row of each item's class in the terms. @throws for a group that has none.
inline std::vector<Index> rows_of_groups(const char* stage, const ClassTerms& terms,
                                         std::span<const Index> groups) {
    std::vector<Index> rows;
    rows.reserve(groups.size());
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const auto at = std::lower_bound(terms.class_ids.begin(), terms.class_ids.end(), groups[i]);
        if (at == terms.class_ids.end() || *at != groups[i]) {
            throw_invalid(stage, "groups",
                          "item " + std::to_string(i) + " is in class " + std::to_string(groups[i]) +
                              ", which the terms don't have");
        }
        rows.push_back(static_cast<Index>(at - terms.class_ids.begin()));
    }
    return rows;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const SeriesOptions& options) {
    if (!(options.smoothing >= 0 && options.smoothing <= 1)) {
        throw_invalid("topic_series", "smoothing", "is " + to_text(options.smoothing), "use 0 .. 1");
    }
    if (options.top_n < 1) {
        throw_invalid("topic_series", "top_n", "is " + std::to_string(options.top_n), "use 1 or more");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE std::vector<SeriesEntry> topic_series(const ClassTerms& terms, std::span<const double> idf,
                                                       const CsrMatrix<std::int32_t>& counts,
                                                       std::span<const Index> groups,
                                                       std::span<const Index> bins,
                                                       const SeriesOptions& options) {
    validate(options);
    detail::check_counts_shape("topic_series", counts, static_cast<std::int64_t>(groups.size()),
                               "the grouping");
    detail::check_counts_shape("topic_series", counts, static_cast<std::int64_t>(bins.size()),
                               "the list of bins");
    if (static_cast<std::int64_t>(idf.size()) != counts.cols || terms.counts.cols != counts.cols) {
        throw_shape("topic_series", "counts, terms and idf differ in their number of terms");
    }
    const std::vector<Index> row_of = detail::rows_of_groups("topic_series", terms, groups);
    Index num_bins = 0;
    std::vector<Index> order;
    for (std::size_t i = 0; i < bins.size(); ++i) {
        if (bins[i] < -1) {
            throw_invalid("topic_series", "bins",
                          "item " + std::to_string(i) + " is in bin " + std::to_string(bins[i]),
                          "use 0, 1, ... and -1 for none");
        }
        num_bins = std::max(num_bins, bins[i] + 1);
        if (bins[i] >= 0) order.push_back(static_cast<Index>(i));
    }
    const auto key = [&](Index item) {
        return std::pair(row_of[static_cast<std::size_t>(item)], bins[static_cast<std::size_t>(item)]);
    };
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return key(a) < key(b); });
    std::vector<std::size_t> begin;  // of the runs with one class and bin
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i == 0 || key(order[i]) != key(order[i - 1])) begin.push_back(i);
    }
    const std::size_t cells = begin.size();
    begin.push_back(order.size());
    const std::vector<detail::ClassRow> rows = detail::class_rows(
        counts, static_cast<std::int64_t>(cells), options.num_threads, [&](std::int64_t c) {
            const auto at = static_cast<std::size_t>(c);
            return std::span<const Index>(order).subspan(begin[at], begin[at + 1] - begin[at]);
        });
    std::vector<std::size_t> class_begin;  // cells of one class
    for (std::size_t c = 0; c < cells; ++c) {
        if (c == 0 || key(order[begin[c]]).first != key(order[begin[c - 1]]).first) class_begin.push_back(c);
    }
    const std::size_t classes = class_begin.size();
    class_begin.push_back(cells);

    std::vector<SeriesEntry> entries(cells);
    // Classes don't meet, so each walks through its bins alone.
    std::vector<detail::TunedRow> tunings(static_cast<std::size_t>(resolve_num_threads(options.num_threads)));
    parallel_blocks(static_cast<std::int64_t>(classes), options.num_threads, [&](std::int64_t block, int worker) {
        const std::size_t first = class_begin[static_cast<std::size_t>(block)];
        const std::size_t last = class_begin[static_cast<std::size_t>(block) + 1];
        const Index row = key(order[begin[first]]).first;
        const auto bin_of = [&](std::size_t cell) { return key(order[begin[cell]]).second; };
        const bool tuned = options.evolution || options.global;
        detail::TunedRow& tuning = tunings[static_cast<std::size_t>(worker)];
        if (tuned) {
            tuning.begin(terms.weights.row_indices(row), terms.weights.row_values(row), options.global,
                         idf.size());
        }
        const auto tally = [&](std::size_t cell) {
            detail::SeriesRow tallied;
            tallied.columns = rows[cell].columns;
            for (const std::int64_t count : rows[cell].counts)
                tallied.values.push_back(static_cast<double>(count));
            return tallied;
        };
        for (std::size_t cell = first; cell < last; ++cell) {
            detail::SeriesRow weights = tally(cell);
            if (options.smoothing > 0) {
                for (const std::size_t near : {cell - 1, cell + 1}) {
                    const bool adjacent =
                        (near + 1 == cell && cell > first && bin_of(near) + 1 == bin_of(cell)) ||
                        (near == cell + 1 && near < last && bin_of(cell) + 1 == bin_of(near));
                    if (adjacent)
                        weights = detail::add_series_rows(weights, 1, tally(near), options.smoothing);
                }
            }
            double total = 0;
            for (const double value : weights.values) total += value;
            for (std::size_t e = 0; e < weights.values.size(); ++e) {
                double tf = total > 0 ? weights.values[e] / total : 0.0;
                if (options.reduce_frequent_words) tf = std::sqrt(tf);
                weights.values[e] = tf * idf[static_cast<std::size_t>(weights.columns[e])];
            }
            SeriesEntry& entry = entries[cell];
            entry.bin = bin_of(cell);
            entry.row = row;
            entry.items = static_cast<std::int64_t>(begin[cell + 1] - begin[cell]);
            if (!tuned) {
                entry.keywords =
                    detail::best_of_row(weights.columns, weights.values, terms.vocabulary, options.top_n);
                continue;
            }
            detail::divide_by_sum(weights.values);
            tuning.step(weights, options.evolution && cell > first && bin_of(cell - 1) + 1 == bin_of(cell));
            entry.keywords =
                detail::best_of_row(tuning.columns(), tuning.values(), terms.vocabulary, options.top_n);
        }
    });
    std::stable_sort(entries.begin(), entries.end(),
                     [](const SeriesEntry& a, const SeriesEntry& b) { return a.bin < b.bin; });
    return entries;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_TOPIC_SERIES_IMPL_HPP
