// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_IDENTITY_LEAK_IMPL_HPP
#define FILMATLAS_VALIDATE_DETAIL_IDENTITY_LEAK_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/validate/identity_leak.hpp"

namespace filmatlas {
namespace detail {

/// Ids of up to k entries per item, one after the other.
struct LeakLists {
    std::vector<std::int64_t> begin{0};
    std::vector<Index> ids;

    std::span<const Index> of(Index i) const {
        const auto at = static_cast<std::size_t>(i);
        return {ids.data() + begin[at], static_cast<std::size_t>(begin[at + 1] - begin[at])};
    }
    void close() { begin.push_back(static_cast<std::int64_t>(ids.size())); }
};

/// Names as unit TF-IDF rows, with postings and rare tokens.
class LeakNames {
public:
    explicit LeakNames(const CsrMatrix<std::int32_t>& names)
        : names_(names), weights_(names.values.size(), 0) {
        const auto n = static_cast<double>(names.rows);
        df_.assign(static_cast<std::size_t>(names.cols), 0);
        for (std::size_t e = 0; e < names.indices.size(); ++e) df_[column(e)] += names.values[e] > 0 ? 1 : 0;
        const auto idf = [&](std::size_t t) {
            return std::log((1 + n) / (1 + static_cast<double>(df_[t]))) + 1;
        };
        for (Index i = 0; i < static_cast<Index>(names.rows); ++i) {
            double squares = 0;
            for (std::size_t e = first(i); e < last(i); ++e) {
                weights_[e] = names.values[e] > 0 ? static_cast<double>(names.values[e]) * idf(column(e)) : 0;
                squares += weights_[e] * weights_[e];
            }
            for (std::size_t e = first(i); e < last(i); ++e)
                weights_[e] /= squares > 0 ? std::sqrt(squares) : 1;
        }
        // Postings, items ascending.
        post_begin_.assign(df_.size() + 1, 0);
        for (std::size_t t = 0; t < df_.size(); ++t) post_begin_[t + 1] = post_begin_[t] + df_[t];
        post_item_.resize(static_cast<std::size_t>(post_begin_.back()));
        post_weight_.resize(post_item_.size());
        std::vector<std::int64_t> cursor(post_begin_.begin(), post_begin_.end() - 1);
        for (Index i = 0; i < static_cast<Index>(names.rows); ++i) {
            for (std::size_t e = first(i); e < last(i); ++e) {
                if (names.values[e] <= 0) continue;
                const auto at = static_cast<std::size_t>(cursor[column(e)]++);
                post_item_[at] = i;
                post_weight_[at] = weights_[e];
            }
        }
        mark_rare();
    }

    std::int64_t df(std::size_t t) const noexcept { return df_[t]; }
    std::span<const Index> items_with(std::size_t t) const {
        return {post_item_.data() + post_begin_[t], static_cast<std::size_t>(df_[t])};
    }
    bool named(Index i) const {
        for (std::size_t e = first(i); e < last(i); ++e) {
            if (names_.values[e] > 0) return true;
        }
        return false;
    }

    double cosine(Index i, Index j) const {
        double sum = 0;
        for (std::size_t a = first(i), b = first(j); a < last(i) && b < last(j);) {
            if (names_.indices[a] == names_.indices[b]) {
                sum += weights_[a++] * weights_[b++];
            } else {
                ++(names_.indices[a] < names_.indices[b] ? a : b);
            }
        }
        return sum;
    }
    bool share_rare(Index i, Index j) const {
        const std::span<const Index> x = rare_.of(i);
        const std::span<const Index> y = rare_.of(j);
        for (std::size_t a = 0, b = 0; a < x.size() && b < y.size();) {
            if (x[a] == y[b]) return true;
            ++(x[a] < y[b] ? a : b);
        }
        return false;
    }

    /// The k nearest items by name; only those that share a token.
    LeakLists nearest(int k, int num_threads) const {
        const auto n = static_cast<std::int64_t>(names_.rows);
        std::vector<std::vector<Index>> found(static_cast<std::size_t>(n));
        parallel_for(n, 64, num_threads, [&](std::int64_t begin, std::int64_t end) {
            std::vector<double> score(static_cast<std::size_t>(n), 0);
            std::vector<Index> touched;
            for (std::int64_t i = begin; i < end; ++i) {
                touched.clear();
                for (std::size_t e = first(static_cast<Index>(i)); e < last(static_cast<Index>(i)); ++e) {
                    const std::size_t t = column(e);
                    for (auto p = post_begin_[t]; p < post_begin_[t + 1]; ++p) {
                        const auto j = static_cast<std::size_t>(post_item_[static_cast<std::size_t>(p)]);
                        if (score[j] == 0) touched.push_back(static_cast<Index>(j));
                        score[j] += weights_[e] * post_weight_[static_cast<std::size_t>(p)];
                    }
                }
                std::erase(touched, static_cast<Index>(i));
                const auto better = [&](Index a, Index b) {
                    const double x = score[static_cast<std::size_t>(a)];
                    const double y = score[static_cast<std::size_t>(b)];
                    return x != y ? x > y : a < b;
                };
                const std::size_t keep = std::min(static_cast<std::size_t>(k), touched.size());
                std::vector<Index>& best = found[static_cast<std::size_t>(i)];
                best = touched;
                std::partial_sort(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(keep), best.end(),
                                  better);
                best.resize(keep);
                for (const Index j : touched) score[static_cast<std::size_t>(j)] = 0;
                score[static_cast<std::size_t>(i)] = 0;
            }
        });
        LeakLists lists;
        for (const std::vector<Index>& best : found) {
            lists.ids.insert(lists.ids.end(), best.begin(), best.end());
            lists.close();
        }
        return lists;
    }

private:
    std::size_t first(Index i) const {
        return static_cast<std::size_t>(names_.indptr[static_cast<std::size_t>(i)]);
    }
    std::size_t last(Index i) const {
        return static_cast<std::size_t>(names_.indptr[static_cast<std::size_t>(i) + 1]);
    }
    std::size_t column(std::size_t e) const { return static_cast<std::size_t>(names_.indices[e]); }

    void mark_rare() {
        std::vector<std::int64_t> shared;  // the df of every occurrence that another item could share
        for (std::size_t e = 0; e < names_.indices.size(); ++e) {
            if (names_.values[e] > 0 && df_[column(e)] >= 2) shared.push_back(df_[column(e)]);
        }
        std::int64_t limit = 0;
        if (!shared.empty()) {
            const auto middle = shared.begin() + static_cast<std::ptrdiff_t>(shared.size() / 2);
            std::nth_element(shared.begin(), middle, shared.end());
            limit = *middle;
        }
        for (Index i = 0; i < static_cast<Index>(names_.rows); ++i) {
            for (std::size_t e = first(i); e < last(i); ++e) {
                const std::int64_t df = df_[column(e)];
                if (names_.values[e] > 0 && df >= 2 && df <= limit) rare_.ids.push_back(names_.indices[e]);
            }
            rare_.close();
        }
    }

    const CsrMatrix<std::int32_t>& names_;
    std::vector<double> weights_;
    std::vector<std::int64_t> df_;
    std::vector<std::int64_t> post_begin_;
    std::vector<Index> post_item_;
    std::vector<double> post_weight_;
    LeakLists rare_;
};

/// Overlap and rare links when item i is called what item name_of[i] is called.
struct LeakTrial {
    double overlap = 0;
    double rare = 0;
};

inline LeakTrial leak_trial(const LeakNames& names, const LeakLists& by_name, const LeakLists& links,
                            std::span<const Index> name_of, std::span<const Index> item_of) {
    double overlap = 0;
    std::int64_t bearers = 0;
    std::int64_t rare = 0;
    for (Index i = 0; i < static_cast<Index>(name_of.size()); ++i) {
        const std::span<const Index> near = links.of(i);
        const Index name = name_of[static_cast<std::size_t>(i)];
        const std::span<const Index> alike = by_name.of(name);
        if (near.empty()) continue;
        for (const Index j : near)
            rare += names.share_rare(name, name_of[static_cast<std::size_t>(j)]) ? 1 : 0;
        if (alike.empty()) continue;
        ++bearers;
        std::int64_t common = 0;
        for (const Index other : alike)
            common += std::count(near.begin(), near.end(), item_of[static_cast<std::size_t>(other)]);
        overlap += static_cast<double>(common) / static_cast<double>(std::min(alike.size(), near.size()));
    }
    return {bearers > 0 ? overlap / static_cast<double>(bearers) : 0,
            links.ids.empty() ? 0 : static_cast<double>(rare) / static_cast<double>(links.ids.size())};
}

inline LeakFigure leak_figure(double observed, std::span<const LeakTrial> trials, double LeakTrial::*field,
                              double resolution) {
    LeakFigure figure;
    figure.observed = observed;
    double squares = 0;
    for (const LeakTrial& trial : trials) figure.chance += trial.*field;
    figure.chance /= static_cast<double>(trials.size());
    for (const LeakTrial& trial : trials)
        squares += (trial.*field - figure.chance) * (trial.*field - figure.chance);
    // No permutation may have shared anything: the deviation is then below what one link makes.
    const double deviation =
        std::max(std::sqrt(squares / static_cast<double>(trials.size() - 1)), resolution);
    figure.z = (observed - figure.chance) / deviation;
    return figure;
}

/// Share of (link, random pair) in which the link's names are nearer, ties half.
inline double leak_auc(std::vector<double> links, std::vector<double> others) {
    if (links.empty() || others.empty()) return 0.5;
    std::sort(others.begin(), others.end());
    double wins = 0;
    for (const double value : links) {
        const auto range = std::equal_range(others.begin(), others.end(), value);
        wins += static_cast<double>(range.first - others.begin()) +
                0.5 * static_cast<double>(range.second - range.first);
    }
    return wins / (static_cast<double>(links.size()) * static_cast<double>(others.size()));
}

}  // namespace detail

FILMATLAS_INLINE void validate(const LeakOptions& options) {
    const auto need = [](const char* field, std::int64_t value, std::int64_t least) {
        if (value < least) {
            throw_invalid("identity_leak", field, "is " + std::to_string(value),
                          "use " + std::to_string(least) + " or more");
        }
    };
    need("k", options.k, 1);
    need("permutations", options.permutations, 10);
    need("max_pairs", options.max_pairs, 100);
    need("top_tokens", options.top_tokens, 0);
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE LeakReport identity_leak(const CsrMatrix<std::int32_t>& names,
                                          std::span<const std::string> vocabulary, const KnnGraph& graph,
                                          const LeakOptions& options, const Progress& progress) {
    constexpr const char* stage = "identity_leak";
    validate(options);
    if (names.rows != graph.size()) {
        throw_shape(stage, "there are " + std::to_string(names.rows) + " names for a graph of " +
                               std::to_string(graph.size()) + " items");
    }
    if (names.cols != static_cast<std::int64_t>(vocabulary.size())) {
        throw_shape(stage, std::to_string(names.cols) + " columns of names, " +
                               std::to_string(vocabulary.size()) + " tokens in the vocabulary");
    }
    const std::int64_t n = graph.size();
    LeakReport report;
    report.k = static_cast<int>(std::min<std::int64_t>(options.k, graph.k()));
    detail::LeakLists links;
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t slot = 0; slot < report.k; ++slot) {
            if (graph.indices(i, slot) >= 0) links.ids.push_back(graph.indices(i, slot));
        }
        links.close();
    }
    const detail::LeakNames leak(names);
    const detail::LeakLists by_name = leak.nearest(std::max(report.k, 1), options.num_threads);
    std::vector<Index> self(static_cast<std::size_t>(n));
    std::iota(self.begin(), self.end(), 0);
    for (Index i = 0; i < static_cast<Index>(n); ++i)
        report.items += !links.of(i).empty() && leak.named(i) ? 1 : 0;
    if (links.ids.empty()) return report;

    const detail::LeakTrial observed = detail::leak_trial(leak, by_name, links, self, self);
    std::vector<detail::LeakTrial> trials(static_cast<std::size_t>(options.permutations));
    parallel_blocks(
        options.permutations, options.num_threads,
        [&](std::int64_t trial, int) {
            std::vector<Index> name_of = self;
            RandomStream stream(options.seed, "identity_leak", static_cast<std::uint64_t>(trial));
            for (std::size_t i = name_of.size(); i > 1; --i)
                std::swap(name_of[i - 1], name_of[stream.below(i)]);
            std::vector<Index> item_of(name_of.size());
            for (std::size_t i = 0; i < name_of.size(); ++i)
                item_of[static_cast<std::size_t>(name_of[i])] = static_cast<Index>(i);
            trials[static_cast<std::size_t>(trial)] =
                detail::leak_trial(leak, by_name, links, name_of, item_of);
        },
        progress, stage);
    const double link = 1 / static_cast<double>(links.ids.size());
    report.overlap = detail::leak_figure(observed.overlap, trials, &detail::LeakTrial::overlap, link);
    report.rare_links = detail::leak_figure(observed.rare, trials, &detail::LeakTrial::rare, link);
    report.suspicious = report.overlap.z > 10 || report.rare_links.z > 10;

    // The AUC, on every stride-th link and as many random pairs.
    std::vector<double> near;
    std::vector<double> far;
    const auto total = static_cast<std::int64_t>(links.ids.size());
    const std::int64_t stride = (total + options.max_pairs - 1) / options.max_pairs;
    std::int64_t at = 0;
    for (Index i = 0; i < static_cast<Index>(n); ++i) {
        for (const Index j : links.of(i)) {
            if (at++ % stride != 0) continue;
            near.push_back(leak.cosine(i, j));
            RandomStream stream(options.seed, "identity_leak pairs", static_cast<std::uint64_t>(at));
            const auto other = static_cast<Index>(
                (static_cast<std::uint64_t>(i) + 1 + stream.below(static_cast<std::uint64_t>(n - 1))) %
                static_cast<std::uint64_t>(n));
            far.push_back(leak.cosine(i, other));
        }
    }
    report.auc = detail::leak_auc(std::move(near), std::move(far));

    // Links within a token's items, against what its items' links would hit by chance.
    std::vector<bool> inside(static_cast<std::size_t>(n), false);
    std::vector<std::pair<double, std::size_t>> ranked;
    std::vector<LeakToken> all(vocabulary.size());
    for (std::size_t t = 0; t < vocabulary.size(); ++t) {
        if (leak.df(t) < 2) continue;
        const std::span<const Index> items = leak.items_with(t);
        for (const Index i : items) inside[static_cast<std::size_t>(i)] = true;
        LeakToken& token = all[t];
        double expected = 0;
        for (const Index i : items) {
            for (const Index j : links.of(i)) token.links += inside[static_cast<std::size_t>(j)] ? 1 : 0;
            expected += static_cast<double>(links.of(i).size()) * static_cast<double>(items.size() - 1) /
                        static_cast<double>(n - 1);
        }
        for (const Index i : items) inside[static_cast<std::size_t>(i)] = false;
        token.token = vocabulary[t];
        token.items = leak.df(t);
        token.lift = expected > 0 ? static_cast<double>(token.links) / expected : 0;
        if (static_cast<double>(token.links) > expected)
            ranked.emplace_back(expected - static_cast<double>(token.links), t);
    }
    std::sort(ranked.begin(), ranked.end());  // by links above chance, ties by token
    for (std::size_t i = 0; i < std::min(ranked.size(), static_cast<std::size_t>(options.top_tokens)); ++i)
        report.tokens.push_back(std::move(all[ranked[i].second]));
    return report;
}

}  // namespace filmatlas
#endif  // FILMATLAS_VALIDATE_DETAIL_IDENTITY_LEAK_IMPL_HPP
