// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_TOPIC_SERIES_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_TOPIC_SERIES_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
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

inline std::vector<Keyword> best_of_row(const SeriesRow& row, const std::vector<std::string>& vocabulary,
                                        int top_n) {
    std::vector<std::size_t> order;
    for (std::size_t e = 0; e < row.columns.size(); ++e) {
        if (row.values[e] > 0) order.push_back(e);
    }
    const std::size_t count = std::min(order.size(), static_cast<std::size_t>(top_n));
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                      [&](std::size_t a, std::size_t b) {
                          return row.values[a] != row.values[b] ? row.values[a] > row.values[b] : a < b;
                      });
    std::vector<Keyword> best;
    for (std::size_t i = 0; i < count; ++i) {
        best.push_back({vocabulary[static_cast<std::size_t>(row.columns[order[i]])], row.values[order[i]]});
    }
    return best;
}

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
    parallel_blocks(static_cast<std::int64_t>(classes), options.num_threads, [&](std::int64_t block, int) {
        const std::size_t first = class_begin[static_cast<std::size_t>(block)];
        const std::size_t last = class_begin[static_cast<std::size_t>(block) + 1];
        const Index row = key(order[begin[first]]).first;
        const auto bin_of = [&](std::size_t cell) { return key(order[begin[cell]]).second; };
        const bool tuned = options.evolution || options.global;
        detail::SeriesRow whole;
        if (options.global) {
            const auto columns = terms.weights.row_indices(row);
            const auto values = terms.weights.row_values(row);
            whole.columns.assign(columns.begin(), columns.end());
            whole.values.assign(values.begin(), values.end());
            detail::divide_by_sum(whole.values);
        }
        const auto tally = [&](std::size_t cell) {
            detail::SeriesRow tallied;
            tallied.columns = rows[cell].columns;
            for (const std::int64_t count : rows[cell].counts)
                tallied.values.push_back(static_cast<double>(count));
            return tallied;
        };
        detail::SeriesRow before;
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
            if (tuned) detail::divide_by_sum(weights.values);
            if (options.evolution && cell > first && bin_of(cell - 1) + 1 == bin_of(cell)) {
                weights = detail::add_series_rows(weights, 0.5, before, 0.5);
            }
            if (options.global) weights = detail::add_series_rows(weights, 0.5, whole, 0.5);
            SeriesEntry& entry = entries[cell];
            entry.bin = bin_of(cell);
            entry.row = row;
            entry.items = static_cast<std::int64_t>(begin[cell + 1] - begin[cell]);
            entry.keywords = detail::best_of_row(weights, terms.vocabulary, options.top_n);
            before = std::move(weights);
        }
    });
    std::stable_sort(entries.begin(), entries.end(),
                     [](const SeriesEntry& a, const SeriesEntry& b) { return a.bin < b.bin; });
    return entries;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_TOPIC_SERIES_IMPL_HPP
