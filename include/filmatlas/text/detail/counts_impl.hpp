// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_COUNTS_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_COUNTS_IMPL_HPP

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/text/counts.hpp"
#include "filmatlas/text/detail/token_table.hpp"
#include "filmatlas/text/detail/word_scan.hpp"
#include "filmatlas/text/tokenize.hpp"
#include "filmatlas/text/vocabulary.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::uint32_t kNoTerm = std::numeric_limits<std::uint32_t>::max();

/// The distinct runs of n tokens that survive min_df, in ascending order of (parent, last): since a run's
/// parent is the run without its last token, this is the lexicographic order of the runs.
struct CountLevel {
    std::vector<std::uint32_t> parent;  ///< id in the level below; empty at level 1
    std::vector<std::uint32_t> last;    ///< level 1: token id of the stream; above: id in level 1
    std::vector<std::uint32_t> df;      ///< documents
    std::vector<std::uint32_t> at;      ///< per token of the stream, the run that starts there, or kNoTerm
    std::vector<std::uint32_t> column;  ///< final column, or kNoTerm
    std::vector<std::uint32_t>
        of_token;  ///< in place of `at`, when only tokens are counted: term of a token id

    std::size_t size() const noexcept { return last.size(); }
};

/// Level 1: the tokens themselves; the empty one stands for stop words that end runs.
inline CountLevel count_tokens(const TokenStream& stream, std::int64_t min_df, bool with_df, bool with_runs) {
    CountLevel level;
    std::vector<std::uint32_t> df(stream.vocabulary.size(), with_df ? 0U : 1U);
    std::vector<std::uint32_t> seen(with_df ? stream.vocabulary.size() : 0, 0);  // document + 1
    for (std::int64_t d = 0; with_df && d < stream.num_documents(); ++d) {
        for (const Index id : stream.document(d)) {
            const auto t = static_cast<std::size_t>(id);
            if (seen[t] == static_cast<std::uint32_t>(d) + 1) continue;
            seen[t] = static_cast<std::uint32_t>(d) + 1;
            ++df[t];
        }
    }
    std::vector<std::uint32_t> kept(df.size(), kNoTerm);
    for (std::size_t t = 0; t < df.size(); ++t) {
        if (static_cast<std::int64_t>(df[t]) < min_df || stream.vocabulary[t].empty()) continue;
        kept[t] = static_cast<std::uint32_t>(level.last.size());
        level.last.push_back(static_cast<std::uint32_t>(t));
        level.df.push_back(df[t]);
    }
    if (!with_runs) {
        level.of_token = std::move(kept);
        return level;
    }
    level.at.resize(stream.ids.size());
    for (std::size_t p = 0; p < stream.ids.size(); ++p)
        level.at[p] = kept[static_cast<std::size_t>(stream.ids[p])];
    return level;
}

/// Level n from level n - 1: a run is possible where a frequent run of n - 1 starts here and another one
/// token later.
inline CountLevel count_longer_runs(const TokenStream& stream, std::span<const std::uint32_t> document_of,
                                    const CountLevel& tokens, const CountLevel& below, std::size_t n,
                                    std::int64_t min_df, int num_threads) {
    CountLevel level;
    level.at.assign(stream.ids.size(), kNoTerm);
    const auto for_candidates = [&](auto&& visit) {
        for (std::int64_t d = 0; d < stream.num_documents(); ++d) {
            const auto begin = static_cast<std::size_t>(stream.indptr[static_cast<std::size_t>(d)]);
            const auto end = static_cast<std::size_t>(stream.indptr[static_cast<std::size_t>(d) + 1]);
            for (std::size_t p = begin; p + n <= end; ++p) {
                if (below.at[p] != kNoTerm && below.at[p + 1] != kNoTerm) visit(p);
            }
        }
    };
    // Candidates are grouped by parent (a counting sort), then each group is sorted by its next token.
    std::vector<std::uint64_t> begin(below.size() + 1, 0);
    for_candidates([&](std::size_t p) { ++begin[below.at[p] + std::size_t{1}]; });
    for (std::size_t t = 0; t < below.size(); ++t) begin[t + 1] += begin[t];
    std::vector<std::uint64_t> entries(begin.back());  // next token << 32 | position
    {
        std::vector<std::uint64_t> cursor(begin.begin(), begin.end() - 1);
        for_candidates([&](std::size_t p) {
            entries[cursor[below.at[p]]++] = static_cast<std::uint64_t>(tokens.at[p + n - 1]) << 32 | p;
        });
    }
    constexpr std::uint64_t kGrain = std::uint64_t{1} << 16;
    std::vector<std::size_t> cuts{0};  // blocks of whole groups
    for (std::size_t t = 0; t < below.size(); ++t) {
        if (t + 1 == below.size() || begin[t + 1] - begin[cuts.back()] >= kGrain) cuts.push_back(t + 1);
    }
    const auto num_blocks = static_cast<std::int64_t>(cuts.size()) - 1;
    std::vector<CountLevel> parts(static_cast<std::size_t>(num_blocks));
    parallel_blocks(num_blocks, num_threads, [&](std::int64_t block, int) {
        const auto b = static_cast<std::size_t>(block);
        CountLevel& part = parts[b];
        for (std::size_t group = cuts[b]; group < cuts[b + 1]; ++group) {
            const auto first = entries.begin() + static_cast<std::ptrdiff_t>(begin[group]);
            const auto last = entries.begin() + static_cast<std::ptrdiff_t>(begin[group + 1]);
            std::sort(first, last);
            for (auto run = first; run != last;) {
                const std::uint64_t next = *run >> 32;
                std::uint32_t df = 0;
                std::uint32_t document = kNoTerm;
                auto end = run;
                for (; end != last && *end >> 32 == next; ++end) {
                    const std::uint32_t d = document_of[static_cast<std::uint32_t>(*end)];
                    if (d != document) ++df;
                    document = d;
                }
                if (static_cast<std::int64_t>(df) >= min_df) {
                    for (auto entry = run; entry != end; ++entry) {
                        level.at[static_cast<std::uint32_t>(*entry)] =
                            static_cast<std::uint32_t>(part.size());
                    }
                    part.parent.push_back(static_cast<std::uint32_t>(group));
                    part.last.push_back(static_cast<std::uint32_t>(next));
                    part.df.push_back(df);
                }
                run = end;
            }
        }
    });
    std::vector<std::size_t> offset(parts.size() + 1, 0);
    for (std::size_t b = 0; b < parts.size(); ++b) offset[b + 1] = offset[b] + parts[b].size();
    if (offset.back() >= kNoTerm) {
        throw Error(ErrorCode::Memory, ErrorContext{"count_terms", {}, -1, {}, -1},
                    "the texts hold more than 2^32 - 2 distinct n-grams", "raise min_df or lower ngram_max");
    }
    level.parent.resize(offset.back());
    level.last.resize(offset.back());
    level.df.resize(offset.back());
    parallel_blocks(num_blocks, num_threads, [&](std::int64_t block, int) {
        const auto b = static_cast<std::size_t>(block);
        const auto to = static_cast<std::ptrdiff_t>(offset[b]);
        std::copy(parts[b].parent.begin(), parts[b].parent.end(), level.parent.begin() + to);
        std::copy(parts[b].last.begin(), parts[b].last.end(), level.last.begin() + to);
        std::copy(parts[b].df.begin(), parts[b].df.end(), level.df.begin() + to);
        for (std::uint64_t e = begin[cuts[b]]; e < begin[cuts[b + 1]]; ++e) {
            std::uint32_t& id = level.at[static_cast<std::uint32_t>(entries[e])];
            if (id != kNoTerm) id += static_cast<std::uint32_t>(offset[b]);
        }
        parts[b] = {};
    });
    return level;
}

/// Numbers the kept terms of all levels in code point order. A separating space sorts before every word
/// character, so that order is the preorder of the tree of runs: a run, then its continuations.
/// @return the number of columns.
inline std::uint64_t number_columns(std::vector<CountLevel>& levels, std::size_t ngram_min,
                                    double max_documents) {
    const auto is_kept = [&](std::size_t l, std::size_t t) {
        return l + 1 >= ngram_min && static_cast<double>(levels[l].df[t]) <= max_documents;
    };
    std::vector<std::vector<std::uint64_t>> below(levels.size());  // kept terms in the subtree
    for (std::size_t l = levels.size(); l-- > 0;) {
        below[l].resize(levels[l].size(), 0);
        for (std::size_t t = 0; t < levels[l].size(); ++t) below[l][t] = is_kept(l, t) ? 1 : 0;
        if (l + 1 < levels.size()) {
            for (std::size_t t = 0; t < levels[l + 1].size(); ++t)
                below[l][levels[l + 1].parent[t]] += below[l + 1][t];
        }
    }
    std::uint64_t total = 0;
    std::vector<std::uint64_t> next;  // where the continuations of each run of the level above go on
    for (std::size_t l = 0; l < levels.size(); ++l) {
        CountLevel& level = levels[l];
        level.column.assign(level.size(), kNoTerm);
        std::vector<std::uint64_t> inside(level.size());
        for (std::size_t t = 0; t < level.size(); ++t) {
            std::uint64_t& cursor = l == 0 ? total : next[level.parent[t]];
            const std::uint64_t start = cursor;
            cursor += below[l][t];
            inside[t] = start;
            if (is_kept(l, t)) {
                level.column[t] = static_cast<std::uint32_t>(start);
                ++inside[t];
            }
        }
        next = std::move(inside);
    }
    return total;
}

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

/// Map from (node, token) to node for walking the terms of a fixed vocabulary.
class TermTrie {
public:
    explicit TermTrie(std::size_t capacity) {
        std::size_t size = 16;
        while (size < 2 * capacity) size *= 2;
        slots_.resize(size);
    }
    /// kNoTerm when there is none.
    std::uint32_t find(std::uint32_t node, std::uint32_t token) const noexcept {
        const std::uint64_t key = key_of(node, token);
        for (std::size_t i = start(key);; i = (i + 1) & (slots_.size() - 1)) {
            if (slots_[i].node == kNoTerm) return kNoTerm;
            if (slots_[i].key == key) return slots_[i].node;
        }
    }
    void insert(std::uint32_t node, std::uint32_t token, std::uint32_t child) noexcept {
        const std::uint64_t key = key_of(node, token);
        std::size_t i = start(key);
        while (slots_[i].node != kNoTerm) i = (i + 1) & (slots_.size() - 1);
        slots_[i] = {key, child};
    }

private:
    struct Slot {
        std::uint64_t key = 0;
        std::uint32_t node = kNoTerm;
    };
    static std::uint64_t key_of(std::uint32_t node, std::uint32_t token) noexcept {
        return static_cast<std::uint64_t>(node) << 32 | token;
    }
    std::size_t start(std::uint64_t key) const noexcept {
        key = (key ^ key >> 32) * 0x9E3779B97F4A7C15ULL;
        return static_cast<std::size_t>(key >> 24) & (slots_.size() - 1);
    }
    std::vector<Slot> slots_;
};

/// The terms of a fixed vocabulary as paths of tokens; node 0 is the empty run.
class TermPaths {
public:
    /// Inserts the vocabulary's tokens into `table`.
    TermPaths(std::span<const std::string> vocabulary, const TokenizeOptions& options, TokenTable& table)
        : longest_(static_cast<std::size_t>(options.ngram_max)),
          trie_(num_words(vocabulary)),
          column_{kNoTerm} {
        for (std::size_t t = 0; t < vocabulary.size(); ++t) {
            const std::string_view term = vocabulary[t];
            const auto length = 1 + static_cast<std::size_t>(std::count(term.begin(), term.end(), ' '));
            if (length < static_cast<std::size_t>(options.ngram_min) || length > longest_ ||
                term.find('\0') != std::string_view::npos) {
                continue;
            }
            std::uint32_t node = 0;
            for (std::size_t at = 0; at <= term.size();) {
                const std::size_t end = std::min(term.find(' ', at), term.size());
                const std::uint32_t token = table.insert(term.substr(at, end - at));
                std::uint32_t child = trie_.find(node, token);
                if (child == kNoTerm) {
                    child = static_cast<std::uint32_t>(column_.size());
                    trie_.insert(node, token, child);
                    column_.push_back(kNoTerm);
                }
                node = child;
                at = end + 1;
            }
            column_[node] = static_cast<std::uint32_t>(t);
        }
    }

    /// Appends the column of every term in a document's tokens (kNone = a word of no term).
    void count(std::span<const std::uint32_t> tokens, std::vector<std::uint32_t>& row) const {
        for (std::size_t p = 0; p < tokens.size(); ++p) {
            std::uint32_t node = 0;
            for (std::size_t q = p; q < tokens.size() && q - p < longest_; ++q) {
                if (tokens[q] == TokenTable::kNone) break;
                node = trie_.find(node, tokens[q]);
                if (node == kNoTerm) break;
                if (column_[node] != kNoTerm) row.push_back(column_[node]);
            }
        }
    }

private:
    static std::size_t num_words(std::span<const std::string> vocabulary) {
        std::size_t words = 0;
        for (const std::string& term : vocabulary)
            words += 1 + static_cast<std::size_t>(std::count(term.begin(), term.end(), ' '));
        return words;
    }

    std::size_t longest_;
    TermTrie trie_;
    std::vector<std::uint32_t> column_;
};

}  // namespace detail

FILMATLAS_INLINE void validate(const CountOptions& options) {
    validate(options.tokens);
    if (options.min_df < 1) {
        throw_invalid("count_terms", "min_df", "is " + std::to_string(options.min_df),
                      "use 1 document or more");
    }
    if (!(options.max_df > 0 && options.max_df <= 1)) {
        throw_invalid("count_terms", "max_df", "is " + to_text(options.max_df), "give a share in (0, 1]");
    }
    if (options.max_features && *options.max_features < 1) {
        throw_invalid("count_terms", "max_features", "is " + std::to_string(*options.max_features),
                      "use 1 or more, or leave it unset");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE CountResult count_terms(std::span<const std::string> texts, const CountOptions& options,
                                         const Progress& progress) {
    validate(options);
    return count_terms(token_stream(texts, options.tokens, options.num_threads, progress), options, progress);
}

FILMATLAS_INLINE CountResult count_terms(const TokenStream& stream, const CountOptions& options,
                                         const Progress& progress) {
    validate(options);
    const std::int64_t n = stream.num_documents();
    if (stream.ids.size() >= detail::kNoTerm || n >= static_cast<std::int64_t>(detail::kNoTerm)) {
        throw Error(ErrorCode::Memory, ErrorContext{"count_terms", {}, -1, {}, -1},
                    "the texts hold more than 2^32 - 2 tokens", "count them in parts");
    }
    std::vector<detail::CountLevel> levels;
    // Every token occurs somewhere, so its documents matter only to limits.
    levels.push_back(detail::count_tokens(
        stream, options.min_df, options.min_df > 1 || options.max_df<1, options.tokens.ngram_max> 1));
    if (options.tokens.ngram_max > 1) {
        std::vector<std::uint32_t> document_of(stream.ids.size());
        for (std::int64_t d = 0; d < n; ++d) {
            std::fill(document_of.begin() + stream.indptr[static_cast<std::size_t>(d)],
                      document_of.begin() + stream.indptr[static_cast<std::size_t>(d) + 1],
                      static_cast<std::uint32_t>(d));
        }
        for (int length = 2; length <= options.tokens.ngram_max; ++length) {
            levels.push_back(detail::count_longer_runs(stream, document_of, levels.front(), levels.back(),
                                                       static_cast<std::size_t>(length), options.min_df,
                                                       options.num_threads));
            if (progress) progress("count_terms", length, options.tokens.ngram_max + 1);
        }
    }
    const double max_documents = options.max_df * static_cast<double>(n);
    const std::uint64_t columns =
        detail::number_columns(levels, static_cast<std::size_t>(options.tokens.ngram_min), max_documents);
    if (columns > static_cast<std::uint64_t>(std::numeric_limits<Index>::max())) {
        throw Error(ErrorCode::Memory, ErrorContext{"count_terms", {}, -1, {}, -1},
                    "there are " + std::to_string(columns) + " terms, more than 2^31 - 1",
                    "raise min_df or lower ngram_max");
    }
    CountResult result;
    result.vocabulary.resize(columns);
    for (std::size_t l = 0; l < levels.size(); ++l) {
        const auto terms = static_cast<std::int64_t>(levels[l].size());
        parallel_for(terms, 4096, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
            std::vector<std::uint32_t> tokens(l + 1);
            for (auto t = static_cast<std::size_t>(begin); t < static_cast<std::size_t>(end); ++t) {
                if (levels[l].column[t] == detail::kNoTerm) continue;
                auto id = static_cast<std::uint32_t>(t);
                for (std::size_t k = l; k > 0; --k) {
                    tokens[k] = levels[k].last[id];
                    id = levels[k].parent[id];
                }
                tokens[0] = id;
                std::string& term = result.vocabulary[levels[l].column[t]];
                for (std::size_t k = 0; k <= l; ++k) {
                    if (k > 0) term += ' ';
                    term += stream.vocabulary[levels[0].last[tokens[k]]];
                }
            }
        });
    }
    std::vector<std::uint32_t> column_of = std::move(levels.front().of_token);  // of a token id
    for (std::uint32_t& term : column_of) {
        if (term != detail::kNoTerm) term = levels.front().column[term];
    }
    result.counts = detail::count_rows(
        n, static_cast<std::int64_t>(columns), options.num_threads, progress, "count_terms",
        [&](std::int64_t d, std::vector<std::uint32_t>& row, int) {
            const auto begin = static_cast<std::size_t>(stream.indptr[static_cast<std::size_t>(d)]);
            const auto end = static_cast<std::size_t>(stream.indptr[static_cast<std::size_t>(d) + 1]);
            if (options.tokens.ngram_max == 1) {
                for (std::size_t p = begin; p < end; ++p) {
                    const std::uint32_t column = column_of[static_cast<std::size_t>(stream.ids[p])];
                    if (column != detail::kNoTerm) row.push_back(column);
                }
                return;
            }
            for (auto l = static_cast<std::size_t>(options.tokens.ngram_min) - 1; l < levels.size(); ++l) {
                for (std::size_t p = begin; p < end; ++p) {
                    const std::uint32_t term = levels[l].at[p];
                    if (term == detail::kNoTerm) continue;
                    if (const std::uint32_t column = levels[l].column[term]; column != detail::kNoTerm) {
                        row.push_back(column);
                    }
                }
            }
        });
    if (options.max_features)
        detail::keep_largest_columns(result, static_cast<std::size_t>(*options.max_features));
    if (result.vocabulary.empty() && n > 0) {
        result.run.warnings.push_back(
            "count_terms: no term is left: the texts are empty or hold stop words only, or min_df and max_df "
            "exclude every term");
    }
    return result;
}

FILMATLAS_INLINE CsrMatrix<std::int32_t> count_with_vocabulary(std::span<const std::string> texts,
                                                               std::span<const std::string> vocabulary,
                                                               const TokenizeOptions& options,
                                                               int num_threads, const Progress& progress) {
    validate(options);
    if (!options.stemmer.empty()) {  // stems are found once per distinct token
        return count_with_vocabulary(token_stream(texts, options, num_threads, progress), vocabulary, options,
                                     num_threads, progress);
    }
    validate_vocabulary(vocabulary);
    const auto min_length = static_cast<std::size_t>(options.min_length);
    detail::TokenTable table;
    for (const std::string& word : detail::all_stop_words(options.stop_words, options.extra_stop_words))
        table.insert(word);
    const std::uint32_t num_stop = table.size();
    const detail::TermPaths paths(vocabulary, options, table);
    const detail::UnicodeIndex& index = detail::unicode_index();
    const detail::WordScanner scanner(options);
    std::vector<detail::TokenBuffer> buffers(static_cast<std::size_t>(resolve_num_threads(num_threads)));
    return detail::count_rows(
        static_cast<std::int64_t>(texts.size()), static_cast<std::int64_t>(vocabulary.size()), num_threads,
        progress, "count_with_vocabulary", [&](std::int64_t i, std::vector<std::uint32_t>& row, int worker) {
            std::vector<std::uint32_t> tokens;
            detail::scan_words(options, scanner, texts[static_cast<std::size_t>(i)], index,
                               buffers[static_cast<std::size_t>(worker)],
                               [&](const char* data, std::size_t length, std::size_t code_points) {
                                   if (code_points < min_length) return detail::TokenBytes::Free;
                                   const std::uint32_t id = table.find(data, length);
                                   if (id == detail::TokenTable::kNone || id >= num_stop) {
                                       tokens.push_back(id);
                                   } else if (!options.jump_stop_words) {
                                       tokens.push_back(detail::TokenTable::kNone);
                                   }
                                   return detail::TokenBytes::Free;
                               });
            paths.count(tokens, row);
        });
}

FILMATLAS_INLINE CsrMatrix<std::int32_t> count_with_vocabulary(const TokenStream& stream,
                                                               std::span<const std::string> vocabulary,
                                                               const TokenizeOptions& options,
                                                               int num_threads, const Progress& progress) {
    validate(options);
    validate_vocabulary(vocabulary);
    detail::TokenTable table;
    const detail::TermPaths paths(vocabulary, options, table);
    std::vector<std::uint32_t> known(stream.vocabulary.size(), detail::TokenTable::kNone);
    for (std::size_t t = 0; t < known.size(); ++t) {
        if (!stream.vocabulary[t].empty()) known[t] = table.find(stream.vocabulary[t]);
    }
    return detail::count_rows(stream.num_documents(), static_cast<std::int64_t>(vocabulary.size()),
                              num_threads, progress, "count_with_vocabulary",
                              [&](std::int64_t i, std::vector<std::uint32_t>& row, int) {
                                  std::vector<std::uint32_t> tokens;
                                  for (const Index id : stream.document(i))
                                      tokens.push_back(known[static_cast<std::size_t>(id)]);
                                  paths.count(tokens, row);
                              });
}

FILMATLAS_INLINE std::vector<std::int64_t> document_frequency(const CsrMatrix<std::int32_t>& counts) {
    std::vector<std::int64_t> df(static_cast<std::size_t>(counts.cols), 0);
    for (std::size_t e = 0; e < counts.indices.size(); ++e) {
        if (counts.values[e] != 0) ++df[static_cast<std::size_t>(counts.indices[e])];
    }
    return df;
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_COUNTS_IMPL_HPP
