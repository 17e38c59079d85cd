// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_COHERENCE_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_COHERENCE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/keywords/coherence.hpp"
#include "filmatlas/text/vocabulary.hpp"

namespace filmatlas {
namespace detail {

inline constexpr double kCoherenceEpsilon = 1e-12;
inline constexpr double kCoherenceNan = std::numeric_limits<double>::quiet_NaN();

/// Places of windows [first, last] that hold a word.
struct WindowRange {
    std::int64_t first = 0;
    std::int64_t last = 0;
};

/// The first `top_n` distinct words of each topic, and where each is a term of the reference.
struct CoherenceTerms {
    struct Term {
        std::vector<Index> tokens;  ///< ids of its words; empty = unknown
    };
    std::vector<std::string> names;          ///< distinct terms, ascending
    std::vector<Term> terms;                 ///< beside `names`
    std::vector<std::vector<Index>> topics;  ///< indices into `terms`
    /// Per token id: index into `starts`, or -1; then the terms that begin with this token.
    std::vector<Index> start_of;
    std::vector<std::vector<Index>> starts;

    CoherenceTerms(const TokenStream& reference, const TopicWords& words, int top_n) {
        std::vector<std::vector<std::string>> chosen;
        for (const auto& topic : words) {
            auto& list = chosen.emplace_back();
            for (const std::string& word : topic) {
                if (list.size() == static_cast<std::size_t>(top_n)) break;
                if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
            }
            names.insert(names.end(), list.begin(), list.end());
        }
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        for (const auto& list : chosen) {
            auto& ids = topics.emplace_back();
            for (const std::string& word : list) ids.push_back(find_term(names, word));
        }
        start_of.assign(reference.vocabulary.size(), -1);
        for (const std::string& name : names) {
            Term term;
            for (std::size_t at = 0; at <= name.size();) {
                const std::size_t end = std::min(name.find(' ', at), name.size());
                if (end > at) {
                    const Index id =
                        find_term(reference.vocabulary, std::string_view(name).substr(at, end - at));
                    term.tokens.push_back(id);
                    if (id < 0) {
                        term.tokens.clear();
                        break;
                    }
                }
                at = end + 1;
            }
            if (!term.tokens.empty()) {
                Index& start = start_of[static_cast<std::size_t>(term.tokens.front())];
                if (start < 0) {
                    start = static_cast<Index>(starts.size());
                    starts.emplace_back();
                }
                starts[static_cast<std::size_t>(start)].push_back(static_cast<Index>(terms.size()));
            }
            terms.push_back(std::move(term));
        }
    }
};

/// Windows that hold each term, and each pair of terms of a topic. Integers, so order does not matter.
struct WindowCounts {
    std::int64_t windows = 0;
    std::vector<std::int64_t> single;              ///< per term
    std::vector<std::vector<std::int64_t>> pairs;  ///< per topic, k x k, upper triangle

    explicit WindowCounts(const CoherenceTerms& terms) : single(terms.terms.size(), 0) {
        for (const auto& topic : terms.topics) pairs.emplace_back(topic.size() * topic.size(), 0);
    }
    void add(const WindowCounts& other) {
        windows += other.windows;
        for (std::size_t i = 0; i < single.size(); ++i) single[i] += other.single[i];
        for (std::size_t t = 0; t < pairs.size(); ++t) {
            for (std::size_t i = 0; i < pairs[t].size(); ++i) pairs[t][i] += other.pairs[t][i];
        }
    }
};

/// Counts windows of documents one by one. A window size of 0 takes whole documents.
class WindowCounter {
public:
    WindowCounter(const CoherenceTerms& terms, std::int64_t window, WindowRule rule)
        : terms_(terms),
          window_(window),
          rule_(rule),
          counts_(terms),
          ranges_(terms.terms.size()),
          positions_(terms.terms.size()),
          slots_(terms.terms.size()),
          met_(terms.topics.size()) {
        for (std::size_t t = 0; t < terms.topics.size(); ++t) {
            for (std::size_t s = 0; s < terms.topics[t].size(); ++s) {
                slots_[static_cast<std::size_t>(terms.topics[t][s])].emplace_back(t, s);
            }
        }
    }

    void add(std::span<const Index> tokens) {
        const auto length = static_cast<std::int64_t>(tokens.size());
        const std::int64_t window = window_ == 0 ? std::max<std::int64_t>(length, 1) : window_;
        const std::int64_t places = std::max<std::int64_t>(1, length - window + 1);
        counts_.windows += places;
        find(tokens);
        for (const Index term : present_) {
            make_ranges(static_cast<std::size_t>(term), window, places);
            auto& ranges = ranges_[static_cast<std::size_t>(term)];
            for (const WindowRange& range : ranges) {
                counts_.single[static_cast<std::size_t>(term)] += range.last - range.first + 1;
            }
            if (ranges.empty()) continue;
            for (const auto& [topic, slot] : slots_[static_cast<std::size_t>(term)]) {
                if (met_[topic].empty()) touched_.push_back(topic);
                met_[topic].push_back(slot);
            }
        }
        for (const std::size_t topic : touched_) {
            auto& slots = met_[topic];
            const auto& ids = terms_.topics[topic];
            for (std::size_t a = 0; a < slots.size(); ++a) {
                for (std::size_t b = a + 1; b < slots.size(); ++b) {
                    const auto [low, high] = std::minmax(slots[a], slots[b]);
                    counts_.pairs[topic][low * ids.size() + high] +=
                        common(ranges_[static_cast<std::size_t>(ids[low])],
                               ranges_[static_cast<std::size_t>(ids[high])]);
                }
            }
            slots.clear();
        }
        touched_.clear();
        for (const Index term : present_) {
            positions_[static_cast<std::size_t>(term)].clear();
            ranges_[static_cast<std::size_t>(term)].clear();
        }
        present_.clear();
    }

    const WindowCounts& counts() const noexcept { return counts_; }

private:
    void find(std::span<const Index> tokens) {
        for (std::size_t at = 0; at < tokens.size(); ++at) {
            if (tokens[at] < 0) continue;
            const Index start = terms_.start_of[static_cast<std::size_t>(tokens[at])];
            if (start < 0) continue;
            for (const Index term : terms_.starts[static_cast<std::size_t>(start)]) {
                const auto& words = terms_.terms[static_cast<std::size_t>(term)].tokens;
                if (at + words.size() > tokens.size() ||
                    !std::equal(words.begin(), words.end(),
                                tokens.begin() + static_cast<std::ptrdiff_t>(at))) {
                    continue;
                }
                auto& positions = positions_[static_cast<std::size_t>(term)];
                if (positions.empty()) present_.push_back(term);
                positions.push_back(static_cast<std::int64_t>(at));
            }
        }
    }

    void make_ranges(std::size_t term, std::int64_t window, std::int64_t places) {
        const auto& positions = positions_[term];
        const auto words = static_cast<std::int64_t>(terms_.terms[term].tokens.size());
        auto& ranges = ranges_[term];
        std::size_t leaves = 0;
        for (const std::int64_t position : positions) {
            // The window that starts at `enters` is the first to hold this occurrence.
            const std::int64_t enters = std::max<std::int64_t>(0, position + words - window);
            std::int64_t last = position;
            if (rule_ == WindowRule::Gensim && words == 1) {
                while (positions[leaves] < enters) ++leaves;
                last = positions[leaves];
            }
            last = std::min(last, places - 1);
            if (last < enters) continue;  // a phrase longer than the window
            if (!ranges.empty() && enters <= ranges.back().last + 1) {
                ranges.back().last = std::max(ranges.back().last, last);
            } else {
                ranges.push_back({enters, last});
            }
        }
    }

    static std::int64_t common(const std::vector<WindowRange>& a, const std::vector<WindowRange>& b) {
        std::int64_t sum = 0;
        for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
            const std::int64_t first = std::max(a[i].first, b[j].first);
            const std::int64_t last = std::min(a[i].last, b[j].last);
            if (last >= first) sum += last - first + 1;
            if (a[i].last < b[j].last) {
                ++i;
            } else {
                ++j;
            }
        }
        return sum;
    }

    const CoherenceTerms& terms_;
    std::int64_t window_;
    WindowRule rule_;
    WindowCounts counts_;
    std::vector<std::vector<WindowRange>> ranges_;      // per term, of the document at hand
    std::vector<std::vector<std::int64_t>> positions_;  // per term, of the document at hand
    std::vector<std::vector<std::pair<std::size_t, std::size_t>>> slots_;  // per term: (topic, place in it)
    std::vector<std::vector<std::size_t>> met_;  // per topic: places of the words that are there
    std::vector<std::size_t> touched_;
    std::vector<Index> present_;
};

inline WindowCounts count_windows(const TokenStream& reference, const CoherenceTerms& terms,
                                  std::int64_t window, WindowRule rule, int num_threads) {
    std::vector<WindowCounter> workers;
    const int threads = resolve_num_threads(num_threads);
    workers.reserve(static_cast<std::size_t>(threads));
    for (int w = 0; w < threads; ++w) workers.emplace_back(terms, window, rule);
    constexpr std::int64_t kDocuments = 256;
    const std::int64_t documents = reference.num_documents();
    parallel_blocks((documents + kDocuments - 1) / kDocuments, num_threads,
                    [&](std::int64_t block, int worker) {
                        const std::int64_t end = std::min(documents, (block + 1) * kDocuments);
                        for (std::int64_t i = block * kDocuments; i < end; ++i) {
                            workers[static_cast<std::size_t>(worker)].add(reference.document(i));
                        }
                    });
    WindowCounts counts(terms);
    for (const WindowCounter& worker : workers) counts.add(worker.counts());
    return counts;
}

/// Counts of one topic's known words.
class TopicCounts {
public:
    TopicCounts(const CoherenceTerms& terms, const WindowCounts& counts, std::size_t topic)
        : total_(static_cast<double>(counts.windows)) {
        const auto& ids = terms.topics[topic];
        std::vector<std::size_t> known;
        for (std::size_t s = 0; s < ids.size(); ++s) {
            if (counts.single[static_cast<std::size_t>(ids[s])] > 0) known.push_back(s);
        }
        size_ = known.size();
        both_.resize(size_ * size_);
        for (std::size_t a = 0; a < size_; ++a) {
            for (std::size_t b = a; b < size_; ++b) {
                const std::int64_t count = a == b ? counts.single[static_cast<std::size_t>(ids[known[a]])]
                                                  : counts.pairs[topic][known[a] * ids.size() + known[b]];
                both_[a * size_ + b] = both_[b * size_ + a] = static_cast<double>(count);
            }
        }
    }
    std::size_t size() const noexcept { return size_; }
    double share(std::size_t a, std::size_t b) const { return both_[a * size_ + b] / total_; }
    double pmi(std::size_t a, std::size_t b) const {
        return std::log((share(a, b) + kCoherenceEpsilon) / (share(a, a) * share(b, b)));
    }
    double npmi(std::size_t a, std::size_t b) const {
        return pmi(a, b) / -std::log(share(a, b) + kCoherenceEpsilon);
    }
    double given(std::size_t a, std::size_t b) const {
        return std::log((share(a, b) + kCoherenceEpsilon) / share(b, b));
    }

private:
    double total_;
    std::size_t size_ = 0;
    std::vector<double> both_;
};

inline double mean_npmi(const TopicCounts& topic, bool normalised) {
    double sum = 0;
    for (std::size_t a = 0; a < topic.size(); ++a) {
        for (std::size_t b = 0; b < topic.size(); ++b) {
            if (a != b) sum += normalised ? topic.npmi(a, b) : topic.pmi(a, b);
        }
    }
    return sum / static_cast<double>(topic.size() * (topic.size() - 1));
}

inline double context_cosine(const TopicCounts& topic) {
    const std::size_t k = topic.size();
    std::vector<double> vectors(k * k);
    std::vector<double> whole(k, 0.0);
    for (std::size_t a = 0; a < k; ++a) {
        for (std::size_t b = 0; b < k; ++b) {
            vectors[a * k + b] = topic.npmi(a, b);
            whole[b] += vectors[a * k + b];
        }
    }
    double whole_squares = 0;
    for (const double x : whole) whole_squares += x * x;
    double sum = 0;
    for (std::size_t a = 0; a < k; ++a) {
        double dot = 0;
        double squares = 0;
        for (std::size_t b = 0; b < k; ++b) {
            dot += vectors[a * k + b] * whole[b];
            squares += vectors[a * k + b] * vectors[a * k + b];
        }
        const double lengths = std::sqrt(squares) * std::sqrt(whole_squares);
        sum += lengths > 0 ? dot / lengths : 0.0;
    }
    return sum / static_cast<double>(k);
}

inline double mean_conditional(const TopicCounts& topic) {
    double sum = 0;
    for (std::size_t a = 1; a < topic.size(); ++a) {
        for (std::size_t b = 0; b < a; ++b) sum += topic.given(a, b);
    }
    return sum / static_cast<double>(topic.size() * (topic.size() - 1) / 2);
}

/// Mean of the values that are numbers; NaN when there is none.
inline double mean_of_known(const std::vector<double>& values) {
    double sum = 0;
    std::int64_t count = 0;
    for (const double value : values) {
        if (std::isnan(value)) continue;
        sum += value;
        ++count;
    }
    return count == 0 ? kCoherenceNan : sum / static_cast<double>(count);
}

inline void check_top_n(const char* stage, int top_n, int least) {
    if (top_n < least) {
        throw_invalid(stage, "top_n", "is " + std::to_string(top_n),
                      "use " + std::to_string(least) + " or more");
    }
}

inline std::vector<std::string> first_words(const std::vector<std::string>& topic, int top_n) {
    return {topic.begin(), topic.begin() + static_cast<std::ptrdiff_t>(
                                               std::min(topic.size(), static_cast<std::size_t>(top_n)))};
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(CoherenceMeasure measure) noexcept {
    switch (measure) {
        case CoherenceMeasure::Npmi:
            return "c_npmi";
        case CoherenceMeasure::Cv:
            return "c_v";
        case CoherenceMeasure::Uci:
            return "c_uci";
        case CoherenceMeasure::Umass:
            return "u_mass";
    }
    return "unknown";
}

FILMATLAS_INLINE void validate(const CoherenceOptions& options) {
    detail::check_top_n("coherence", options.top_n, 2);
    if (options.window.value_or(1) < 1) {
        throw_invalid("coherence", "window", "is " + std::to_string(*options.window), "use 1 or more");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE Coherence coherence(const TokenStream& reference, const TopicWords& topics,
                                     const CoherenceOptions& options) {
    validate(options);
    const detail::CoherenceTerms terms(reference, topics, options.top_n);
    const bool documents = options.measure == CoherenceMeasure::Umass;
    const int window = options.window.value_or(options.measure == CoherenceMeasure::Cv ? 110 : 10);
    const detail::WindowCounts counts =
        detail::count_windows(reference, terms, documents ? 0 : window, options.rule, options.num_threads);
    Coherence result;
    result.windows = counts.windows;
    for (std::size_t t = 0; t < topics.size(); ++t) {
        auto& unknown = result.unknown.emplace_back();
        for (const Index id : terms.topics[t]) {
            if (counts.single[static_cast<std::size_t>(id)] == 0) {
                unknown.push_back(terms.names[static_cast<std::size_t>(id)]);
            }
        }
        const detail::TopicCounts topic(terms, counts, t);
        double value = detail::kCoherenceNan;
        if (topic.size() >= 2) {
            if (options.measure == CoherenceMeasure::Cv) value = detail::context_cosine(topic);
            if (options.measure == CoherenceMeasure::Umass) value = detail::mean_conditional(topic);
            if (options.measure == CoherenceMeasure::Npmi) value = detail::mean_npmi(topic, true);
            if (options.measure == CoherenceMeasure::Uci) value = detail::mean_npmi(topic, false);
        }
        result.per_topic.push_back(value);
    }
    result.mean = detail::mean_of_known(result.per_topic);
    return result;
}

FILMATLAS_INLINE double topic_diversity(const TopicWords& topics, int top_n) {
    detail::check_top_n("topic_diversity", top_n, 1);
    std::set<std::string> distinct;
    std::size_t total = 0;
    for (const auto& topic : topics) {
        for (const std::string& word : detail::first_words(topic, top_n)) {
            distinct.insert(word);
            ++total;
        }
    }
    return total == 0 ? detail::kCoherenceNan
                      : static_cast<double>(distinct.size()) / static_cast<double>(total);
}

FILMATLAS_INLINE double topic_uniqueness(const TopicWords& topics, int top_n) {
    detail::check_top_n("topic_uniqueness", top_n, 1);
    std::map<std::string, std::int64_t> holders;
    for (const auto& topic : topics) {
        const auto words = detail::first_words(topic, top_n);
        for (const std::string& word : std::set<std::string>(words.begin(), words.end())) ++holders[word];
    }
    std::vector<double> means;
    for (const auto& topic : topics) {
        double sum = 0;
        const auto words = detail::first_words(topic, top_n);
        for (const std::string& word : words) sum += 1.0 / static_cast<double>(holders[word]);
        means.push_back(words.empty() ? detail::kCoherenceNan : sum / static_cast<double>(words.size()));
    }
    return detail::mean_of_known(means);
}

FILMATLAS_INLINE double inverted_rank_biased_overlap(const TopicWords& topics, int top_n, double p) {
    detail::check_top_n("inverted_rank_biased_overlap", top_n, 1);
    if (!(p > 0 && p < 1)) {
        throw_invalid("inverted_rank_biased_overlap", "p", "is " + to_text(p),
                      "use a number between 0 and 1");
    }
    std::vector<double> overlaps;
    for (std::size_t a = 0; a < topics.size(); ++a) {
        for (std::size_t b = a + 1; b < topics.size(); ++b) {
            const auto first = detail::first_words(topics[a], top_n);
            const auto second = detail::first_words(topics[b], top_n);
            const std::size_t depth = std::min(first.size(), second.size());
            if (depth == 0) continue;
            std::set<std::string> seen_first;
            std::set<std::string> seen_second;
            double common = 0;
            double sum = 0;
            double weight = 1;
            for (std::size_t d = 0; d < depth; ++d) {
                if (seen_first.insert(first[d]).second && seen_second.contains(first[d])) ++common;
                if (seen_second.insert(second[d]).second && seen_first.contains(second[d])) ++common;
                weight *= p;
                sum += common / static_cast<double>(d + 1) * weight;
            }
            overlaps.push_back(common / static_cast<double>(depth) * weight + (1 - p) / p * sum);
        }
    }
    return 1 - detail::mean_of_known(overlaps);
}

FILMATLAS_INLINE WordIntrusion word_intrusion(const TokenStream& reference, const TopicWords& topics,
                                              const WordIntrusionOptions& options) {
    detail::check_top_n("word_intrusion", options.top_n, 2);
    if (options.draws < 1 || options.window < 1) {
        throw_invalid("word_intrusion", options.draws < 1 ? "draws" : "window", "is below 1",
                      "use 1 or more");
    }
    // Each planted list is the topic with one word more, at the end.
    TopicWords planted;
    std::vector<std::size_t> owner;
    for (std::size_t t = 0; t < topics.size(); ++t) {
        const std::vector<std::string> words = detail::first_words(topics[t], options.top_n);
        RandomStream random(options.seed, "word_intrusion", t);
        std::vector<std::string> pool;
        for (std::size_t other = 0; other < topics.size(); ++other) {
            if (other == t) continue;
            for (const std::string& word :
                 detail::first_words(topics[other], std::max(1, options.top_n / 2))) {
                if (std::find(topics[t].begin(), topics[t].end(), word) == topics[t].end())
                    pool.push_back(word);
            }
        }
        std::sort(pool.begin(), pool.end());
        pool.erase(std::unique(pool.begin(), pool.end()), pool.end());
        const std::size_t draws = std::min(pool.size(), static_cast<std::size_t>(options.draws));
        for (std::size_t d = 0; d < draws; ++d) {
            std::swap(pool[d], pool[d + static_cast<std::size_t>(random.below(pool.size() - d))]);
            planted.push_back(words);
            planted.back().push_back(pool[d]);
            owner.push_back(t);
        }
    }
    const detail::CoherenceTerms terms(reference, planted, options.top_n + 1);
    const detail::WindowCounts counts =
        detail::count_windows(reference, terms, options.window, WindowRule::Exact, options.num_threads);
    std::vector<double> found(topics.size(), 0.0);
    std::vector<double> tried(topics.size(), 0.0);
    for (std::size_t i = 0; i < planted.size(); ++i) {
        const Index intruder = terms.topics[i].back();
        const detail::TopicCounts topic(terms, counts, i);
        if (topic.size() < 3 || counts.single[static_cast<std::size_t>(intruder)] == 0) continue;
        std::vector<double> fit(topic.size(), 0.0);
        for (std::size_t a = 0; a < topic.size(); ++a) {
            for (std::size_t b = 0; b < topic.size(); ++b) {
                if (a != b) fit[a] += topic.npmi(a, b);
            }
        }
        const bool lowest = std::all_of(fit.begin(), fit.end() - 1, [&](double f) { return f > fit.back(); });
        tried[owner[i]] += 1;
        found[owner[i]] += lowest ? 1 : 0;
    }
    WordIntrusion result;
    for (std::size_t t = 0; t < topics.size(); ++t) {
        result.per_topic.push_back(tried[t] > 0 ? found[t] / tried[t] : detail::kCoherenceNan);
    }
    result.mean = detail::mean_of_known(result.per_topic);
    return result;
}

FILMATLAS_INLINE std::vector<double> topic_coverage(const TokenStream& documents,
                                                    std::span<const Index> groups, const TopicWords& topics,
                                                    int top_n) {
    detail::check_top_n("topic_coverage", top_n, 1);
    if (static_cast<std::int64_t>(groups.size()) != documents.num_documents()) {
        throw_shape("topic_coverage", "there are " + std::to_string(groups.size()) + " groups for " +
                                          std::to_string(documents.num_documents()) + " documents");
    }
    const detail::CoherenceTerms terms(documents, topics, top_n);
    std::vector<double> held(topics.size(), 0.0);
    std::vector<double> size(topics.size(), 0.0);
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (groups[i] < 0) continue;
        if (static_cast<std::size_t>(groups[i]) >= topics.size()) {
            throw_invalid("topic_coverage", "groups",
                          "document " + std::to_string(i) + " is in topic " + std::to_string(groups[i]),
                          "there are " + std::to_string(topics.size()) + " topics");
        }
        const auto topic = static_cast<std::size_t>(groups[i]);
        const auto tokens = documents.document(static_cast<std::int64_t>(i));
        const auto holds = [&](std::size_t at) {
            if (tokens[at] < 0) return false;
            const Index start = terms.start_of[static_cast<std::size_t>(tokens[at])];
            if (start < 0) return false;
            const auto& own = terms.topics[topic];
            for (const Index term : terms.starts[static_cast<std::size_t>(start)]) {
                const auto& words = terms.terms[static_cast<std::size_t>(term)].tokens;
                if (std::find(own.begin(), own.end(), term) != own.end() &&
                    at + words.size() <= tokens.size() &&
                    std::equal(words.begin(), words.end(),
                               tokens.begin() + static_cast<std::ptrdiff_t>(at))) {
                    return true;
                }
            }
            return false;
        };
        bool found = false;
        for (std::size_t at = 0; at < tokens.size() && !found; ++at) found = holds(at);
        size[topic] += 1;
        held[topic] += found ? 1 : 0;
    }
    std::vector<double> shares;
    for (std::size_t t = 0; t < topics.size(); ++t) {
        shares.push_back(size[t] > 0 ? held[t] / size[t] : detail::kCoherenceNan);
    }
    return shares;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_COHERENCE_IMPL_HPP
