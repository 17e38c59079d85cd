// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_TOPIC_MIX_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_TOPIC_MIX_IMPL_HPP

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
#include "filmatlas/keywords/detail/node_counts.hpp"
#include "filmatlas/keywords/topic_mix.hpp"
#include "filmatlas/text/vocabulary.hpp"

namespace filmatlas {
namespace detail {

/// Unit class rows, by term: the classes that hold it and its part of their rows.
class ClassIndex {
public:
    explicit ClassIndex(const ClassTerms& terms) : classes_(static_cast<std::size_t>(terms.weights.rows)) {
        const auto cols = static_cast<std::size_t>(terms.weights.cols);
        begin_.assign(cols + 1, 0);
        for (const Index column : terms.weights.indices) ++begin_[static_cast<std::size_t>(column) + 1];
        for (std::size_t t = 0; t < cols; ++t) begin_[t + 1] += begin_[t];
        rows_.resize(terms.weights.indices.size());
        values_.resize(rows_.size());
        std::vector<std::size_t> at(begin_.begin(), begin_.end() - 1);
        for (std::int64_t row = 0; row < terms.weights.rows; ++row) {
            const auto columns = terms.weights.row_indices(row);
            const auto weights = terms.weights.row_values(row);
            double squares = 0;
            for (const double weight : weights) squares += weight * weight;
            const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0.0;
            for (std::size_t e = 0; e < columns.size(); ++e) {
                const std::size_t to = at[static_cast<std::size_t>(columns[e])]++;
                rows_[to] = static_cast<Index>(row);
                values_[to] = weights[e] * scale;
            }
        }
    }
    std::size_t classes() const noexcept { return classes_; }
    /// sums[class] += weight * part of the term in the class.
    void add(Index term, double weight, double* sums) const {
        for (std::size_t e = begin_[static_cast<std::size_t>(term)];
             e < begin_[static_cast<std::size_t>(term) + 1]; ++e) {
            sums[rows_[e]] += weight * values_[e];
        }
    }
    /// Classes that hold the term.
    std::span<const Index> classes_with(Index term) const {
        const std::size_t begin = begin_[static_cast<std::size_t>(term)];
        return {rows_.data() + begin, begin_[static_cast<std::size_t>(term) + 1] - begin};
    }

private:
    std::size_t classes_;
    std::vector<std::size_t> begin_;
    std::vector<Index> rows_;
    std::vector<double> values_;
};

/// Terms that begin at a token of a stream.
class TermStarts {
public:
    TermStarts(const TokenStream& stream, std::span<const std::string> vocabulary)
        : start_of_(stream.vocabulary.size(), -1) {
        for (std::size_t t = 0; t < vocabulary.size(); ++t) {
            Entry entry{static_cast<Index>(t), {}};
            const std::string_view term = vocabulary[t];
            bool known = true;
            for (std::size_t at = 0; at < term.size() && known;) {
                const std::size_t end = std::min(term.find(' ', at), term.size());
                const Index id = find_term(stream.vocabulary, term.substr(at, end - at));
                known = id >= 0;
                entry.tokens.push_back(id);
                at = end + 1;
            }
            if (!known || entry.tokens.empty()) continue;
            Index& start = start_of_[static_cast<std::size_t>(entry.tokens.front())];
            if (start < 0) {
                start = static_cast<Index>(entries_.size());
                entries_.emplace_back();
            }
            entries_[static_cast<std::size_t>(start)].push_back(std::move(entry));
        }
    }
    /// Calls `use(term)` for every term that begins at tokens[0] and fits.
    template <class Use>
    void each(std::span<const Index> tokens, Use&& use) const {
        if (tokens.empty() || tokens[0] < 0) return;
        const Index start = start_of_[static_cast<std::size_t>(tokens[0])];
        if (start < 0) return;
        for (const Entry& entry : entries_[static_cast<std::size_t>(start)]) {
            if (entry.tokens.size() <= tokens.size() &&
                std::equal(entry.tokens.begin(), entry.tokens.end(), tokens.begin())) {
                use(entry.term);
            }
        }
    }

private:
    struct Entry {
        Index term;
        std::vector<Index> tokens;
    };
    std::vector<Index> start_of_;
    std::vector<std::vector<Entry>> entries_;
};

inline void check_mix_shape(const char* stage, const ClassTerms& terms, std::span<const double> idf) {
    if (static_cast<std::int64_t>(idf.size()) != terms.weights.cols ||
        static_cast<std::int64_t>(terms.vocabulary.size()) != terms.weights.cols) {
        throw_shape(stage, "idf has " + std::to_string(idf.size()) + " entries, the terms have " +
                               std::to_string(terms.weights.cols) + " columns");
    }
}

/// Weight of `count` occurrences; the sum of the counts cancels in a cosine.
inline double mix_weight(double count, double idf, bool reduce_frequent_words) {
    return (reduce_frequent_words ? std::sqrt(count) : count) * idf;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const MixOptions& options) {
    if (options.window < 1) {
        throw_invalid("topic_mix", "window", "is " + std::to_string(options.window), "use 1 or more");
    }
    if (options.stride < 1 || options.stride > options.window) {
        throw_invalid("topic_mix", "stride", "is " + std::to_string(options.stride), "use 1 .. window");
    }
    if (!(options.min_similarity >= 0 && options.min_similarity <= 1)) {
        throw_invalid("topic_mix", "min_similarity", "is " + to_text(options.min_similarity), "use 0 .. 1");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE CsrMatrix<double> topic_mix(const TokenStream& documents, const ClassTerms& terms,
                                             std::span<const double> idf, const MixOptions& options,
                                             const Progress& progress) {
    validate(options);
    detail::check_mix_shape("topic_mix", terms, idf);
    const detail::ClassIndex index(terms);
    const detail::TermStarts starts(documents, terms.vocabulary);
    const std::size_t classes = index.classes();
    struct Row {
        std::vector<Index> columns;
        std::vector<double> values;
    };
    std::vector<Row> rows(static_cast<std::size_t>(documents.num_documents()));
    parallel_for(
        documents.num_documents(), 64, options.num_threads,
        [&](std::int64_t begin, std::int64_t end) {
            std::vector<double> sums(classes);
            std::vector<double> dots(classes);
            std::vector<Index> held;
            const double least = options.min_similarity;
            for (std::int64_t i = begin; i < end; ++i) {
                std::fill(sums.begin(), sums.end(), 0.0);
                const auto tokens = documents.document(i);
                const auto length = static_cast<std::int64_t>(tokens.size());
                const auto window = static_cast<std::int64_t>(options.window);
                const auto one_window = [&](std::int64_t from, std::int64_t to) {
                    held.clear();
                    for (std::int64_t at = from; at < to; ++at) {
                        starts.each(
                            tokens.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(to - at)),
                            [&](Index term) { held.push_back(term); });
                    }
                    if (held.empty()) return;
                    std::sort(held.begin(), held.end());
                    double squares = 0;
                    std::size_t touched = 0;
                    for (std::size_t e = 0; e < held.size();) {
                        std::size_t next = e;
                        while (next < held.size() && held[next] == held[e]) ++next;
                        const double weight = detail::mix_weight(static_cast<double>(next - e),
                                                                 idf[static_cast<std::size_t>(held[e])],
                                                                 options.reduce_frequent_words);
                        squares += weight * weight;
                        index.add(held[e], weight, dots.data());
                        touched += index.classes_with(held[e]).size();
                        e = next;
                    }
                    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0.0;
                    // `dots` is left at zero. Few windows touch many classes: rare terms are looked up.
                    const auto take = [&](std::size_t c) {
                        const double cosine = dots[c] * scale;
                        sums[c] += cosine >= least ? cosine : 0.0;
                        dots[c] = 0;
                    };
                    if (touched < classes / 2) {
                        for (const Index term : held) {
                            for (const Index c : index.classes_with(term)) take(static_cast<std::size_t>(c));
                        }
                    } else {
                        for (std::size_t c = 0; c < classes; ++c) take(c);
                    }
                };
                if (length < window) {
                    one_window(0, length);
                } else {
                    const std::int64_t stride = options.stride;
                    if (options.padding) {
                        const std::int64_t overhang = (window + stride - 1) / stride - 1;
                        for (std::int64_t o = 0; o < overhang; ++o)
                            one_window(0, window - (overhang - o) * stride);
                    }
                    for (std::int64_t at = 0; at < length; at += stride) {
                        if (options.padding || at + window <= length)
                            one_window(at, std::min(length, at + window));
                    }
                }
                Row& row = rows[static_cast<std::size_t>(i)];
                double total = 0;
                for (std::size_t c = 0; c < classes; ++c) {
                    if (terms.class_ids[c] == -1 || sums[c] == 0) continue;
                    row.columns.push_back(static_cast<Index>(c));
                    row.values.push_back(sums[c]);
                    total += sums[c];
                }
                if (options.normalize && total > 0) {
                    for (double& value : row.values) value /= total;
                }
            }
        },
        progress, "topic_mix");
    CsrMatrix<double> mix;
    mix.rows = documents.num_documents();
    mix.cols = static_cast<std::int64_t>(classes);
    for (const Row& row : rows) {
        mix.indices.insert(mix.indices.end(), row.columns.begin(), row.columns.end());
        mix.values.insert(mix.values.end(), row.values.begin(), row.values.end());
        mix.indptr.push_back(mix.nnz());
    }
    return mix;
}

FILMATLAS_INLINE Matrix<double> class_similarity(const CsrMatrix<std::int32_t>& counts,
                                                 const ClassTerms& terms, std::span<const double> idf,
                                                 bool reduce_frequent_words, int num_threads) {
    detail::check_mix_shape("class_similarity", terms, idf);
    if (counts.cols != terms.weights.cols) {
        throw_shape("class_similarity", "the counts have " + std::to_string(counts.cols) +
                                            " columns, the terms have " + std::to_string(terms.weights.cols));
    }
    const detail::ClassIndex index(terms);
    Matrix<double> result(counts.rows, terms.weights.rows);
    parallel_for(counts.rows, 64, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            double* const row = result.data() + i * terms.weights.rows;
            const auto columns = counts.row_indices(i);
            const auto values = counts.row_values(i);
            double squares = 0;
            for (std::size_t e = 0; e < columns.size(); ++e) {
                const double weight =
                    detail::mix_weight(static_cast<double>(values[e]),
                                       idf[static_cast<std::size_t>(columns[e])], reduce_frequent_words);
                squares += weight * weight;
                index.add(columns[e], weight, row);
            }
            if (!(squares > 0)) continue;
            for (std::int64_t c = 0; c < terms.weights.rows; ++c) row[c] /= std::sqrt(squares);
        }
    });
    return result;
}

FILMATLAS_INLINE std::vector<std::vector<Index>> term_representatives(
    const CsrMatrix<std::int32_t>& counts, std::span<const Index> groups, const ClassTerms& terms,
    std::span<const double> idf, int count, bool reduce_frequent_words, int num_threads) {
    detail::check_mix_shape("term_representatives", terms, idf);
    detail::check_counts_shape("term_representatives", counts, static_cast<std::int64_t>(groups.size()),
                               "the grouping");
    if (count < 0)
        throw_invalid("term_representatives", "count", "is " + std::to_string(count), "use 0 or more");
    if (counts.cols != terms.weights.cols)
        throw_shape("term_representatives", "counts and terms differ in columns");
    std::vector<std::vector<Index>> members(terms.class_ids.size());
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const auto at = std::lower_bound(terms.class_ids.begin(), terms.class_ids.end(), groups[i]);
        if (at == terms.class_ids.end() || *at != groups[i]) {
            throw_invalid("term_representatives", "groups",
                          "item " + std::to_string(i) + " is in a class without terms");
        }
        members[static_cast<std::size_t>(at - terms.class_ids.begin())].push_back(static_cast<Index>(i));
    }
    std::vector<std::vector<double>> dense(static_cast<std::size_t>(resolve_num_threads(num_threads)));
    std::vector<std::vector<Index>> best(members.size());
    parallel_blocks(static_cast<std::int64_t>(members.size()), num_threads, [&](std::int64_t c, int worker) {
        // The class's length is common to its items and does not change their order.
        std::vector<double>& row = dense[static_cast<std::size_t>(worker)];
        row.resize(idf.size());
        const auto columns = terms.weights.row_indices(c);
        const auto weights = terms.weights.row_values(c);
        for (std::size_t e = 0; e < columns.size(); ++e)
            row[static_cast<std::size_t>(columns[e])] = weights[e];
        std::vector<std::pair<double, Index>> order;
        for (const Index item : members[static_cast<std::size_t>(c)]) {
            const auto held = counts.row_indices(item);
            const auto values = counts.row_values(item);
            double dot = 0;
            double squares = 0;
            for (std::size_t e = 0; e < held.size(); ++e) {
                const auto term = static_cast<std::size_t>(held[e]);
                const double weight =
                    detail::mix_weight(static_cast<double>(values[e]), idf[term], reduce_frequent_words);
                dot += weight * row[term];
                squares += weight * weight;
            }
            order.emplace_back(squares > 0 ? dot / std::sqrt(squares) : 0.0, item);
        }
        for (const Index column : columns) row[static_cast<std::size_t>(column)] = 0;
        const std::size_t wanted = std::min(order.size(), static_cast<std::size_t>(count));
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted), order.end(),
                          [](const auto& a, const auto& b) {
                              return a.first != b.first ? a.first > b.first : a.second < b.second;
                          });
        for (std::size_t i = 0; i < wanted; ++i) best[static_cast<std::size_t>(c)].push_back(order[i].second);
    });
    return best;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_TOPIC_MIX_IMPL_HPP
