// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_NEAR_DUPLICATES_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_NEAR_DUPLICATES_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/union_find.hpp"
#include "filmatlas/text/near_duplicates.hpp"
#include "filmatlas/text/tokenize.hpp"

namespace filmatlas {
namespace detail {

/// Distinct runs of every text, as 64-bit hashes in ascending order.
inline std::vector<std::vector<std::uint64_t>> text_runs(const TokenStream& stream, std::size_t length,
                                                         int num_threads) {
    std::vector<std::vector<std::uint64_t>> runs(static_cast<std::size_t>(stream.num_documents()));
    parallel_for(stream.num_documents(), 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t d = begin; d < end; ++d) {
            const std::span<const Index> tokens = stream.document(d);
            std::vector<std::uint64_t>& out = runs[static_cast<std::size_t>(d)];
            const std::size_t width = std::min(length, tokens.size());
            for (std::size_t p = 0; width > 0 && p + width <= tokens.size(); ++p) {
                std::uint64_t hash = width;
                for (std::size_t q = p; q < p + width; ++q)
                    hash = mix64(hash ^ static_cast<std::uint64_t>(tokens[q]));
                out.push_back(hash);
            }
            std::sort(out.begin(), out.end());
            out.erase(std::unique(out.begin(), out.end()), out.end());
        }
    });
    return runs;
}

/// Replaces the hashes by ranks from rare to common; runs of one text only keep the size of the set right.
inline std::vector<std::vector<std::uint32_t>> ranked_runs(std::vector<std::vector<std::uint64_t>> runs) {
    std::vector<std::uint64_t> all;
    for (const auto& text : runs) all.insert(all.end(), text.begin(), text.end());
    std::sort(all.begin(), all.end());
    struct Run {
        std::uint64_t hash;
        std::uint32_t texts;
    };
    std::vector<Run> distinct;
    for (std::size_t i = 0; i < all.size();) {
        std::size_t end = i;
        while (end < all.size() && all[end] == all[i]) ++end;
        distinct.push_back({all[i], static_cast<std::uint32_t>(end - i)});
        i = end;
    }
    std::vector<std::uint32_t> order(distinct.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return distinct[a].texts != distinct[b].texts ? distinct[a].texts < distinct[b].texts : a < b;
    });
    std::vector<std::uint32_t> rank(distinct.size());
    for (std::size_t i = 0; i < order.size(); ++i) rank[order[i]] = static_cast<std::uint32_t>(i);
    std::vector<std::vector<std::uint32_t>> out(runs.size());
    for (std::size_t d = 0; d < runs.size(); ++d) {
        for (const std::uint64_t hash : runs[d]) {
            const auto at = std::lower_bound(distinct.begin(), distinct.end(), hash,
                                             [](const Run& run, std::uint64_t h) { return run.hash < h; });
            out[d].push_back(rank[static_cast<std::size_t>(at - distinct.begin())]);
        }
        std::sort(out[d].begin(), out[d].end());
    }
    return out;
}

/// First text with the same runs, for every text; itself for texts without runs.
inline std::vector<Index> first_with_runs(const std::vector<std::vector<std::uint32_t>>& runs) {
    std::vector<Index> order(runs.size());
    std::iota(order.begin(), order.end(), 0);
    const auto of = [&](Index d) -> const std::vector<std::uint32_t>& {
        return runs[static_cast<std::size_t>(d)];
    };
    std::sort(order.begin(), order.end(),
              [&](Index a, Index b) { return of(a) != of(b) ? of(a) < of(b) : a < b; });
    std::vector<Index> first(runs.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        const bool repeats = i > 0 && !of(order[i]).empty() && of(order[i]) == of(order[i - 1]);
        first[static_cast<std::size_t>(order[i])] =
            repeats ? first[static_cast<std::size_t>(order[i - 1])] : order[i];
    }
    return first;
}

/// Runs in both of two ascending lists.
inline std::size_t runs_in_common(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
    std::size_t common = 0;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        if (a[i] == b[j]) {
            ++common;
            ++i;
            ++j;
        } else {
            ++(a[i] < b[j] ? i : j);
        }
    }
    return common;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const NearDuplicateOptions& options) {
    if (!(options.threshold > 0 && options.threshold <= 1)) {
        throw_invalid("near_duplicates", "threshold", "is " + to_text(options.threshold),
                      "use a value in (0, 1]");
    }
    if (options.run_length < 1) {
        throw_invalid("near_duplicates", "run_length", "is " + std::to_string(options.run_length),
                      "use 1 or more");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE std::vector<NearDuplicate> near_duplicates(std::span<const std::string> texts,
                                                            const NearDuplicateOptions& options,
                                                            const Progress& progress) {
    validate(options);
    const TokenStream stream = token_stream(texts, {.min_length = 1}, options.num_threads, progress);
    const auto runs = detail::ranked_runs(
        detail::text_runs(stream, static_cast<std::size_t>(options.run_length), options.num_threads));
    const auto n = static_cast<std::int64_t>(runs.size());
    const std::vector<Index> first = detail::first_with_runs(runs);
    // Of two texts that reach the threshold, the first size - ceil(threshold * size) + 1 runs meet.
    const auto prefix = [&](std::size_t size) {
        const double least = std::ceil(options.threshold * static_cast<double>(size) - 1e-9);
        return size - static_cast<std::size_t>(least) + 1;
    };
    std::vector<std::pair<std::uint32_t, Index>> postings;  // run, text
    for (std::int64_t d = 0; d < n; ++d) {
        const auto& text = runs[static_cast<std::size_t>(d)];
        if (first[static_cast<std::size_t>(d)] != d) continue;
        for (std::size_t p = 0; !text.empty() && p < prefix(text.size()); ++p)
            postings.emplace_back(text[p], static_cast<Index>(d));
    }
    std::sort(postings.begin(), postings.end());
    constexpr std::int64_t kRows = 256;
    std::vector<std::vector<NearDuplicate>> parts(static_cast<std::size_t>((n + kRows - 1) / kRows));
    parallel_blocks(
        static_cast<std::int64_t>(parts.size()), options.num_threads,
        [&](std::int64_t block, int) {
            std::vector<Index> candidates;
            for (std::int64_t d = block * kRows; d < std::min(n, (block + 1) * kRows); ++d) {
                const auto& text = runs[static_cast<std::size_t>(d)];
                if (text.empty() || first[static_cast<std::size_t>(d)] != d) continue;
                candidates.clear();
                for (std::size_t p = 0; p < prefix(text.size()); ++p) {
                    auto at = std::upper_bound(postings.begin(), postings.end(),
                                               std::pair{text[p], static_cast<Index>(d)});
                    for (; at != postings.end() && at->first == text[p]; ++at)
                        candidates.push_back(at->second);
                }
                std::sort(candidates.begin(), candidates.end());
                candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
                for (const Index other : candidates) {
                    const auto& runs_b = runs[static_cast<std::size_t>(other)];
                    const std::size_t shorter = std::min(text.size(), runs_b.size());
                    const std::size_t longer = std::max(text.size(), runs_b.size());
                    if (static_cast<double>(shorter) < options.threshold * static_cast<double>(longer) - 1e-9)
                        continue;
                    const std::size_t common = detail::runs_in_common(text, runs_b);
                    const double overlap =
                        static_cast<double>(common) / static_cast<double>(shorter + longer - common);
                    if (overlap >= options.threshold) {
                        parts[static_cast<std::size_t>(block)].push_back(
                            {static_cast<Index>(d), other, overlap});
                    }
                }
            }
        },
        progress, "near_duplicates");
    std::vector<NearDuplicate> pairs;
    for (const auto& part : parts) pairs.insert(pairs.end(), part.begin(), part.end());
    for (std::int64_t d = 0; d < n; ++d) {
        const Index same = first[static_cast<std::size_t>(d)];
        if (same != d) pairs.push_back({same, static_cast<Index>(d), 1.0});
    }
    std::sort(pairs.begin(), pairs.end(), [](const NearDuplicate& x, const NearDuplicate& y) {
        return x.a != y.a ? x.a < y.a : x.b < y.b;
    });
    return pairs;
}

FILMATLAS_INLINE std::vector<Index> duplicate_groups(std::span<const NearDuplicate> pairs,
                                                     std::int64_t num_texts) {
    UnionFind sets(num_texts);
    for (const NearDuplicate& pair : pairs) sets.unite(pair.a, pair.b);
    std::vector<Index> first(static_cast<std::size_t>(num_texts), -1);
    std::vector<Index> group(static_cast<std::size_t>(num_texts));
    for (Index i = 0; i < static_cast<Index>(num_texts); ++i) {
        Index& smallest = first[static_cast<std::size_t>(sets.find(i))];
        if (smallest < 0) smallest = i;
        group[static_cast<std::size_t>(i)] = smallest;
    }
    return group;
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_NEAR_DUPLICATES_IMPL_HPP
