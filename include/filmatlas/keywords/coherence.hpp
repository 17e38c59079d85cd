// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_COHERENCE_HPP
#define FILMATLAS_KEYWORDS_COHERENCE_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/text/tokenize.hpp"

/// @file coherence.hpp
/// @brief How good lists of words are: coherence against a reference corpus, diversity, word intrusion.
///
/// Coherence measures follow Röder, Both & Hinneburg (2015) with the constants that have become customary
/// (windows of 10 and 110 tokens, epsilon 1e-12) and give gensim's figures. Words that the reference never
/// uses are named in the result; a term of several words is looked for as a run of tokens.

namespace filmatlas {

/// The words of each topic, best first.
using TopicWords = std::vector<std::vector<std::string>>;

enum class CoherenceMeasure {
    Npmi,   ///< mean normalised pointwise mutual information of all pairs, in [-1, 1]
    Cv,     ///< cosine of each word's NPMI vector and the topic's, in [-1, 1]
    Uci,    ///< mean pointwise mutual information of all pairs
    Umass,  ///< log conditional probability of each word given each better one, by documents
};
/// "c_npmi", "c_v", "c_uci", "u_mass".
std::string_view to_string(CoherenceMeasure measure) noexcept;

/// When a sliding window holds a word.
enum class WindowRule {
    /// As gensim moves its windows: a word that leaves at the left counts as gone even where it occurs again
    /// further right in the window. Published figures rest on this.
    Gensim,
    /// A window holds a word that occurs in it.
    Exact,
};

struct CoherenceOptions {
    CoherenceMeasure measure = CoherenceMeasure::Npmi;
    /// Tokens per window, at least 1; unset: 10 (Npmi, Uci) or 110 (Cv). Not used by Umass.
    std::optional<int> window = std::nullopt;
    WindowRule rule = WindowRule::Gensim;
    int top_n = 10;       ///< words used per topic, at least 2
    int num_threads = 0;  ///< never changes the result
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const CoherenceOptions& options);

struct Coherence {
    std::vector<double> per_topic;  ///< NaN where fewer than two words are known
    double mean = 0;                ///< over the topics that have a value; NaN when none has
    TopicWords unknown;             ///< words of each topic that the reference never uses
    std::int64_t windows = 0;       ///< windows (documents for Umass) that were counted
};

/// Coherence of topics against reference texts. Repeated words of a topic count once.
/// @param reference tokens in order; ids below 0 stand for words of no interest and keep their places.
/// Cost: O(tokens + sum over documents of pairs of a topic's words that meet there). Words are compared as
/// they are: lower-case both sides.
Coherence coherence(const TokenStream& reference, const TopicWords& topics,
                    const CoherenceOptions& options = {});

/// Share of distinct words among all words of the topics, in (0, 1]; NaN without words.
double topic_diversity(const TopicWords& topics, int top_n = 10);

/// Mean over topics of the mean over words of 1 / (topics that hold the word), in (0, 1] (Nan et al., 2019).
double topic_uniqueness(const TopicWords& topics, int top_n = 10);

/// 1 - mean over pairs of topics of the rank-biased overlap, extrapolated (Webber, Moffat & Zobel, 2010), in
/// [0, 1]; NaN for fewer than two topics. Lists of unequal length are compared up to the shorter one's.
/// @param p in (0, 1): how slowly the weight falls with rank.
double inverted_rank_biased_overlap(const TopicWords& topics, int top_n = 10, double p = 0.9);

struct WordIntrusionOptions {
    int top_n = 10;
    int draws = 10;   ///< intruders tried per topic, at least 1
    int window = 10;  ///< tokens
    std::uint64_t seed = 42;
    int num_threads = 0;
};

struct WordIntrusion {
    std::vector<double> per_topic;  ///< share of intruders found; NaN where none could be planted
    double mean = 0;                ///< chance is about 1 / (top_n + 1)
};

/// The word intrusion test (Chang et al., 2009) without people: into each topic one of the best words of
/// another is planted, and found when its mean NPMI with the others is the lowest (ties count as not found).
WordIntrusion word_intrusion(const TokenStream& reference, const TopicWords& topics,
                             const WordIntrusionOptions& options = {});

/// Per topic, the share of its documents that hold at least one of its words.
/// @param groups (documents,) topic of each document; -1 = none. Topics are numbered as in `topics`.
/// @return (topics,) shares; NaN for topics without documents. @throws Error (Shape), (InvalidArgument).
std::vector<double> topic_coverage(const TokenStream& documents, std::span<const Index> groups,
                                   const TopicWords& topics, int top_n = 10);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/coherence_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_COHERENCE_HPP
