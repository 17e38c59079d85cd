// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_TOKENIZE_HPP
#define FILMATLAS_TEXT_TOKENIZE_HPP

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/text/stop_words.hpp"

/// @file tokenize.hpp
/// @brief Words of texts, as scikit-learn's CountVectorizer finds them.
///
/// A token is a maximal run of word characters (is_word) of the lower-cased text: the pattern
/// `(?u)\b\w\w+\b` on `str.lower()` for the default `min_length`.
///
/// That pattern takes a sentence of Chinese, Japanese or Thai for one word, and breaks words at their vowel
/// signs (Hindi, Thai), at decomposed accents ("e" + U+0301) and behind a Turkish capital dotted I.
/// WordRule::Unicode does neither.

namespace filmatlas {

/// What a word is.
enum class WordRule {
    Python,  ///< as scikit-learn's default pattern
    /// Marks belong to the letter before them, joiners to the word around them. Scripts that are written
    /// without spaces (Han, hiragana, Thai, Lao, Khmer, Burmese) give overlapping pairs of characters, a
    /// character alone gives itself; katakana and hangul give words.
    Unicode,
    /// As Unicode, but scripts written without spaces give words, by ICU's dictionaries (Chinese and Japanese, Thai,
    /// Lao, Khmer, Burmese). Only where the library was built with ICU, see has_dictionary_words(); the words may
    /// differ between versions of ICU.
    Dictionary,
};
/// Whether the library was built with ICU (CMake option FILMATLAS_ICU).
bool has_dictionary_words() noexcept;
/// "python", "unicode", "dictionary".
std::string_view to_string(WordRule rule) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
WordRule word_rule_from_string(std::string_view name);

/// How texts become terms. Used alike when fitting and when encoding new texts.
struct TokenizeOptions {
    /// Shortest token kept. Unit: code points; at least 1.
    int min_length = 2;
    /// Name of a stop list (see stop_list()); "" = none.
    std::string stop_words = {};
    /// More words to leave out; lower-cased, then compared with the tokens.
    std::vector<std::string> extra_stop_words = {};
    /// Terms are runs of ngram_min .. ngram_max tokens joined by one space, 1 <= ngram_min <= ngram_max <= 8.
    /// Stop words go before runs are formed, so a run may jump over them, as in scikit-learn.
    int ngram_min = 1;
    int ngram_max = 1;
    /// false: a run never reaches over a stop word (in a TokenStream, stop words are then the empty token).
    bool jump_stop_words = true;
    WordRule words = WordRule::Python;
    /// Punctuation that holds a word together where it stands between word characters: "-'" keeps "sci-fi"
    /// and "don't" whole (U+2019 counts as an apostrophe). ASCII.
    std::string inner_characters = {};
    /// Name of a stemmer (see stem()), applied to tokens that are no stop words; "" = none.
    std::string stemmer = {};
    bool operator==(const TokenizeOptions&) const = default;
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const TokenizeOptions& options);

/// Terms of one text in order: all tokens, then all runs of two, ... Invalid UTF-8 separates tokens.
std::vector<std::string> tokenize(std::string_view text, const TokenizeOptions& options = {});

/// Texts tokenised once: the tokens of every document, in order, as ids. Stop words and short tokens are
/// gone; everything else (counts, n-grams, windows) is made from this without reading the texts again.
struct TokenStream {
    std::vector<std::string> vocabulary;     ///< distinct tokens, ascending by code point
    std::vector<std::int64_t> indptr = {0};  ///< documents + 1 offsets
    std::vector<Index> ids;                  ///< token ids, (tokens,)

    std::int64_t num_documents() const noexcept { return static_cast<std::int64_t>(indptr.size()) - 1; }
    std::int64_t num_tokens() const noexcept { return static_cast<std::int64_t>(ids.size()); }
    std::span<const Index> document(std::int64_t i) const {
        const auto begin = static_cast<std::size_t>(indptr[static_cast<std::size_t>(i)]);
        return {ids.data() + begin,
                static_cast<std::size_t>(indptr[static_cast<std::size_t>(i) + 1]) - begin};
    }
    bool operator==(const TokenStream&) const = default;
};

/// Tokenises all texts (n-gram lengths are not used here). The same for any `num_threads`.
/// Cost: one pass over the bytes; memory 4 bytes per token beside the vocabulary.
/// @throws Error (InvalidArgument) for bad options; (Memory) above 2^31 - 1 distinct tokens; (Cancelled).
TokenStream token_stream(std::span<const std::string> texts, const TokenizeOptions& options = {},
                         int num_threads = 0, const Progress& progress = {});
/// The same from texts that lie elsewhere, e.g. in the buffers of an Arrow column.
TokenStream token_stream(std::span<const std::string_view> texts, const TokenizeOptions& options = {},
                         int num_threads = 0, const Progress& progress = {});

/// A stream of tokens that were made elsewhere (by a pattern, a segmenter, or an earlier token_stream() without stop
/// words), with the stop words and the stemmer of `options`; nothing else is changed. For the tokens of a stream
/// without stop words and stemmer the result is that of token_stream() with them.
/// @param tokens `vocabulary` in any order; repeats are joined, empty tokens end runs.
/// @throws Error (Shape) for ids outside the vocabulary; (InvalidArgument) where a token holds a blank, which joins the
///         tokens of an n-gram, and ngram_max is above 1.
TokenStream stream_of_tokens(TokenStream tokens, const TokenizeOptions& options = {}, int num_threads = 0);

/// Terms of one document of a stream, listed as tokenize() does; `options` gives the n-gram range only.
std::vector<std::string> document_terms(const TokenStream& stream, std::int64_t document,
                                        const TokenizeOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/tokenize_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_TOKENIZE_HPP
