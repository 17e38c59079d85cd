// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_CLASS_TFIDF_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_CLASS_TFIDF_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/keywords/class_tfidf.hpp"
#include "filmatlas/keywords/detail/node_counts.hpp"
#include "filmatlas/keywords/detail/word_forms.hpp"
#include "filmatlas/text/tokenize.hpp"
#include "filmatlas/text/vocabulary.hpp"

namespace filmatlas {
namespace detail {

/// idf of terms with corpus counts `frequency` and mean class size `mean_size` (A, already truncated).
inline std::vector<double> idf_of_frequencies(std::span<const std::int64_t> frequency, std::int64_t mean_size,
                                              std::span<const std::string> vocabulary,
                                              const ClassTfidfOptions& options) {
    std::vector<double> idf(frequency.size(), 0.0);
    const auto a = static_cast<double>(mean_size);
    for (std::size_t t = 0; t < idf.size(); ++t) {
        if (frequency[t] == 0) continue;
        const auto f = static_cast<double>(frequency[t]);
        idf[t] = options.bm25_weighting ? std::log(1.0 + (a - f + 0.5) / (f + 0.5)) : std::log(a / f + 1.0);
    }
    for (std::size_t s = 0; s < options.seed_words.size(); ++s) {
        const auto end = options.seed_words.begin() + static_cast<std::ptrdiff_t>(s);
        if (std::find(options.seed_words.begin(), end, options.seed_words[s]) != end)
            continue;  // named twice
        const Index t = find_term(vocabulary, options.seed_words[s]);
        if (t >= 0) idf[static_cast<std::size_t>(t)] *= options.seed_multiplier;
    }
    return idf;
}

inline void weigh_class_row(std::span<const Index> columns, std::span<const std::int64_t> counts,
                            std::span<const double> idf, bool reduce_frequent_words, double* out) {
    std::int64_t total = 0;
    for (const std::int64_t count : counts) total += count;
    for (std::size_t e = 0; e < columns.size(); ++e) {
        double tf = total == 0 ? 0.0 : static_cast<double>(counts[e]) / static_cast<double>(total);
        if (reduce_frequent_words) tf = std::sqrt(tf);
        out[e] = tf * idf[static_cast<std::size_t>(columns[e])];
    }
}

/// Joins rows into ClassTerms; weights are left at zero.
inline ClassTerms join_class_rows(std::vector<ClassRow> rows, std::span<const std::string> vocabulary) {
    ClassTerms terms;
    terms.vocabulary.assign(vocabulary.begin(), vocabulary.end());
    terms.counts.rows = static_cast<std::int64_t>(rows.size());
    terms.counts.cols = static_cast<std::int64_t>(vocabulary.size());
    std::size_t entries = 0;
    for (const ClassRow& row : rows) entries += row.columns.size();
    terms.counts.indices.reserve(entries);
    terms.counts.values.reserve(entries);
    terms.item_frequency.reserve(entries);
    terms.largest_count.reserve(entries);
    for (ClassRow& row : rows) {
        terms.counts.indices.insert(terms.counts.indices.end(), row.columns.begin(), row.columns.end());
        terms.counts.values.insert(terms.counts.values.end(), row.counts.begin(), row.counts.end());
        terms.item_frequency.insert(terms.item_frequency.end(), row.items.begin(), row.items.end());
        terms.largest_count.insert(terms.largest_count.end(), row.largest.begin(), row.largest.end());
        terms.counts.indptr.push_back(terms.counts.nnz());
        row = {};
    }
    terms.weights.rows = terms.counts.rows;
    terms.weights.cols = terms.counts.cols;
    terms.weights.indptr = terms.counts.indptr;
    terms.weights.indices = terms.counts.indices;
    terms.weights.values.resize(entries);
    return terms;
}

/// Weighs the rows [begin, end) as the classes of one partition.
inline void weigh_classes(ClassTerms& terms, std::int64_t begin, std::int64_t end,
                          std::span<const std::int64_t> frequency, const ClassTfidfOptions& options) {
    if (begin == end) return;
    std::int64_t total = 0;
    for (const std::int64_t f : frequency) total += f;
    const std::vector<double> idf =
        idf_of_frequencies(frequency, total / (end - begin), terms.vocabulary, options);
    parallel_for(end - begin, 16, options.num_threads, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t row = begin + first; row < begin + last; ++row) {
            weigh_class_row(terms.counts.row_indices(row), terms.counts.row_values(row), idf,
                            options.reduce_frequent_words,
                            terms.weights.values.data() + terms.counts.indptr[static_cast<std::size_t>(row)]);
        }
    });
}

/// Corpus counts of the terms, from the rows [begin, end).
inline std::vector<std::int64_t> term_frequency(const CsrMatrix<std::int64_t>& counts, std::int64_t begin,
                                                std::int64_t end) {
    std::vector<std::int64_t> frequency(static_cast<std::size_t>(counts.cols), 0);
    for (auto e = static_cast<std::size_t>(counts.indptr[static_cast<std::size_t>(begin)]);
         e < static_cast<std::size_t>(counts.indptr[static_cast<std::size_t>(end)]); ++e) {
        frequency[static_cast<std::size_t>(counts.indices[e])] += counts.values[e];
    }
    return frequency;
}

inline void check_class_vocabulary(const CsrMatrix<std::int32_t>& counts,
                                   std::span<const std::string> vocabulary) {
    if (static_cast<std::int64_t>(vocabulary.size()) != counts.cols) {
        throw_shape("class_tfidf", "the counts have " + std::to_string(counts.cols) +
                                       " columns, the vocabulary has " + std::to_string(vocabulary.size()) +
                                       " terms");
    }
}

}  // namespace detail

FILMATLAS_INLINE void validate(const ClassTfidfOptions& options) {
    if (!(options.seed_multiplier > 0) || !std::isfinite(options.seed_multiplier)) {
        throw_invalid("class_tfidf", "seed_multiplier", "is " + to_text(options.seed_multiplier),
                      "use a finite number above 0");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE ClassTerms class_tfidf(const CsrMatrix<std::int32_t>& counts,
                                        std::span<const std::string> vocabulary,
                                        std::span<const Index> groups, const ClassTfidfOptions& options) {
    validate(options);
    detail::check_class_vocabulary(counts, vocabulary);
    detail::check_counts_shape("class_tfidf", counts, static_cast<std::int64_t>(groups.size()),
                               "the grouping");
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (groups[i] >= -1) continue;
        throw Error(ErrorCode::InvalidArgument,
                    ErrorContext{"class_tfidf", {}, static_cast<std::int64_t>(i), "groups", -1},
                    "the group is " + std::to_string(groups[i]), "use 0, 1, ... and -1 for outliers");
    }
    // Items by group, ascending; a stable order of the items inside keeps nothing but sums, so any would do.
    std::vector<Index> order(groups.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
        return groups[static_cast<std::size_t>(a)] < groups[static_cast<std::size_t>(b)];
    });
    std::vector<Index> ids;
    std::vector<std::size_t> begin;
    for (std::size_t i = 0; i < order.size(); ++i) {
        const Index group = groups[static_cast<std::size_t>(order[i])];
        if (!ids.empty() && ids.back() == group) continue;
        ids.push_back(group);
        begin.push_back(i);
    }
    begin.push_back(order.size());
    const auto classes = static_cast<std::int64_t>(ids.size());
    ClassTerms terms =
        detail::join_class_rows(detail::class_rows(counts, classes, options.num_threads,
                                                   [&](std::int64_t c) {
                                                       const auto at = static_cast<std::size_t>(c);
                                                       return std::span<const Index>(order).subspan(
                                                           begin[at], begin[at + 1] - begin[at]);
                                                   }),
                                vocabulary);
    for (std::size_t c = 0; c + 1 < begin.size(); ++c) {
        terms.class_sizes.push_back(static_cast<std::int64_t>(begin[c + 1] - begin[c]));
    }
    terms.class_ids = std::move(ids);
    detail::weigh_classes(terms, 0, classes, detail::term_frequency(terms.counts, 0, classes), options);
    return terms;
}

FILMATLAS_INLINE ClassTerms class_tfidf(const CsrMatrix<std::int32_t>& counts,
                                        std::span<const std::string> vocabulary, const Hierarchy& hierarchy,
                                        const ClassTfidfOptions& options) {
    validate(options);
    detail::check_class_vocabulary(counts, vocabulary);
    detail::check_counts_shape("class_tfidf", counts, hierarchy.num_items(), "the hierarchy");
    ClassTerms terms =
        detail::join_class_rows(detail::node_rows(counts, hierarchy, options.num_threads), vocabulary);
    for (std::size_t node = 0; node < hierarchy.nodes.size(); ++node) {
        terms.class_sizes.push_back(hierarchy.nodes[node].size());
        terms.class_ids.push_back(static_cast<Index>(node));
    }
    if (hierarchy.num_levels() == 0) return terms;
    const std::vector<std::int64_t> frequency =
        detail::term_frequency(terms.counts, hierarchy.level_begin[0], hierarchy.level_begin[1]);
    for (std::size_t level = 0; level + 1 < hierarchy.level_begin.size(); ++level) {
        detail::weigh_classes(terms, hierarchy.level_begin[level], hierarchy.level_begin[level + 1],
                              frequency, options);
    }
    return terms;
}

FILMATLAS_INLINE CsrMatrix<double> class_weights(const CsrMatrix<std::int64_t>& counts,
                                                 std::span<const double> idf, bool reduce_frequent_words) {
    if (static_cast<std::int64_t>(idf.size()) != counts.cols) {
        throw_shape("class_weights", "idf has " + std::to_string(idf.size()) + " entries, the counts have " +
                                         std::to_string(counts.cols) + " terms");
    }
    CsrMatrix<double> weights;
    weights.rows = counts.rows;
    weights.cols = counts.cols;
    weights.indptr = counts.indptr;
    weights.indices = counts.indices;
    weights.values.resize(counts.values.size());
    for (std::int64_t row = 0; row < counts.rows; ++row) {
        detail::weigh_class_row(counts.row_indices(row), counts.row_values(row), idf, reduce_frequent_words,
                                weights.values.data() + counts.indptr[static_cast<std::size_t>(row)]);
    }
    return weights;
}

FILMATLAS_INLINE ClassTerms with_idf(ClassTerms terms, std::span<const double> idf, bool reduce_frequent_words) {
    terms.weights = class_weights(terms.counts, idf, reduce_frequent_words);
    return terms;
}

FILMATLAS_INLINE std::vector<double> class_idf(const CsrMatrix<std::int64_t>& counts,
                                               std::span<const std::string> vocabulary,
                                               const ClassTfidfOptions& options) {
    validate(options);
    if (static_cast<std::int64_t>(vocabulary.size()) != counts.cols) {
        throw_shape("class_idf", "the counts have " + std::to_string(counts.cols) +
                                     " columns, the vocabulary has " + std::to_string(vocabulary.size()) +
                                     " terms");
    }
    const std::vector<std::int64_t> frequency = detail::term_frequency(counts, 0, counts.rows);
    std::int64_t total = 0;
    for (const std::int64_t f : frequency) total += f;
    return detail::idf_of_frequencies(frequency, counts.rows == 0 ? 0 : total / counts.rows, vocabulary,
                                      options);
}

FILMATLAS_INLINE CsrMatrix<std::int32_t> drop_name_terms(const CsrMatrix<std::int32_t>& counts,
                                                         std::span<const std::string> vocabulary,
                                                         std::span<const std::string> names,
                                                         int num_threads) {
    detail::check_class_vocabulary(counts, vocabulary);
    detail::check_counts_shape("drop_name_terms", counts, static_cast<std::int64_t>(names.size()),
                               "the name list");
    std::vector<std::vector<detail::WordForms>> forms(vocabulary.size());  // of every word of every term
    parallel_for(static_cast<std::int64_t>(vocabulary.size()), 1024, num_threads,
                 [&](std::int64_t first, std::int64_t last) {
                     for (auto t = static_cast<std::size_t>(first); t < static_cast<std::size_t>(last); ++t) {
                         forms[t] = detail::TermForms(vocabulary[t]).words;
                     }
                 });
    std::vector<char> keep(counts.indices.size(), 1);
    parallel_for(counts.rows, 256, num_threads, [&](std::int64_t first, std::int64_t last) {
        std::vector<detail::WordForms> name;
        for (std::int64_t i = first; i < last; ++i) {
            name.clear();
            for (const std::string& token :
                 tokenize(names[static_cast<std::size_t>(i)], TokenizeOptions{.min_length = 1})) {
                name.emplace_back(token);
            }
            const auto in_name = [&](const detail::WordForms& word) {
                return std::any_of(name.begin(), name.end(),
                                   [&](const detail::WordForms& token) { return token.same_word(word); });
            };
            const auto columns = counts.row_indices(i);
            char* const flags = keep.data() + counts.indptr[static_cast<std::size_t>(i)];
            for (std::size_t e = 0; e < columns.size(); ++e) {
                const std::vector<detail::WordForms>& words = forms[static_cast<std::size_t>(columns[e])];
                if (std::any_of(words.begin(), words.end(), in_name)) flags[e] = 0;
            }
        }
    });
    CsrMatrix<std::int32_t> kept;
    kept.rows = counts.rows;
    kept.cols = counts.cols;
    for (std::int64_t i = 0; i < counts.rows; ++i) {
        for (auto e = static_cast<std::size_t>(counts.indptr[static_cast<std::size_t>(i)]);
             e < static_cast<std::size_t>(counts.indptr[static_cast<std::size_t>(i) + 1]); ++e) {
            if (keep[e] == 0) continue;
            kept.indices.push_back(counts.indices[e]);
            kept.values.push_back(counts.values[e]);
        }
        kept.indptr.push_back(kept.nnz());
    }
    return kept;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_CLASS_TFIDF_IMPL_HPP
