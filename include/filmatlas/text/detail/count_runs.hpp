// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_COUNT_RUNS_HPP
#define FILMATLAS_TEXT_DETAIL_COUNT_RUNS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/text/tokenize.hpp"

/// @file count_runs.hpp
/// @brief Runs of tokens that occur often enough, level by level, in the order of the vocabulary; inline.

namespace filmatlas::detail {

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

}  // namespace filmatlas::detail
#endif  // FILMATLAS_TEXT_DETAIL_COUNT_RUNS_HPP
