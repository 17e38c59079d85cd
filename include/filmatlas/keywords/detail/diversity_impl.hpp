// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_DIVERSITY_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_DIVERSITY_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/keywords/detail/word_forms.hpp"
#include "filmatlas/keywords/diversity.hpp"

namespace filmatlas {
namespace detail {

inline double mmr_cosine(std::span<const float> a, std::span<const float> b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (std::size_t j = 0; j < a.size(); ++j) {
        dot += static_cast<double>(a[j]) * static_cast<double>(b[j]);
        aa += static_cast<double>(a[j]) * static_cast<double>(a[j]);
        bb += static_cast<double>(b[j]) * static_cast<double>(b[j]);
    }
    return aa > 0 && bb > 0 ? dot / (std::sqrt(aa) * std::sqrt(bb)) : 0.0;
}

}  // namespace detail

FILMATLAS_INLINE std::vector<Index> maximal_marginal_relevance(std::span<const float> query,
                                                               MatrixView<const float> candidates, int top_n,
                                                               double diversity) {
    if (candidates.rows > 0 && candidates.cols != static_cast<std::int64_t>(query.size())) {
        throw_shape("maximal_marginal_relevance", "the query has " + std::to_string(query.size()) +
                                                      " dimensions, the candidates have " +
                                                      std::to_string(candidates.cols));
    }
    if (top_n < 0) {
        throw_invalid("maximal_marginal_relevance", "top_n", "is " + std::to_string(top_n), "use 0 or more");
    }
    if (!(diversity >= 0 && diversity <= 1)) {
        throw_invalid("maximal_marginal_relevance", "diversity", "is " + to_text(diversity), "use 0 .. 1");
    }
    const auto m = static_cast<std::size_t>(candidates.rows);
    std::vector<double> relevance(m);
    std::vector<double> nearest(m, 0.0);  // largest cosine to what is chosen
    std::vector<char> chosen(m, 0);
    for (std::size_t i = 0; i < m; ++i) {
        relevance[i] = detail::mmr_cosine(query, candidates.row(static_cast<std::int64_t>(i)));
    }
    std::vector<Index> order;
    while (order.size() < std::min(m, static_cast<std::size_t>(top_n))) {
        std::size_t best = m;
        double best_score = 0;
        for (std::size_t i = 0; i < m; ++i) {
            if (chosen[i] != 0) continue;
            const double score =
                order.empty() ? relevance[i] : (1 - diversity) * relevance[i] - diversity * nearest[i];
            if (best == m || score > best_score) {
                best = i;
                best_score = score;
            }
        }
        chosen[best] = 1;
        for (std::size_t i = 0; i < m; ++i) {
            if (chosen[i] != 0) continue;
            const double cosine = detail::mmr_cosine(candidates.row(static_cast<std::int64_t>(i)),
                                                     candidates.row(static_cast<std::int64_t>(best)));
            nearest[i] = order.empty() ? cosine : std::max(nearest[i], cosine);
        }
        order.push_back(static_cast<Index>(best));
    }
    return order;
}

FILMATLAS_INLINE std::vector<Index> max_sum_diverse(std::span<const float> query, MatrixView<const float> candidates,
                                                    int top_n, int pool) {
    constexpr const char* stage = "max_sum_diverse";
    constexpr double kMostSubsets = 1e7;
    if (pool < 0) throw_invalid(stage, "pool", "is " + std::to_string(pool), "use 0 or more");
    const std::vector<Index> near = maximal_marginal_relevance(query, candidates, std::max(pool, top_n), 0.0);
    const auto wanted = static_cast<std::size_t>(top_n);
    if (near.size() <= wanted) return near;
    double subsets = 1;
    for (std::size_t i = 0; i < std::min(wanted, near.size() - wanted); ++i)
        subsets *= static_cast<double>(near.size() - i) / static_cast<double>(i + 1);
    if (subsets > kMostSubsets) {
        throw_invalid(stage, "pool", "of " + std::to_string(near.size()) + " has too many subsets of " +
                                         std::to_string(top_n), "use a smaller pool");
    }
    Matrix<double> cosine(static_cast<std::int64_t>(near.size()), static_cast<std::int64_t>(near.size()));
    for (std::size_t a = 0; a < near.size(); ++a) {
        for (std::size_t b = 0; b < a; ++b) {
            cosine(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b)) =
                detail::mmr_cosine(candidates.row(near[a]), candidates.row(near[b]));
        }
    }
    std::vector<std::size_t> picks(wanted);  // ascending places in `near`
    std::vector<double> sums(wanted + 1, 0.0);
    std::vector<std::size_t> best;
    double least = std::numeric_limits<double>::infinity();
    std::size_t depth = 0;
    std::size_t next = 0;
    for (;;) {
        if (depth == wanted) {
            if (sums[depth] < least) {
                least = sums[depth];
                best = picks;
            }
        } else if (next + (wanted - depth) <= near.size()) {
            picks[depth] = next;
            double sum = sums[depth];
            for (std::size_t d = 0; d < depth; ++d)
                sum += cosine(static_cast<std::int64_t>(next), static_cast<std::int64_t>(picks[d]));
            sums[++depth] = sum;
            ++next;
            continue;
        }
        if (depth == 0) break;
        next = picks[--depth] + 1;
    }
    std::vector<Index> chosen;
    for (const std::size_t place : best) chosen.push_back(near[place]);
    return chosen;
}

FILMATLAS_INLINE bool same_word(std::string_view a, std::string_view b) {
    return a == b || detail::WordForms(a).same_word(detail::WordForms(b));
}

FILMATLAS_INLINE bool near_duplicate(std::string_view a, std::string_view b) {
    return detail::TermForms(a).near_duplicate(detail::TermForms(b));
}

FILMATLAS_INLINE std::vector<Keyword> fold_near_duplicates(std::span<const Keyword> keywords) {
    std::vector<Keyword> kept;
    std::vector<detail::TermForms> forms;
    for (const Keyword& keyword : keywords) {
        detail::TermForms form(keyword.term);
        const auto repeats = [&](const detail::TermForms& other) { return other.near_duplicate(form); };
        if (std::any_of(forms.begin(), forms.end(), repeats)) continue;
        kept.push_back(keyword);
        forms.push_back(std::move(form));
    }
    return kept;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_DIVERSITY_IMPL_HPP
