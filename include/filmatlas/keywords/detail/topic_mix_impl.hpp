// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_TOPIC_MIX_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_TOPIC_MIX_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
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
    /// Classes that hold the term, ascending, and its parts of their rows.
    std::span<const Index> classes_with(Index term) const { return {rows_.data() + begin(term), size(term)}; }
    std::span<const double> parts_of(Index term) const { return {values_.data() + begin(term), size(term)}; }

private:
    std::size_t begin(Index term) const { return begin_[static_cast<std::size_t>(term)]; }
    std::size_t size(Index term) const { return begin_[static_cast<std::size_t>(term) + 1] - begin(term); }

    std::size_t classes_;
    std::vector<std::size_t> begin_;
    std::vector<Index> rows_;
    std::vector<double> values_;
};

/// Where a window can reach a least cosine at all. A sum of k products is at least x only if one of them is at least
/// x / k, so classes in which no term of the window is strong need no look. What is looked at is summed in the order
/// of ClassIndex::add(): skipping changes no bit.
class StrongClasses {
public:
    /// @param least smallest share of a term in a class's unit row that can matter.
    StrongClasses(const ClassIndex& index, std::span<const double> idf, double least, int num_threads)
        : index_(index), terms_(idf.size()), dense_(idf.size(), kNone) {
        std::size_t entries = 0;
        for (std::size_t t = 0; t < terms_.size(); ++t) {
            const auto parts = index.parts_of(static_cast<Index>(t));
            terms_[t].idf = idf[t];
            terms_[t].begin = entries;
            for (const double part : parts) {
                entries += std::abs(part) >= least ? 1 : 0;
                terms_[t].top = std::max(terms_[t].top, std::abs(part));
            }
            terms_[t].end = entries;
            if (parts.size() < 16 || 4 * parts.size() < index.classes()) continue;
            dense_[t] = values_.size();
            values_.resize(values_.size() + index.classes());
        }
        strong_.resize(entries);
        parallel_for(static_cast<std::int64_t>(terms_.size()), 1024, num_threads, [&](std::int64_t first, std::int64_t last) {
            for (auto t = static_cast<std::size_t>(first); t < static_cast<std::size_t>(last); ++t) {
                const auto rows = index.classes_with(static_cast<Index>(t));
                const auto parts = index.parts_of(static_cast<Index>(t));
                std::size_t at = terms_[t].begin;
                for (std::size_t e = 0; e < rows.size(); ++e) {
                    if (std::abs(parts[e]) >= least) strong_[at++] = {std::abs(parts[e]), rows[e]};
                    if (dense_[t] != kNone) values_[dense_[t] + static_cast<std::size_t>(rows[e])] = parts[e];
                }
                std::sort(strong_.begin() + static_cast<std::ptrdiff_t>(terms_[t].begin),
                          strong_.begin() + static_cast<std::ptrdiff_t>(at), std::greater<>());
            }
        });
    }
    /// (part, class) of the classes where the term is strong, strongest first.
    std::span<const std::pair<double, Index>> strong(Index term) const {
        const Term& entry = terms_[static_cast<std::size_t>(term)];
        return {strong_.data() + entry.begin, entry.end - entry.begin};
    }
    double idf(Index term) const { return terms_[static_cast<std::size_t>(term)].idf; }
    /// The term's largest part of any class's unit row.
    double top(Index term) const { return terms_[static_cast<std::size_t>(term)].top; }
    /// The term's part of a class's unit row.
    double part(Index term, Index row) const {
        const std::size_t dense = dense_[static_cast<std::size_t>(term)];
        if (dense != kNone) return values_[dense + static_cast<std::size_t>(row)];
        const auto rows = index_.classes_with(term);
        const auto at = std::lower_bound(rows.begin(), rows.end(), row);
        if (at == rows.end() || *at != row) return 0;
        return index_.parts_of(term)[static_cast<std::size_t>(at - rows.begin())];
    }

private:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    struct Term {
        double idf = 0;
        double top = 0;
        std::size_t begin = 0;  // of its strong classes
        std::size_t end = 0;
    };

    const ClassIndex& index_;
    std::vector<Term> terms_;
    std::vector<std::pair<double, Index>> strong_;
    std::vector<std::size_t> dense_;  // of terms that a quarter of the classes hold: where their rows begin
    std::vector<double> values_;
};

/// Terms that begin at a token of a stream.
class TermStarts {
public:
    struct Found {
        Index term;
        std::int64_t length;  ///< tokens
    };
    TermStarts(const TokenStream& stream, std::span<const std::string> vocabulary)
        : single_(stream.vocabulary.size(), -1), longer_of_(stream.vocabulary.size(), -1) {
        std::vector<Index> tokens;
        for (std::size_t t = 0; t < vocabulary.size(); ++t) {
            const std::string_view term = vocabulary[t];
            tokens.clear();
            bool known = !term.empty();
            for (std::size_t at = 0; at < term.size() && known;) {
                const std::size_t end = std::min(term.find(' ', at), term.size());
                tokens.push_back(find_term(stream.vocabulary, term.substr(at, end - at)));
                known = tokens.back() >= 0;
                at = end + 1;
            }
            if (!known) continue;
            longest_ = std::max(longest_, tokens.size());
            if (tokens.size() == 1) {
                single_[static_cast<std::size_t>(tokens.front())] = static_cast<Index>(t);
                continue;
            }
            Index& longer = longer_of_[static_cast<std::size_t>(tokens.front())];
            if (longer < 0) {
                longer = static_cast<Index>(longer_.size());
                longer_.emplace_back();
            }
            longer_[static_cast<std::size_t>(longer)].push_back({static_cast<Index>(t), tokens});
        }
    }
    /// Tokens of the longest term, at least 1.
    std::size_t longest() const noexcept { return longest_; }
    /// Lists the terms of a document; those that begin at token i are found[begin[i]] .. found[begin[i + 1] - 1].
    void list(std::span<const Index> tokens, std::vector<Found>& found, std::vector<std::size_t>& begin) const {
        found.clear();
        begin.assign(1, 0);
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            if (tokens[i] >= 0) {
                const auto token = static_cast<std::size_t>(tokens[i]);
                if (single_[token] >= 0) found.push_back({single_[token], 1});
                if (longer_of_[token] >= 0) list_longer(tokens.subspan(i), found);
            }
            begin.push_back(found.size());
        }
    }

private:
    struct Entry {
        Index term;
        std::vector<Index> tokens;
    };
    void list_longer(std::span<const Index> tokens, std::vector<Found>& found) const {
        const Index first = longer_of_[static_cast<std::size_t>(tokens.front())];
        for (const Entry& entry : longer_[static_cast<std::size_t>(first)]) {
            if (entry.tokens.size() <= tokens.size() &&
                std::equal(entry.tokens.begin(), entry.tokens.end(), tokens.begin())) {
                found.push_back({entry.term, static_cast<std::int64_t>(entry.tokens.size())});
            }
        }
    }

    std::vector<Index> single_;     // term of a token alone
    std::vector<Index> longer_of_;  // list of the longer terms that begin with a token
    std::vector<std::vector<Entry>> longer_;
    std::size_t longest_ = 1;
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

/// Cosines of windows of terms with all classes, where they reach `least`.
class WindowCosines {
public:
    struct Hit {
        Index row = 0;
        double cosine = 0;
    };
    WindowCosines(const ClassIndex& index, const StrongClasses& classes, double least, bool reduce_frequent_words)
        : index_(index),
          classes_(classes),
          least_(least),
          reduce_frequent_words_(reduce_frequent_words),
          marked_(index.classes(), 0) {}

    /// @param held the window's terms in any order, sorted here. Windows that slide over words of no term often hold
    /// what the one before held; its hits are then given again.
    std::span<const Hit> operator()(std::vector<Index>& held) {
        std::sort(held.begin(), held.end());
        if (held == before_) return hits_;
        before_ = held;
        hits_.clear();
        weigh(held);
        // Rounding never hides a class: bounds are kept below what a hit needs.
        if (!(scale_ > 0) || most_ * scale_ < least_ * (1 - 1e-9)) return hits_;
        find_candidates();
        if (4 * candidates_.size() > marked_.size()) {
            dots_.assign(marked_.size(), 0);
            for (const auto& [term, weight] : weights_) index_.add(term, weight, dots_.data());
            for (const Index row : candidates_) keep(row, dots_[static_cast<std::size_t>(row)]);
        } else {
            for (const Index row : candidates_) {
                double dot = 0;
                for (const auto& [term, weight] : weights_) dot += weight * classes_.part(term, row);
                keep(row, dot);
            }
        }
        return hits_;
    }

private:
    void weigh(const std::vector<Index>& held) {
        weights_.clear();
        most_ = 0;
        double squares = 0;
        for (std::size_t e = 0; e < held.size();) {
            std::size_t next = e;
            while (next < held.size() && held[next] == held[e]) ++next;
            const double weight =
                mix_weight(static_cast<double>(next - e), classes_.idf(held[e]), reduce_frequent_words_);
            weights_.emplace_back(held[e], weight);
            most_ += std::abs(weight) * classes_.top(held[e]);
            squares += weight * weight;
            e = next;
        }
        scale_ = squares > 0 ? 1 / std::sqrt(squares) : 0.0;
    }
    void find_candidates() {
        candidates_.clear();
        const double needed = least_ / scale_ * (1 - 1e-9);
        const double mean = needed / static_cast<double>(weights_.size());  // one term has this at least, ...
        for (const auto& [term, weight] : weights_) {
            const double size = std::abs(weight);
            const double rest = most_ - size * classes_.top(term);
            const double bound = std::max(mean, needed - rest);  // ... and all have what the others cannot give
            for (const auto& [part, row] : classes_.strong(term)) {
                if (part * size < bound) break;
                char& marked = marked_[static_cast<std::size_t>(row)];
                if (marked == 0) candidates_.push_back(row);
                marked = 1;
            }
        }
        for (const Index row : candidates_) marked_[static_cast<std::size_t>(row)] = 0;
    }
    void keep(Index row, double dot) {
        const double cosine = dot * scale_;
        if (cosine >= least_) hits_.push_back({row, cosine});
    }

    const ClassIndex& index_;
    const StrongClasses& classes_;
    double least_;
    bool reduce_frequent_words_;
    double scale_ = 0;
    double most_ = 0;  // no class has a larger product with the window
    std::vector<Index> before_;
    std::vector<std::pair<Index, double>> weights_;  // of the window's terms, ascending
    std::vector<Index> candidates_;
    std::vector<char> marked_;
    std::vector<double> dots_;
    std::vector<Hit> hits_;
};

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
    const double most_terms = static_cast<double>(options.window) * static_cast<double>(starts.longest());
    const detail::StrongClasses strong(index, idf, options.min_similarity / most_terms * (1 - 1e-9),
                                       options.num_threads);
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
            std::vector<detail::TermStarts::Found> found;
            std::vector<std::size_t> found_begin;
            std::vector<Index> held;
            detail::WindowCosines cosines(index, strong, options.min_similarity, options.reduce_frequent_words);
            for (std::int64_t i = begin; i < end; ++i) {
                std::fill(sums.begin(), sums.end(), 0.0);
                const auto tokens = documents.document(i);
                starts.list(tokens, found, found_begin);
                const auto length = static_cast<std::int64_t>(tokens.size());
                const auto window = static_cast<std::int64_t>(options.window);
                const auto one_window = [&](std::int64_t from, std::int64_t to) {
                    held.clear();
                    for (std::int64_t at = from; at < to; ++at) {
                        for (std::size_t f = found_begin[static_cast<std::size_t>(at)];
                             f < found_begin[static_cast<std::size_t>(at) + 1]; ++f) {
                            if (found[f].length <= to - at) held.push_back(found[f].term);
                        }
                    }
                    if (held.empty()) return;
                    for (const auto& hit : cosines(held)) sums[static_cast<std::size_t>(hit.row)] += hit.cosine;
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
