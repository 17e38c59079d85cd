// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_RANKERS_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_RANKERS_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/keywords/detail/word_forms.hpp"
#include "filmatlas/keywords/detail/log_odds.hpp"
#include "filmatlas/keywords/rankers.hpp"

namespace filmatlas {
namespace detail {

/// Ranks the rows [begin, end) as the classes of one partition.
class PartitionRanker {
public:
    PartitionRanker(const ClassTerms& terms, const RankOptions& options,
                    const CsrMatrix<std::int32_t>* counts, std::int64_t begin, std::int64_t end)
        : terms_(terms), options_(options), item_counts_(counts), begin_(begin), end_(end) {
        const auto cols = static_cast<std::size_t>(terms.counts.cols);
        counts_.assign(cols, 0);
        items_.assign(cols, 0);
        classes_.assign(cols, 0);
        for (std::int64_t row = begin; row < end; ++row) {
            num_items_ += terms.class_sizes[static_cast<std::size_t>(row)];
            std::int64_t length = 0;
            for (std::size_t e = first(row); e < first(row + 1); ++e) {
                const auto t = static_cast<std::size_t>(terms.counts.indices[e]);
                counts_[t] += terms.counts.values[e];
                items_[t] += terms.item_frequency[e];
                classes_[t] += 1;
                length += terms.counts.values[e];
            }
            lengths_.push_back(length);
            total_ += length;
        }
    }

    void rank(std::vector<std::vector<Keyword>>& out) const {
        std::vector<std::vector<double>> scores(static_cast<std::size_t>(end_ - begin_));
        parallel_blocks(end_ - begin_, options_.num_threads, [&](std::int64_t c, int) {
            auto& row = scores[static_cast<std::size_t>(c)];
            for (std::size_t e = first(begin_ + c); e < first(begin_ + c + 1); ++e)
                row.push_back(score(c, e));
        });
        const bool balanced = options_.rule == KeywordRule::Balanced;
        std::vector<Pool> pools(scores.size());
        parallel_blocks(end_ - begin_, options_.num_threads, [&](std::int64_t c, int) {
            const auto at = static_cast<std::size_t>(c);
            const auto top_n = static_cast<std::size_t>(options_.top_n);
            const std::vector<Entry> best =
                candidates(c, scores[at], balanced ? std::max(kPool, 4 * top_n) : top_n);
            for (const Entry& entry : best) {
                if (balanced && options_.fold_forms) pools[at].forms.emplace_back(term(entry.column));
                pools[at].entries.push_back(entry);
            }
        });
        if (balanced) {
            count_together(pools);
            choose_in_turn(pools);
        }
        for (std::size_t c = 0; c < pools.size(); ++c) {
            auto& list = out[static_cast<std::size_t>(begin_) + c];
            list.clear();
            if (!balanced) pools[c].chosen = first_places(pools[c]);
            std::sort(pools[c].chosen.begin(), pools[c].chosen.end());  // places ascend by score, then term
            for (const std::size_t place : pools[c].chosen) {
                const Entry& entry = pools[c].entries[place];
                list.push_back({term(entry.column), entry.score});
            }
        }
    }

private:
    static constexpr std::size_t kPool = 100;      // candidates per class that are looked at
    static constexpr double kTogether = 5;         // weight of the co-occurrence
    static constexpr double kRepeatGain = 1;       // what a term of another class has to gain
    static constexpr double kRepeatShare = 0.045;  // places that repeated terms may take ...
    static constexpr double kMostRepeats = 0.05;   // ... and their part of the places filled

    struct Entry {
        double score = 0;
        Index column = -1;
        bool passes = true;  ///< held by enough items
    };
    /// Candidates of a class, best first, and those chosen.
    struct Pool {
        std::vector<Entry> entries;
        std::vector<TermForms> forms;
        std::vector<std::int32_t> together;  ///< items with both, entries x entries; the diagonal: with one
        std::vector<std::size_t> chosen;     ///< places in `entries`
    };
    const std::string& term(Index column) const {
        return terms_.vocabulary[static_cast<std::size_t>(column)];
    }
    bool is_outlier(std::size_t c) const {
        return terms_.class_ids[static_cast<std::size_t>(begin_) + c] == -1;
    }

    std::size_t first(std::int64_t row) const {
        return static_cast<std::size_t>(terms_.counts.indptr[static_cast<std::size_t>(row)]);
    }

    double score(std::int64_t c, std::size_t e) const {
        const auto t = static_cast<std::size_t>(terms_.counts.indices[e]);
        const auto x = static_cast<double>(terms_.counts.values[e]);
        const auto n = static_cast<double>(terms_.item_frequency[e]);
        const auto size = static_cast<double>(terms_.class_sizes[static_cast<std::size_t>(begin_ + c)]);
        const auto all_items = static_cast<double>(num_items_);
        const auto with = static_cast<double>(items_[t]);
        const auto length = static_cast<double>(lengths_[static_cast<std::size_t>(c)]);
        const double inside = (n + 0.5) / (size + 1);
        const double beside = (with - n + 0.5) / (all_items - size + 1);
        switch (options_.rule) {
            case KeywordRule::Balanced: {
                const double ratio = inside / (inside + beside);
                return terms_.weights.values[e] * ratio * ratio * std::sqrt(n / size);
            }
            case KeywordRule::ClassTfidf:
                return terms_.weights.values[e];
            case KeywordRule::LogOdds: {
                const auto everywhere = static_cast<double>(counts_[t]);
                const auto total = static_cast<double>(total_);
                const double prior = options_.prior * everywhere / total;
                const double rest = everywhere - x;
                const double delta =
                    std::log((x + prior) / (length + options_.prior - x - prior)) -
                    std::log((rest + prior) / (total - length + options_.prior - rest - prior));
                return delta / std::sqrt(1 / (x + prior) + 1 / (rest + prior));
            }
            case KeywordRule::Lift:
                return inside / beside;
            case KeywordRule::Npmi: {
                const double joint = n / all_items;
                if (joint >= 1) return 0;
                return std::log(joint / (with / all_items * (size / all_items))) / -std::log(joint);
            }
            case KeywordRule::Bm25: {
                const auto classes = static_cast<double>(end_ - begin_);
                const auto holders = static_cast<double>(classes_[t]);
                const double idf = std::log(1 + (classes - holders + 0.5) / (holders + 0.5));
                const double mean = static_cast<double>(total_) / classes;
                return idf * x * 2.2 / (x + 1.2 * (0.25 + 0.75 * length / mean));
            }
            case KeywordRule::SoftClassTfidf:
                return x / length * std::max(0.0, std::log(all_items / static_cast<double>(counts_[t])));
        }
        return 0;
    }

    /// The best `most` terms that pass, and others where these are few.
    std::vector<Entry> candidates(std::int64_t c, const std::vector<double>& scores, std::size_t most) const {
        const bool balanced = options_.rule == KeywordRule::Balanced;
        std::vector<Entry> good;
        std::vector<Entry> others;
        const std::int64_t size = terms_.class_sizes[static_cast<std::size_t>(begin_ + c)];
        for (std::size_t e = first(begin_ + c); e < first(begin_ + c + 1); ++e) {
            const double value = scores[e - first(begin_ + c)];
            if (!(value > 0)) continue;
            const Index column = terms_.counts.indices[e];
            const bool shared = size < 4 || terms_.item_frequency[e] >= options_.min_items;
            const bool worded = !balanced || has_letter(term(column));
            (shared && worded ? good : others).push_back({value, column, true});
        }
        const auto better = [](const Entry& a, const Entry& b) {
            return a.score != b.score ? a.score > b.score : a.column < b.column;
        };
        const auto keep_best = [&](std::vector<Entry>& entries, std::size_t count) {
            count = std::min(count, entries.size());
            std::partial_sort(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count),
                              entries.end(), better);
            entries.resize(count);
        };
        keep_best(good, most);
        const auto wanted = static_cast<std::size_t>(options_.top_n) * (balanced ? 3 : 1);
        if (good.size() >= wanted) return good;
        // Short classes are filled up with the terms that fail, in their order, below the last that passes.
        keep_best(others, wanted - good.size());
        if (!good.empty() && !others.empty() && others.front().score >= good.back().score) {
            const double scale = good.back().score / others.front().score * 0.5;
            for (Entry& entry : others) entry.score *= scale;
        }
        for (Entry& entry : others) {
            entry.passes = false;
            good.push_back(entry);
        }
        return good;
    }

    /// Items that hold two candidates of a class, for all classes in one pass over the counts.
    void count_together(std::vector<Pool>& pools) const {
        if (item_counts_ == nullptr) return;
        std::vector<std::vector<std::pair<std::size_t, std::size_t>>> slots(counts_.size());
        for (std::size_t c = 0; c < pools.size(); ++c) {
            const std::size_t k = pools[c].entries.size();
            pools[c].together.assign(k * k, 0);
            for (std::size_t i = 0; i < k; ++i) {
                slots[static_cast<std::size_t>(pools[c].entries[i].column)].emplace_back(c, i);
            }
        }
        std::vector<std::vector<std::size_t>> met(pools.size());
        std::vector<std::size_t> touched;
        for (std::int64_t item = 0; item < item_counts_->rows; ++item) {
            for (const Index column : item_counts_->row_indices(item)) {
                for (const auto& [c, i] : slots[static_cast<std::size_t>(column)]) {
                    if (met[c].empty()) touched.push_back(c);
                    met[c].push_back(i);
                }
            }
            for (const std::size_t c : touched) {
                const std::size_t k = pools[c].entries.size();
                for (const std::size_t i : met[c]) {
                    for (const std::size_t j : met[c]) ++pools[c].together[i * k + j];
                }
                met[c].clear();
            }
            touched.clear();
        }
    }

    double npmi(const Pool& pool, std::size_t i, std::size_t j) const {
        constexpr double kEpsilon = 1e-12;
        const std::size_t k = pool.entries.size();
        const auto items = static_cast<double>(item_counts_->rows);
        const double a = static_cast<double>(pool.together[i * k + i]) / items;
        const double b = static_cast<double>(pool.together[j * k + j]) / items;
        const double both = static_cast<double>(pool.together[i * k + j]) / items;
        return std::log((both + kEpsilon) / (a * b)) / -std::log(both + kEpsilon);
    }

    std::vector<std::size_t> first_places(const Pool& pool) const {
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < pool.entries.size() && i < static_cast<std::size_t>(options_.top_n);
             ++i) {
            places.push_back(i);
        }
        return places;
    }

    void choose_in_turn(std::vector<Pool>& pools) const {
        const auto top_n = static_cast<std::size_t>(options_.top_n);
        std::vector<char> taken(counts_.size(), 0);
        std::size_t places = 0;
        for (std::size_t c = 0; c < pools.size(); ++c) {
            places += is_outlier(c) ? 0 : std::min(top_n, pools[c].entries.size());
        }
        std::vector<std::pair<std::size_t, std::size_t>> repeats;  // class, place
        auto repeats_left = static_cast<std::size_t>(kRepeatShare * static_cast<double>(places));
        std::vector<std::vector<double>> value(pools.size());     // ln(score / best), then less where folded
        std::vector<std::vector<double>> together(pools.size());  // sum of NPMI with the chosen terms
        for (std::size_t c = 0; c < pools.size(); ++c) {
            for (const Entry& entry : pools[c].entries) {
                // Terms that fail wait until no other is left.
                value[c].push_back(std::log(entry.score / pools[c].entries.front().score) -
                                   (entry.passes ? 0.0 : 1000.0));
            }
            together[c].assign(value[c].size(), 0.0);
        }
        constexpr double kNever = -std::numeric_limits<double>::infinity();
        for (std::size_t round = 0; round < top_n; ++round) {
            for (std::size_t c = 0; c < pools.size(); ++c) {
                Pool& pool = pools[c];
                const std::size_t none = pool.entries.size();
                std::size_t any = none;   // the best term
                std::size_t free = none;  // the best that no other class has
                double any_gain = kNever;
                double free_gain = kNever;
                for (std::size_t i = 0; i < none; ++i) {
                    double gain = value[c][i];
                    if (!pool.chosen.empty() && item_counts_ != nullptr) {
                        gain += kTogether * together[c][i] / static_cast<double>(pool.chosen.size());
                    }
                    if (gain > any_gain) {
                        any = i;
                        any_gain = gain;
                    }
                    if (gain > free_gain && taken[static_cast<std::size_t>(pool.entries[i].column)] == 0) {
                        free = i;
                        free_gain = gain;
                    }
                }
                if (any == none) continue;
                std::size_t pick = free;
                if (is_outlier(c)) {
                    pick = any;
                } else if (any != free && repeats_left > 0 && any_gain - free_gain > kRepeatGain) {
                    pick = any;
                    --repeats_left;
                    repeats.emplace_back(c, pick);
                }
                if (pick == none) continue;
                pool.chosen.push_back(pick);
                if (!is_outlier(c)) taken[static_cast<std::size_t>(pool.entries[pick].column)] = 1;
                for (std::size_t i = 0; i < none; ++i) {
                    const bool form = options_.fold_forms && pool.forms[i].near_duplicate(pool.forms[pick]);
                    if (i == pick || form) value[c][i] = kNever;
                    if (item_counts_ != nullptr && value[c][i] != kNever)
                        together[c][i] += npmi(pool, i, pick);
                }
            }
        }
        // Where words ran out and lists stayed short, the last repeats go.
        std::size_t listed = 0;
        for (std::size_t c = 0; c < pools.size(); ++c) listed += is_outlier(c) ? 0 : pools[c].chosen.size();
        for (; static_cast<double>(repeats.size()) > kMostRepeats * static_cast<double>(listed); --listed) {
            std::erase(pools[repeats.back().first].chosen, repeats.back().second);
            repeats.pop_back();
        }
    }

    static bool has_letter(std::string_view term) {
        return std::any_of(term.begin(), term.end(), [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        });
    }

    const ClassTerms& terms_;
    const RankOptions& options_;
    const CsrMatrix<std::int32_t>* item_counts_;
    std::int64_t begin_;
    std::int64_t end_;
    std::vector<std::int64_t> counts_;   // per term
    std::vector<std::int64_t> items_;    // per term
    std::vector<std::int64_t> classes_;  // per term
    std::vector<std::int64_t> lengths_;  // per class
    std::int64_t num_items_ = 0;
    std::int64_t total_ = 0;
};

inline void check_ranked_terms(const ClassTerms& terms, const CsrMatrix<std::int32_t>* counts) {
    if (counts != nullptr && counts->cols != terms.counts.cols) {
        throw_shape("rank_keywords", "the counts have " + std::to_string(counts->cols) +
                                         " columns, the terms have " + std::to_string(terms.counts.cols));
    }
    if (terms.item_frequency.size() != terms.counts.indices.size() ||
        static_cast<std::int64_t>(terms.class_sizes.size()) != terms.counts.rows ||
        terms.weights.values.size() != terms.counts.indices.size()) {
        throw_shape("rank_keywords", "the terms are not aligned with their counts", "give class_tfidf()");
    }
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(KeywordRule rule) noexcept {
    switch (rule) {
        case KeywordRule::Balanced:
            return "balanced";
        case KeywordRule::ClassTfidf:
            return "c_tf_idf";
        case KeywordRule::LogOdds:
            return "log_odds";
        case KeywordRule::Lift:
            return "lift";
        case KeywordRule::Npmi:
            return "npmi";
        case KeywordRule::Bm25:
            return "bm25";
        case KeywordRule::SoftClassTfidf:
            return "soft_c_tf_idf";
    }
    return "unknown";
}

FILMATLAS_INLINE void validate(const RankOptions& options) {
    if (options.top_n < 1) {
        throw_invalid("rank_keywords", "top_n", "is " + std::to_string(options.top_n), "use 1 or more");
    }
    if (options.min_items < 1) {
        throw_invalid("rank_keywords", "min_items", "is " + std::to_string(options.min_items),
                      "use 1 or more");
    }
    if (!(options.prior > 0) || !std::isfinite(options.prior)) {
        throw_invalid("rank_keywords", "prior", "is " + to_text(options.prior),
                      "use a finite number above 0");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE std::vector<std::vector<Keyword>> rank_keywords(const ClassTerms& terms,
                                                                 const RankOptions& options,
                                                                 const CsrMatrix<std::int32_t>* counts) {
    validate(options);
    detail::check_ranked_terms(terms, counts);
    std::vector<std::vector<Keyword>> out(static_cast<std::size_t>(terms.counts.rows));
    detail::PartitionRanker(terms, options, counts, 0, terms.counts.rows).rank(out);
    return out;
}

FILMATLAS_INLINE std::vector<std::vector<Keyword>> rank_keywords(const ClassTerms& terms,
                                                                 const Hierarchy& hierarchy,
                                                                 const RankOptions& options,
                                                                 const CsrMatrix<std::int32_t>* counts) {
    validate(options);
    detail::check_ranked_terms(terms, counts);
    if (terms.counts.rows != hierarchy.num_nodes()) {
        throw_shape("rank_keywords",
                    "the terms have " + std::to_string(terms.counts.rows) + " rows, the hierarchy has " +
                        std::to_string(hierarchy.num_nodes()) + " nodes",
                    "give class_tfidf() of this hierarchy");
    }
    std::vector<std::vector<Keyword>> out(static_cast<std::size_t>(terms.counts.rows));
    for (std::size_t level = 0; level + 1 < hierarchy.level_begin.size(); ++level) {
        // In a hierarchy's terms the class ids are node ids: nobody is an outlier.
        detail::PartitionRanker(terms, options, counts, hierarchy.level_begin[level],
                                hierarchy.level_begin[level + 1])
            .rank(out);
    }
    return out;
}

FILMATLAS_INLINE std::vector<Keyword> contrast_keywords(const ClassTerms& terms, std::int64_t row,
                                                        std::int64_t other, int top_n) {
    constexpr const char* stage = "contrast_keywords";
    for (const std::int64_t r : {row, other}) {
        if (r < 0 || r >= terms.counts.rows) {
            throw_invalid(stage, "row", "is " + std::to_string(r),
                          "use a row in [0, " + std::to_string(terms.counts.rows) + ")");
        }
    }
    if (top_n < 1) throw_invalid(stage, "top_n", "is " + std::to_string(top_n), "use 1 or more");
    const auto items_of = [&](std::int64_t r) {
        return std::span<const Index>(terms.item_frequency)
            .subspan(static_cast<std::size_t>(terms.counts.indptr[static_cast<std::size_t>(r)]),
                     terms.counts.row_indices(r).size());
    };
    const auto size_of = [&](std::int64_t r) {
        return static_cast<double>(terms.class_sizes[static_cast<std::size_t>(r)]);
    };
    const auto here = terms.counts.row_indices(row);
    const auto there = terms.counts.row_indices(other);
    const auto items_here = items_of(row);
    const auto items_there = items_of(other);
    std::vector<std::pair<double, Index>> order;  // -z, term
    std::size_t at = 0;
    for (std::size_t e = 0; e < here.size(); ++e) {
        while (at < there.size() && there[at] < here[e]) ++at;
        const bool shared = at < there.size() && there[at] == here[e];
        const double z = detail::log_odds_z(static_cast<double>(items_here[e]), size_of(row),
                                            shared ? static_cast<double>(items_there[at]) : 0.0, size_of(other));
        if (z > 0) order.emplace_back(-z, here[e]);
    }
    const auto wanted = static_cast<std::ptrdiff_t>(std::min(order.size(), static_cast<std::size_t>(top_n)));
    std::partial_sort(order.begin(), order.begin() + wanted, order.end());
    std::vector<Keyword> result;
    for (std::ptrdiff_t i = 0; i < wanted; ++i) {
        const auto& [z, term] = order[static_cast<std::size_t>(i)];
        result.push_back({terms.vocabulary[static_cast<std::size_t>(term)], -z});
    }
    return result;
}

FILMATLAS_INLINE CsrMatrix<double> soft_class_weights(const CsrMatrix<std::int32_t>& counts,
                                                      MatrixView<const double> memberships) {
    if (memberships.rows != counts.rows) {
        throw_shape("soft_class_weights", "there are memberships of " + std::to_string(memberships.rows) +
                                              " items, the counts have " + std::to_string(counts.rows) +
                                              " rows");
    }
    const auto terms = static_cast<std::size_t>(counts.cols);
    const auto topics = static_cast<std::size_t>(memberships.cols);
    std::vector<double> sums(topics * terms, 0.0);
    std::vector<double> mass(terms, 0.0);
    for (std::int64_t i = 0; i < counts.rows; ++i) {
        const auto columns = counts.row_indices(i);
        const auto values = counts.row_values(i);
        for (std::size_t c = 0; c < topics; ++c) {
            const double degree = memberships(i, static_cast<std::int64_t>(c));
            if (!std::isfinite(degree)) {
                throw_invalid("soft_class_weights", "memberships",
                              "of item " + std::to_string(i) + " are not finite");
            }
            if (degree == 0) continue;
            for (std::size_t e = 0; e < columns.size(); ++e) {
                sums[c * terms + static_cast<std::size_t>(columns[e])] +=
                    degree * static_cast<double>(values[e]);
            }
        }
    }
    for (std::size_t c = 0; c < topics; ++c) {
        for (std::size_t t = 0; t < terms; ++t) mass[t] += std::abs(sums[c * terms + t]);
    }
    CsrMatrix<double> weights;
    weights.rows = memberships.cols;
    weights.cols = counts.cols;
    for (std::size_t c = 0; c < topics; ++c) {
        double length = 0;
        for (std::size_t t = 0; t < terms; ++t) length += std::abs(sums[c * terms + t]);
        for (std::size_t t = 0; t < terms; ++t) {
            const double sum = sums[c * terms + t];
            if (sum == 0) continue;
            weights.indices.push_back(static_cast<Index>(t));
            weights.values.push_back(sum / length *
                                     std::max(0.0, std::log(static_cast<double>(counts.rows) / mass[t])));
        }
        weights.indptr.push_back(weights.nnz());
    }
    return weights;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_RANKERS_IMPL_HPP
