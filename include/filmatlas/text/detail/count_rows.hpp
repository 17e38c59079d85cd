// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_COUNT_ROWS_HPP
#define FILMATLAS_TEXT_DETAIL_COUNT_ROWS_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/text/counts.hpp"

/// @file count_rows.hpp
/// @brief Rows of a count matrix, made in parallel; inline.

namespace filmatlas::detail {

/// Turns the columns of one document, with repeats and in any order, into a row. Up to kDirect columns it
/// counts in place and finds the columns that occur in a bitmap of two levels, which costs less than sorting;
/// above, it sorts.
class RowCounter {
public:
    void reset(std::int64_t columns) {
        if (columns > kDirect || !count_.empty()) return;
        count_.assign(static_cast<std::size_t>(columns), 0);
        bits_.assign(count_.size() / 64 + 1, 0);
        words_.assign(bits_.size() / 64 + 1, 0);
    }
    void append(std::vector<std::uint32_t>& columns, std::vector<Index>& indices,
                std::vector<std::int32_t>& values) {
        if (count_.empty()) {
            append_sorted(columns, indices, values);
            return;
        }
        for (const std::uint32_t column : columns) {
            if (count_[column]++ != 0) continue;
            bits_[column / 64] |= std::uint64_t{1} << column % 64;
            words_[column / 4096] |= std::uint64_t{1} << column / 64 % 64;
        }
        for (std::size_t w = 0; w < words_.size(); ++w) {
            for (std::uint64_t word = std::exchange(words_[w], 0); word != 0; word &= word - 1) {
                const std::size_t b = w * 64 + static_cast<std::size_t>(std::countr_zero(word));
                for (std::uint64_t bit = std::exchange(bits_[b], 0); bit != 0; bit &= bit - 1) {
                    const std::size_t column = b * 64 + static_cast<std::size_t>(std::countr_zero(bit));
                    indices.push_back(static_cast<Index>(column));
                    values.push_back(std::exchange(count_[column], 0));
                }
            }
        }
    }

private:
    static constexpr std::int64_t kDirect = std::int64_t{1} << 20;

    static void append_sorted(std::vector<std::uint32_t>& columns, std::vector<Index>& indices,
                              std::vector<std::int32_t>& values) {
        std::sort(columns.begin(), columns.end());
        for (std::size_t i = 0; i < columns.size();) {
            std::size_t end = i;
            while (end < columns.size() && columns[end] == columns[i]) ++end;
            indices.push_back(static_cast<Index>(columns[i]));
            values.push_back(static_cast<std::int32_t>(end - i));
            i = end;
        }
    }

    std::vector<std::int32_t> count_;   // of this document
    std::vector<std::uint64_t> bits_;   // columns that occur
    std::vector<std::uint64_t> words_;  // words of bits_ that hold any
};

/// Rows made block by block, at once, become one matrix. `fill(row, columns, worker)` lists a row's columns.
template <class Fill>
CsrMatrix<std::int32_t> count_rows(std::int64_t rows, std::int64_t cols, int num_threads,
                                   const Progress& progress, std::string_view stage, Fill&& fill) {
    constexpr std::int64_t kRows = 1024;
    struct Part {
        std::vector<Index> indices;
        std::vector<std::int32_t> values;
    };
    CsrMatrix<std::int32_t> counts;
    counts.rows = rows;
    counts.cols = cols;
    counts.indptr.assign(static_cast<std::size_t>(rows) + 1, 0);
    const std::int64_t num_blocks = (rows + kRows - 1) / kRows;
    std::vector<Part> parts(static_cast<std::size_t>(num_blocks));
    std::vector<RowCounter> counters(
        static_cast<std::size_t>(std::clamp<std::int64_t>(num_blocks, 1, resolve_num_threads(num_threads))));
    parallel_blocks(
        num_blocks, num_threads,
        [&](std::int64_t block, int worker) {
            Part& part = parts[static_cast<std::size_t>(block)];
            RowCounter& counter = counters[static_cast<std::size_t>(worker)];
            counter.reset(cols);
            std::vector<std::uint32_t> columns;
            for (std::int64_t i = block * kRows; i < std::min(rows, (block + 1) * kRows); ++i) {
                const std::size_t before = part.indices.size();
                columns.clear();
                fill(i, columns, worker);
                counter.append(columns, part.indices, part.values);
                counts.indptr[static_cast<std::size_t>(i) + 1] =
                    static_cast<std::int64_t>(part.indices.size() - before);
            }
        },
        progress, stage);
    for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i) counts.indptr[i + 1] += counts.indptr[i];
    counts.indices.resize(static_cast<std::size_t>(counts.indptr.back()));
    counts.values.resize(static_cast<std::size_t>(counts.indptr.back()));
    parallel_blocks(num_blocks, num_threads, [&](std::int64_t block, int) {
        Part& part = parts[static_cast<std::size_t>(block)];
        const auto to = static_cast<std::ptrdiff_t>(counts.indptr[static_cast<std::size_t>(block * kRows)]);
        std::copy(part.indices.begin(), part.indices.end(), counts.indices.begin() + to);
        std::copy(part.values.begin(), part.values.end(), counts.values.begin() + to);
        part = {};
    });
    return counts;
}

/// Keeps the `limit` columns with the largest totals, ties by column.
inline void keep_largest_columns(CountResult& result, std::size_t limit) {
    CsrMatrix<std::int32_t>& counts = result.counts;
    const std::size_t terms = result.vocabulary.size();
    if (terms <= limit) return;
    std::vector<std::int64_t> totals(terms, 0);
    for (std::size_t e = 0; e < counts.indices.size(); ++e) {
        totals[static_cast<std::size_t>(counts.indices[e])] += counts.values[e];
    }
    std::vector<std::size_t> order(terms);
    for (std::size_t t = 0; t < terms; ++t) order[t] = t;
    std::nth_element(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(limit), order.end(),
        [&](std::size_t a, std::size_t b) { return totals[a] != totals[b] ? totals[a] > totals[b] : a < b; });
    std::vector<Index> column(terms, -1);
    for (std::size_t i = 0; i < limit; ++i) column[order[i]] = 0;
    std::vector<std::string> vocabulary;
    for (std::size_t t = 0; t < terms; ++t) {
        if (column[t] < 0) continue;
        column[t] = static_cast<Index>(vocabulary.size());
        vocabulary.push_back(std::move(result.vocabulary[t]));
    }
    result.vocabulary = std::move(vocabulary);
    std::size_t out = 0;
    std::size_t entry = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(counts.rows); ++i) {
        const auto end = static_cast<std::size_t>(counts.indptr[i + 1]);
        for (; entry < end; ++entry) {
            const Index c = column[static_cast<std::size_t>(counts.indices[entry])];
            if (c < 0) continue;
            counts.indices[out] = c;
            counts.values[out] = counts.values[entry];
            ++out;
        }
        counts.indptr[i + 1] = static_cast<std::int64_t>(out);
    }
    counts.indices.resize(out);
    counts.values.resize(out);
    counts.cols = static_cast<std::int64_t>(limit);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_TEXT_DETAIL_COUNT_ROWS_HPP
