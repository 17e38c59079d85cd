// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_COMPOSE_HPP
#define FILMATLAS_PROFILE_COMPOSE_HPP

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/profile/records.hpp"

/// @file compose.hpp
/// @brief One text per item and source, and the composed text, within budgets and with an account of both.
///
/// A word token is a run of letters and digits of any script (apostrophes inside belong to it); ideographs
/// and kana count one by one. Encoders split words further: about 1.3 word pieces per English word.
///
/// A source's text is its columns in order: tags joined by ", " (scored: highest first, ties as given), texts
/// as they are; a piece that doesn't end a sentence is closed by ". " before the next column. Budgets cut
/// texts after a word and tag lists after a tag. The composed text is, per source in order, prefix + text +
/// suffix; a source without text is left out with its prefix. When the composed text has a budget, every
/// source is granted tokens in proportion to its weight, and what short sources leave goes to the others.

namespace filmatlas {

/// One source of a profile: one or more columns rendered as text.
struct Source {
    std::string name = {};
    std::vector<std::string> columns = {};  ///< in this order; empty = the column called `name`
    double weight = 1;                 ///< >= 0, relative; also the weight of this source's vectors
    std::int64_t max_tokens = 0;       ///< budget of word tokens; 0 = no limit
    double min_score = 0;              ///< scored tags below it are left out
    /// Scored tags whose score is below min_lift * (the tag's mean) are left out. The mean is over the items
    /// that have the column at all, absent = 0; a tag that everything has says nothing about one thing.
    double min_lift = 0;
    /// Tags kept per item and column (scored: the highest; plain: the first); 0 = all.
    std::int64_t max_items = 0;
    std::string prefix = {};  ///< put before a non-empty text in the composed profile, e.g. "Themes: "
    std::string suffix = {};  ///< put behind it, e.g. "."
    /// Stands in the composed text of an item that lacks the source, as it is, e.g. "No reviews yet."; empty = nothing
    /// does. It counts toward the budget of the whole, and is no text of the source: its vector stays missing.
    std::string missing = {};
    bool required = false;  ///< items that lack it are listed in Profiles::incomplete
};

/// Tokens that an encoder makes of a unit: a word token, or one punctuation mark. At least 0.
using TokenCost = std::function<std::int64_t(std::string_view unit)>;

/// Estimate of the pieces that a BERT-like vocabulary of 30,000 makes of a unit: one up to nine letters and for each
/// further four, one per three digits and per two letters of other scripts than Latin, one per mark.
std::int64_t word_piece_estimate(std::string_view unit) noexcept;

struct ComposeOptions {
    /// Budget of the composed text, prefixes and suffixes included; 0 = no limit.
    std::int64_t max_tokens = 0;
    bool include_titles = false;  ///< sources may name the title column only when true: titles leak identity
    std::string title_column = "title";
    std::string separator = " ";  ///< between sources of the composed text
    int num_threads = 0;          ///< 0 = choose for me; never changes the result
    /// How budgets and accounts count, e.g. word_piece_estimate; empty = word tokens, one each. Called from several
    /// threads unless num_threads is 1.
    TokenCost token_cost = {};
    /// A sentence (of at least three words) that an earlier source of the item has already is left out of the composed
    /// text; compared without case and punctuation. Source texts keep theirs.
    bool drop_repeated_sentences = false;
};

/// Where a piece of the composed text came from: bytes [begin, end), without prefix and suffix; a source has several
/// where repeated sentences were left out of it.
struct ProvenanceSpan {
    Index source = 0;
    Index begin = 0;
    Index end = 0;
};

/// What was kept and cut, per item and source.
struct SourceShare {
    std::string name;
    double weight = 0;              ///< normalised to sum 1
    std::int64_t items = 0;         ///< items that have this source
    std::int64_t kept_tokens = 0;   ///< in the composed texts
    std::int64_t cut_tokens = 0;    ///< lost to the source's budget or the composed text's
    std::int64_t cut_items = 0;     ///< items whose text was cut
    double token_share = 0;         ///< of all kept tokens
    std::int64_t dropped_tags = 0;  ///< left out by min_score, min_lift or max_items; not counted as cut
    std::int64_t repeated_tokens = 0;  ///< of sentences that an earlier source has; neither kept nor cut
};

struct Profiles {
    std::vector<std::string> texts;                      ///< (n,) composed
    std::vector<std::string> source_names;               ///< (s,)
    std::vector<double> source_weights;                  ///< (s,) sum 1
    std::vector<std::vector<std::string>> source_texts;  ///< [source][item], within the source's own budget
    std::vector<std::vector<ProvenanceSpan>> spans;      ///< [item]
    Matrix<Index> kept_tokens;                           ///< (n, s)
    Matrix<Index> cut_tokens;                            ///< (n, s)
    std::vector<SourceShare> report;                     ///< (s,)
    double dominance = 0;  ///< largest token share of a source: 1/s = balanced, 1 = one source has it all
    std::vector<Index> incomplete = {};  ///< items that lack a required source, ascending
};

/// Number of word tokens of UTF-8 text (ill-formed bytes separate words).
std::int64_t count_tokens(std::string_view text) noexcept;
/// Tokens of the text's words and punctuation marks by a cost; word tokens when it is empty.
std::int64_t count_tokens(std::string_view text, const TokenCost& cost);

/// Cost: linear in the text; parallel over items, the same result for any number of threads. Items without
/// any text get an empty profile.
/// @throws Error (InvalidArgument) naming an unknown column, a Link column, a title column without
///         include_titles, a negative weight or budget, two sources of one name, or no source with a positive
///         weight.
Profiles compose_profiles(const Records& records, const std::vector<Source>& sources,
                          const ComposeOptions& options = {});

/// Sources for a catalogue of unknown shape: scored tags and tags first, then the long text columns (mean
/// length at least 20 characters where present), each its own source, weights equal, 160 tokens each. Left
/// out are private columns, titles and names ("title", "name", "*_title", "*_name", "title_*"), ids ("id",
/// "*_id"), links, numbers and columns without values.
std::vector<Source> default_sources(const Records& records);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/profile/detail/compose_impl.hpp"
#endif
#endif  // FILMATLAS_PROFILE_COMPOSE_HPP
