// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_NODE_KEYWORDS_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_NODE_KEYWORDS_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/keywords/detail/word_forms.hpp"
#include "filmatlas/keywords/node_keywords.hpp"

namespace filmatlas {
namespace detail {

struct KeywordCandidate {
    Index column = -1;
    double score = 0;
    std::int64_t count = 0;
};

/// Whether a term has a letter; every character beyond ASCII counts as one.
inline bool keyword_has_letter(const std::string& term) noexcept {
    return std::any_of(term.begin(), term.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    });
}

/// x^p without libm for the exponents in use.
inline double keyword_power(double x, double p) {
    if (p == 0) return 1;
    if (p == 1) return x;
    if (p == 2) return x * x;
    if (p == 0.5) return std::sqrt(x);
    return std::pow(x, p);
}

/// Items that hold each term in the nearest node above that has more items than `node` (-1: the whole
/// catalogue), which is the node's family; -2 when there is none.
inline Index keyword_family(const Hierarchy& hierarchy, Index node) {
    const std::int64_t size = hierarchy.nodes[static_cast<std::size_t>(node)].size();
    Index above = hierarchy.nodes[static_cast<std::size_t>(node)].parent;
    while (above >= 0 && hierarchy.nodes[static_cast<std::size_t>(above)].size() == size) {
        above = hierarchy.nodes[static_cast<std::size_t>(above)].parent;
    }
    return above < 0 && hierarchy.num_items() == size ? -2 : above;
}

/// Candidates best first become at most `top_n` keywords that don't repeat each other.
inline std::vector<Keyword> choose_keywords(const std::vector<KeywordCandidate>& candidates,
                                            const ClassTerms& terms, const KeywordOptions& options) {
    struct Chosen {
        KeywordCandidate candidate;
        TermForms forms;
    };
    const auto term_of = [&](const KeywordCandidate& c) -> const std::string& {
        return terms.vocabulary[static_cast<std::size_t>(c.column)];
    };
    const auto top_n = static_cast<std::size_t>(options.top_n);
    // A phrase often ranks some places behind its words, so a few more candidates than asked for are looked
    // at.
    const std::size_t looked_at = options.fold_duplicates ? 3 * top_n + 10 : 0;
    std::vector<Chosen> chosen;
    for (std::size_t i = 0; i < candidates.size() && (chosen.size() < top_n || i < looked_at); ++i) {
        Chosen entry{candidates[i], TermForms(term_of(candidates[i]))};
        std::vector<std::size_t> repeats;
        for (std::size_t k = 0; k < chosen.size() && options.fold_duplicates; ++k) {
            if (chosen[k].forms.near_duplicate(entry.forms)) repeats.push_back(k);
        }
        if (repeats.empty()) {
            if (chosen.size() < top_n) chosen.push_back(std::move(entry));
            continue;
        }
        const bool accounts_for = std::all_of(repeats.begin(), repeats.end(), [&](std::size_t k) {
            return entry.forms.words.size() > chosen[k].forms.words.size() &&
                   2 * entry.candidate.count >= chosen[k].candidate.count;
        });
        if (!accounts_for) continue;
        entry.candidate.score = chosen[repeats.front()].candidate.score;
        chosen[repeats.front()] = std::move(entry);
        for (std::size_t r = repeats.size(); r-- > 1;) {
            chosen.erase(chosen.begin() + static_cast<std::ptrdiff_t>(repeats[r]));
        }
    }
    std::vector<Keyword> keywords;
    for (const Chosen& c : chosen) keywords.push_back({term_of(c.candidate), c.candidate.score});
    return keywords;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const KeywordOptions& options) {
    const auto whole = [](const char* field, int value, int least) {
        if (value < least) {
            throw_invalid("node_keywords", field, "is " + std::to_string(value),
                          "use " + std::to_string(least) + " or more");
        }
    };
    const auto exponent = [](const char* field, double value) {
        if (!(value >= 0) || !std::isfinite(value)) {
            throw_invalid("node_keywords", field, "is " + to_text(value),
                          "use a finite number of at least 0");
        }
    };
    whole("top_n", options.top_n, 1);
    exponent("contrast", options.contrast);
    exponent("coverage", options.coverage);
    whole("min_items", options.min_items, 1);
    whole("small_node", options.small_node, 1);
    if (!(options.max_item_share > 0 && options.max_item_share <= 1)) {
        throw_invalid("node_keywords", "max_item_share", "is " + to_text(options.max_item_share),
                      "give a share in (0, 1]");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE std::vector<std::vector<Keyword>> node_keywords(const ClassTerms& terms,
                                                                 const Hierarchy& hierarchy,
                                                                 const KeywordOptions& options) {
    validate(options);
    if (terms.counts.rows != hierarchy.num_nodes()) {
        throw_shape("node_keywords",
                    "the terms have " + std::to_string(terms.counts.rows) + " rows, the hierarchy has " +
                        std::to_string(hierarchy.num_nodes()) + " nodes",
                    "give class_tfidf() of this hierarchy");
    }
    if (terms.item_frequency.size() != terms.counts.indices.size() ||
        terms.largest_count.size() != terms.counts.indices.size()) {
        throw_shape("node_keywords", "item_frequency or largest_count is not aligned with the counts",
                    "give class_tfidf() of this hierarchy");
    }
    std::vector<Index> everywhere(static_cast<std::size_t>(terms.counts.cols), 0);  // items with the term
    if (hierarchy.num_levels() > 0) {
        for (auto e = std::size_t{0};
             e < static_cast<std::size_t>(
                     terms.counts.indptr[static_cast<std::size_t>(hierarchy.level_begin[1])]);
             ++e) {
            everywhere[static_cast<std::size_t>(terms.counts.indices[e])] += terms.item_frequency[e];
        }
    }
    std::vector<std::vector<Keyword>> keywords(hierarchy.nodes.size());
    parallel_blocks(hierarchy.num_nodes(), options.num_threads, [&](std::int64_t row, int) {
        const auto node = static_cast<std::size_t>(row);
        const std::int64_t size = hierarchy.nodes[node].size();
        const Index family = detail::keyword_family(hierarchy, static_cast<Index>(row));
        const std::int64_t family_size = family == -2 ? size
                                         : family == -1
                                             ? hierarchy.num_items()
                                             : hierarchy.nodes[static_cast<std::size_t>(family)].size();
        // The family's row holds every term of the node's: one walk over both.
        const std::int64_t family_row = family >= 0 ? family : row;
        auto in_family = static_cast<std::size_t>(terms.counts.indptr[static_cast<std::size_t>(family_row)]);
        std::vector<detail::KeywordCandidate> good;
        std::vector<detail::KeywordCandidate> others;
        for (auto e = static_cast<std::size_t>(terms.counts.indptr[node]);
             e < static_cast<std::size_t>(terms.counts.indptr[node + 1]); ++e) {
            const Index column = terms.counts.indices[e];
            const double weight = terms.weights.values[e];
            if (!(weight > 0)) continue;
            Index with = everywhere[static_cast<std::size_t>(column)];
            if (family != -1) {
                while (terms.counts.indices[in_family] < column) ++in_family;
                with = terms.item_frequency[in_family];
            }
            const Index items = terms.item_frequency[e];
            const double inside = (static_cast<double>(items) + 0.5) / (static_cast<double>(size) + 1.0);
            const double beside =
                (static_cast<double>(with - items) + 0.5) / (static_cast<double>(family_size - size) + 1.0);
            const double ratio = family == -2 ? 0.5 : inside / (inside + beside);
            const double share = static_cast<double>(items) / static_cast<double>(size);
            detail::KeywordCandidate candidate;
            candidate.column = column;
            candidate.count = terms.counts.values[e];
            candidate.score = weight * detail::keyword_power(ratio, options.contrast) *
                              detail::keyword_power(share, options.coverage);
            const bool small = size < options.small_node;
            const bool shared = small || (items >= options.min_items &&
                                          static_cast<double>(terms.largest_count[e]) <=
                                              options.max_item_share * static_cast<double>(candidate.count));
            const bool worded =
                detail::keyword_has_letter(terms.vocabulary[static_cast<std::size_t>(column)]);
            (shared && worded ? good : others).push_back(candidate);
        }
        std::vector<detail::KeywordCandidate>& candidates = good.empty() ? others : good;
        const auto better = [](const detail::KeywordCandidate& a, const detail::KeywordCandidate& b) {
            return a.score != b.score ? a.score > b.score : a.column < b.column;
        };
        std::sort(candidates.begin(), candidates.end(), better);
        keywords[node] = detail::choose_keywords(candidates, terms, options);
    });
    return keywords;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_NODE_KEYWORDS_IMPL_HPP
