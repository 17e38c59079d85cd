// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_EMBEDDING_DETAIL_DOMINANCE_IMPL_HPP
#define FILMATLAS_EMBEDDING_DETAIL_DOMINANCE_IMPL_HPP

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/embedding/detail/source_space.hpp"
#include "filmatlas/embedding/dominance.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::size_t kShapleySources = 6;

/// Ascending items, all or a random sample without repeats.
inline std::vector<Index> dominance_sample(std::int64_t n, std::int64_t limit, std::uint64_t seed) {
    std::vector<Index> items(static_cast<std::size_t>(n));
    std::iota(items.begin(), items.end(), 0);
    if (n <= limit) return items;
    RandomStream stream(seed, "dominance items");
    for (std::int64_t i = 0; i < limit; ++i) {
        const auto j = i + static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(n - i)));
        std::swap(items[static_cast<std::size_t>(i)], items[static_cast<std::size_t>(j)]);
    }
    items.resize(static_cast<std::size_t>(limit));
    std::sort(items.begin(), items.end());
    return items;
}

struct CosineMoments {
    double mean = 0;
    double deviation = 0;
};

/// Of every source's cosine over random pairs of items that have it.
inline std::vector<CosineMoments> random_pair_moments(const SourceSpace& space, std::int64_t pairs,
                                                      std::uint64_t seed) {
    std::vector<CosineMoments> moments(space.sources());
    const auto n = static_cast<std::uint64_t>(space.items());
    if (n < 2) return moments;
    for (std::size_t s = 0; s < moments.size(); ++s) {
        std::int64_t count = 0;
        double sum = 0;
        double squares = 0;
        for (std::int64_t p = 0; p < pairs; ++p) {
            RandomStream stream(seed, "dominance pairs", static_cast<std::uint64_t>(p));
            const auto i = static_cast<Index>(stream.below(n));
            const auto j = static_cast<Index>((static_cast<std::uint64_t>(i) + 1 + stream.below(n - 1)) % n);
            if (((space.mask(i) & space.mask(j)) >> s & 1U) == 0) continue;
            const double cosine = space.cosine(s, i, j);
            ++count;
            sum += cosine;
            squares += cosine * cosine;
        }
        if (count == 0) continue;
        moments[s].mean = sum / static_cast<double>(count);
        moments[s].deviation = std::sqrt(
            std::max(0.0, squares / static_cast<double>(count) - moments[s].mean * moments[s].mean));
    }
    return moments;
}

/// What every source adds to a set of links: as it is, and above random pairs.
struct LinkSums {
    std::vector<double> raw;
    std::vector<double> centred;
    std::int64_t links = 0;

    explicit LinkSums(std::size_t sources) : raw(sources, 0), centred(sources, 0) {}

    void add(const LinkSums& other) {
        for (std::size_t s = 0; s < raw.size(); ++s) {
            raw[s] += other.raw[s];
            centred[s] += other.centred[s];
        }
        links += other.links;
    }
    /// Scaled to sum 1; equal parts where there is nothing to divide.
    static std::vector<double> shares(std::vector<double> sums) {
        const double total = std::accumulate(sums.begin(), sums.end(), 0.0);
        for (double& sum : sums) sum = total > 0 ? sum / total : 1 / static_cast<double>(sums.size());
        return sums;
    }
};

/// Adds the links of item i, row `row` of `cosines`.
inline void sum_links(const SourceSpace& space, const std::vector<Matrix<float>>& cosines, std::int64_t row,
                      Index i, std::span<const Index> linked, const FusionWeights& weights,
                      const std::vector<CosineMoments>& moments, LinkSums& sums) {
    for (const Index j : linked) {
        const std::uint32_t both = space.mask(i) & space.mask(j);
        const double scale = weights.scale(space.mask(i), space.mask(j));
        for (std::size_t s = 0; s < space.sources(); ++s) {
            if ((both >> s & 1U) == 0) continue;
            const double weight = weights.of_source(s) * scale;
            const auto cosine = static_cast<double>(cosines[s](row, j));
            sums.raw[s] += weight * cosine;
            sums.centred[s] += weight * (cosine - moments[s].mean);
        }
        ++sums.links;
    }
}

/// Sampled items of several sources, and what centres their cosines.
struct LinkSample {
    SourceSpace space;
    std::int64_t n;
    std::size_t k;  ///< links per item
    std::vector<Index> items;
    std::vector<CosineMoments> moments;
    std::vector<double> weights;  ///< as given, sum 1
    int num_threads;

    LinkSample(const std::vector<EmbeddingSource>& sources, const DominanceOptions& options, const char* stage)
        : LinkSample(source_weights(sources, stage), sources, options) {}

private:
    LinkSample(std::vector<double> checked, const std::vector<EmbeddingSource>& sources,
               const DominanceOptions& options)
        : space(sources, options.num_threads),
          n(space.items()),
          k(static_cast<std::size_t>(std::max<std::int64_t>(1, std::min<std::int64_t>(options.k, n - 1)))),
          items(dominance_sample(n, options.max_items, options.seed)),
          moments(random_pair_moments(space, options.random_pairs, options.seed)),
          weights(std::move(checked)),
          num_threads(options.num_threads) {}
};

/// Calls body(cosines, row, item, place) for all sampled items, in parallel within a block.
template <class Body>
void for_sampled_rows(const LinkSample& links, const Progress& progress, const char* stage, Body&& body) {
    const SourceSpace& space = links.space;
    const std::span<const Index> sample = links.items;
    const int num_threads = links.num_threads;
    const auto block = static_cast<std::size_t>(space.block_rows());
    std::vector<Matrix<float>> cosines;
    for (std::size_t start = 0; start < sample.size(); start += block) {
        const std::span<const Index> rows = sample.subspan(start, std::min(block, sample.size() - start));
        space.cosines(rows, cosines);
        parallel_for(static_cast<std::int64_t>(rows.size()), 2, num_threads,
                     [&](std::int64_t begin, std::int64_t end) { body(cosines, rows, start, begin, end); });
        if (progress) {
            progress(stage, static_cast<std::int64_t>(start + rows.size()),
                     static_cast<std::int64_t>(sample.size()));
        }
    }
}

inline std::size_t count_common(std::span<const Index> a, std::span<const Index> b) {
    std::size_t common = 0;
    for (const Index x : a) common += static_cast<std::size_t>(std::count(b.begin(), b.end(), x));
    return common;
}

/// Sets of sources whose neighbours are wanted: all of them, each alone, each left out; every set for few.
inline std::vector<std::uint32_t> dominance_sets(std::size_t sources) {
    std::vector<std::uint32_t> sets;
    const std::uint32_t all = (1U << sources) - 1U;
    if (sources <= kShapleySources) {
        for (std::uint32_t set = 1; set <= all; ++set) sets.push_back(set);
        return sets;
    }
    for (std::size_t s = 0; s < sources; ++s) {
        sets.push_back(1U << s);
        sets.push_back(all & ~(1U << s));
    }
    sets.push_back(all);
    return sets;
}

/// Exact Shapley values of a game given by the value of every set.
inline std::vector<double> shapley_values(std::span<const double> value, std::size_t players) {
    std::vector<double> factorial(players + 1, 1);
    for (std::size_t i = 1; i <= players; ++i) factorial[i] = factorial[i - 1] * static_cast<double>(i);
    std::vector<double> out(players, 0);
    for (std::size_t p = 0; p < players; ++p) {
        for (std::uint32_t set = 0; set < 1U << players; ++set) {
            if ((set >> p & 1U) != 0) continue;
            const auto size = static_cast<std::size_t>(std::popcount(set));
            out[p] += factorial[size] * factorial[players - size - 1] / factorial[players] *
                      (value[set | 1U << p] - value[set]);
        }
    }
    return out;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const DominanceOptions& options) {
    const auto refuse = [](const char* field, std::int64_t value) {
        throw_invalid("source_dominance", field, "is " + std::to_string(value), "use 1 or more");
    };
    if (options.k < 1) refuse("k", options.k);
    if (options.max_items < 1) refuse("max_items", options.max_items);
    if (options.random_pairs < 1) refuse("random_pairs", options.random_pairs);
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE DominanceReport source_dominance(const std::vector<EmbeddingSource>& sources,
                                                  const DominanceOptions& options, const Progress& progress) {
    validate(options);
    const detail::LinkSample links(sources, options, "source_dominance");
    const detail::SourceSpace& space = links.space;
    const std::span<const Index> sample = links.items;
    const std::vector<detail::CosineMoments>& moments = links.moments;
    const std::vector<double>& weights = links.weights;
    const std::int64_t n = links.n;
    const std::size_t k = links.k;
    const std::size_t num_sources = sources.size();
    const std::uint32_t all = (1U << num_sources) - 1U;

    const std::vector<std::uint32_t> sets = detail::dominance_sets(num_sources);
    std::vector<detail::FusionWeights> fusions;
    for (const std::uint32_t set : sets) fusions.emplace_back(weights, set, options.missing);
    std::vector<detail::LinkSums> sums(sample.size(), detail::LinkSums(num_sources));
    Matrix<double> overlap(static_cast<std::int64_t>(sample.size()), static_cast<std::int64_t>(sets.size()));
    detail::for_sampled_rows(
        links, progress, "source_dominance",
        [&](const std::vector<Matrix<float>>& cosines, std::span<const Index> rows, std::size_t start,
            std::int64_t begin, std::int64_t end) {
            std::vector<float> scores;
            detail::BestLinks best(k);
            std::vector<Index> whole;
            for (std::int64_t r = begin; r < end; ++r) {
                const Index i = rows[static_cast<std::size_t>(r)];
                const std::size_t place = start + static_cast<std::size_t>(r);
                space.nearest(cosines, r, i, fusions.back(), scores, best);
                whole.assign(best.ids().begin(), best.ids().end());
                detail::sum_links(space, cosines, r, i, whole, fusions.back(), moments, sums[place]);
                for (std::size_t set = 0; set < sets.size(); ++set) {
                    double& value = overlap(static_cast<std::int64_t>(place), static_cast<std::int64_t>(set));
                    value = 1;
                    if (sets[set] == all || whole.empty()) continue;
                    space.nearest(cosines, r, i, fusions[set], scores, best);
                    value = static_cast<double>(detail::count_common(whole, best.ids())) /
                            static_cast<double>(whole.size());
                }
            }
        });

    DominanceReport report;
    detail::LinkSums total(num_sources);
    std::vector<double> value(std::size_t{1} << std::min<std::size_t>(num_sources, 16), 0);
    std::int64_t linked_items = 0;
    for (std::size_t place = 0; place < sample.size(); ++place) {
        total.add(sums[place]);
        if (sums[place].links == 0) continue;
        ++linked_items;
        for (std::size_t set = 0; set < sets.size(); ++set) {
            value[sets[set]] += overlap(static_cast<std::int64_t>(place), static_cast<std::int64_t>(set));
        }
    }
    for (double& v : value) v = linked_items > 0 ? v / static_cast<double>(linked_items) : 0;
    report.items = linked_items;
    report.links = total.links;
    report.chance_overlap = n > 1 ? static_cast<double>(k) / static_cast<double>(n - 1) : 1;
    value[0] = report.chance_overlap;
    std::vector<double> shapley(num_sources, std::numeric_limits<double>::quiet_NaN());
    if (num_sources <= detail::kShapleySources) shapley = detail::shapley_values(value, num_sources);
    const std::vector<double> shares = detail::LinkSums::shares(total.centred);
    const std::vector<double> raw = detail::LinkSums::shares(total.raw);
    double entropy = 0;
    double positive = 0;
    for (const double share : shares) positive += std::max(share, 0.0);
    for (std::size_t s = 0; s < num_sources; ++s) {
        SourceDominance source;
        source.name = sources[s].name;
        source.weight = weights[s];
        for (Index i = 0; i < static_cast<Index>(n); ++i) source.items += space.mask(i) >> s & 1U;
        source.random_mean = moments[s].mean;
        source.random_deviation = moments[s].deviation;
        source.share = shares[s];
        source.raw_share = raw[s];
        source.overlap_alone = value[1U << s];
        source.overlap_without = num_sources > 1 ? value[all & ~(1U << s)] : report.chance_overlap;
        source.shapley = shapley[s];
        report.sources.push_back(std::move(source));
        report.dominance = std::max(report.dominance, shares[s]);
        const double p = std::max(shares[s], 0.0) / positive;
        if (p > 0) entropy -= p * std::log(p);
    }
    report.balance = num_sources > 1 ? entropy / std::log(static_cast<double>(num_sources)) : 1;
    return report;
}

FILMATLAS_INLINE void validate(const BalanceOptions& options) {
    if (!(options.tolerance > 0 && options.tolerance < 1)) {
        throw_invalid("auto_balance", "tolerance", "is " + to_text(options.tolerance),
                      "use a value in (0, 1)");
    }
    if (options.max_iterations < 1) {
        throw_invalid("auto_balance", "max_iterations", "is " + std::to_string(options.max_iterations),
                      "use 1 or more");
    }
    validate(options.links);
}

namespace detail {

/// Targets scaled to sum 1; equal ones where none are given.
inline std::vector<double> balance_targets(std::span<const double> targets, std::size_t num_sources,
                                           const char* stage) {
    std::vector<double> wanted(targets.begin(), targets.end());
    if (wanted.empty()) wanted.assign(num_sources, 1);
    if (wanted.size() != num_sources) {
        throw_shape(
            stage, std::to_string(wanted.size()) + " targets for " + std::to_string(num_sources) + " sources",
            "give one per source");
    }
    double total = 0;
    for (const double target : wanted) {
        if (!(target >= 0) || !std::isfinite(target)) {
            throw_invalid(stage, "targets", "hold " + to_text(target), "use numbers of at least 0");
        }
        total += target;
    }
    if (!(total > 0)) throw_invalid(stage, "targets", "are all 0", "give one source a positive share");
    for (double& target : wanted) target /= total;
    return wanted;
}

/// The shares of the sources in the sampled links under some weights.
inline std::vector<double> shares_under(const LinkSample& links, const std::vector<double>& weights,
                                        MissingRule missing, const char* stage) {
    const std::size_t num_sources = weights.size();
    const FusionWeights fusion(weights, (1U << num_sources) - 1U, missing);
    std::vector<LinkSums> sums(links.items.size(), LinkSums(num_sources));
    for_sampled_rows(links, {}, stage,
                     [&](const std::vector<Matrix<float>>& cosines, std::span<const Index> rows,
                         std::size_t start, std::int64_t begin, std::int64_t end) {
                         std::vector<float> scores;
                         BestLinks best(links.k);
                         for (std::int64_t r = begin; r < end; ++r) {
                             const Index i = rows[static_cast<std::size_t>(r)];
                             links.space.nearest(cosines, r, i, fusion, scores, best);
                             sum_links(links.space, cosines, r, i, best.ids(), fusion, links.moments,
                                       sums[start + static_cast<std::size_t>(r)]);
                         }
                     });
    LinkSums all(num_sources);
    for (const LinkSums& sum : sums) all.add(sum);
    return LinkSums::shares(std::move(all.centred));
}

/// Weights on their way to target shares, by multiplication with (target / share)^step.
class WeightSearch {
public:
    explicit WeightSearch(std::vector<double> wanted)
        : wanted_(std::move(wanted)), weights_(wanted_), step_(wanted_.size(), 1), error_(wanted_.size(), 0) {}

    /// Sum 1. They begin at the targets, where every wanted source has a say.
    const std::vector<double>& weights() const noexcept { return weights_; }
    /// The source that has all weight but a millionth, if any: more would change nothing.
    std::optional<std::size_t> all_on() const noexcept { return all_on_; }

    void step(std::span<const double> shares) {
        double sum = 0;
        for (std::size_t s = 0; s < wanted_.size(); ++s) {
            if (wanted_[s] == 0) continue;
            const double error = shares[s] - wanted_[s];
            if (error * error_[s] < 0) {
                step_[s] = std::max(step_[s] / 2, 0.05);
            } else if (error_[s] != 0) {
                step_[s] = std::min(step_[s] * 1.2, 2.0);
            }
            error_[s] = error;
            constexpr double kLeast = 1e-3;  // a share can be 0 or below it
            const double ratio = wanted_[s] / std::max(shares[s], kLeast);
            weights_[s] *= std::pow(std::clamp(ratio, 0.1, 10.0), step_[s]);
            sum += weights_[s];
        }
        for (double& weight : weights_) weight /= sum;
        hold_back();
    }

private:
    /// The others together keep a millionth, in the ratios that they have.
    void hold_back() {
        constexpr double kLeast = 1e-6;
        const auto top = static_cast<std::size_t>(std::max_element(weights_.begin(), weights_.end()) -
                                                  weights_.begin());
        double others = 0;
        for (std::size_t s = 0; s < weights_.size(); ++s) others += s == top ? 0 : weights_[s];
        all_on_.reset();
        if (!(others < kLeast) || std::count(wanted_.begin(), wanted_.end(), 0.0) + 1 >=
                                      static_cast<std::ptrdiff_t>(wanted_.size())) {
            return;
        }
        all_on_ = top;
        const double scale = others > 0 ? kLeast / others : 0;
        for (std::size_t s = 0; s < weights_.size(); ++s) weights_[s] = s == top ? 1 - kLeast : weights_[s] * scale;
    }

    std::vector<double> wanted_;
    std::vector<double> weights_;
    std::vector<double> step_;
    std::vector<double> error_;  // the last one, to see overshooting
    std::optional<std::size_t> all_on_ = std::nullopt;
};

}  // namespace detail

FILMATLAS_INLINE BalancedWeights auto_balance(const std::vector<EmbeddingSource>& sources,
                                              std::span<const double> targets, const BalanceOptions& options,
                                              const Progress& progress) {
    constexpr const char* stage = "auto_balance";
    constexpr int kPatience = 8;  // rounds without progress, with all weight on one source
    validate(options);
    const auto begin_time = std::chrono::steady_clock::now();
    const detail::LinkSample links(sources, options.links, stage);
    const std::vector<double> wanted = detail::balance_targets(targets, sources.size(), stage);

    BalancedWeights out;
    out.worst = std::numeric_limits<double>::infinity();
    out.run.converged = false;
    detail::WeightSearch search(wanted);
    int stuck = 0;
    while (!out.run.converged && out.run.iterations < options.max_iterations && stuck < kPatience) {
        const std::vector<double> shares =
            detail::shares_under(links, search.weights(), options.links.missing, stage);
        double worst = 0;
        for (std::size_t s = 0; s < shares.size(); ++s)
            worst = std::max(worst, std::abs(shares[s] - wanted[s]));
        const bool better = worst < out.worst;
        if (better) {
            out.worst = worst;
            out.weights = search.weights();
            out.shares = shares;
        }
        const std::optional<std::size_t> full = search.all_on();
        const bool at_limit = full && shares[*full] < wanted[*full];
        stuck = at_limit && !better ? stuck + 1 : 0;
        if (better) out.limited_by = at_limit ? sources[*full].name : std::string();
        ++out.run.iterations;
        out.run.converged = worst <= options.tolerance;
        if (progress) progress(stage, out.run.iterations, options.max_iterations);
        search.step(shares);
    }
    if (out.run.converged) out.limited_by.clear();
    if (!out.limited_by.empty()) {
        std::size_t s = 0;
        while (sources[s].name != out.limited_by) ++s;
        std::int64_t lacking = 0;
        for (Index i = 0; i < static_cast<Index>(links.n); ++i) lacking += (links.space.mask(i) >> s & 1U) == 0;
        out.run.warnings.push_back(
            "auto_balance: the targets are out of reach: with all weight, source '" + out.limited_by +
            "' has a share of " + to_text(std::round(out.shares[s] * 1e3) / 1e3) + ", not " +
            to_text(std::round(wanted[s] * 1e3) / 1e3) + ", because " + std::to_string(lacking) + " of " +
            std::to_string(links.n) + " items lack it" +
            (options.links.missing == MissingRule::Pair && lacking > 0
                 ? "; weights that are made up per item (missing = item) give it more"
                 : ""));
    } else if (!out.run.converged) {
        out.run.warnings.push_back("auto_balance: the shares come within " + to_text(out.worst) +
                                   " of the targets, not within " + to_text(options.tolerance));
    }
    out.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_time).count();
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_EMBEDDING_DETAIL_DOMINANCE_IMPL_HPP
