// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_TOKENIZE_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_TOKENIZE_IMPL_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/text/detail/stemmer.hpp"
#include "filmatlas/text/detail/token_table.hpp"
#include "filmatlas/text/detail/word_scan.hpp"
#include "filmatlas/text/stem.hpp"
#include "filmatlas/text/stop_words.hpp"
#include "filmatlas/text/tokenize.hpp"

namespace filmatlas {
namespace detail {

/// Ranges of documents with about the same number of bytes, cut by the texts alone.
template <class Text>
std::vector<std::int64_t> text_blocks(std::span<const Text> texts) {
    std::size_t total = 0;
    for (const Text& text : texts) total += text.size() + 32;  // an empty text costs something, too
    const std::size_t target =
        std::clamp<std::size_t>(total / 64, std::size_t{1} << 16, std::size_t{1} << 22);
    std::vector<std::int64_t> begins{0};
    std::size_t filled = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        filled += texts[i].size() + 32;
        if (filled >= target || i + 1 == texts.size()) {
            begins.push_back(static_cast<std::int64_t>(i) + 1);
            filled = 0;
        }
    }
    return begins;
}

/// A token of one worker's table, keyed for sorting by its first eight bytes in reading order.
struct TokenRef {
    std::uint64_t key;
    std::uint32_t worker;
    std::uint32_t id;
};

inline std::uint64_t token_sort_key(std::string_view token) noexcept {
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        key = key << 8 | (i < token.size() ? static_cast<unsigned char>(token[i]) : 0U);
    }
    return key;
}

/// Sorts the tokens of all tables, from id `first` on, into one vocabulary; `ranks[worker][id]` is the id in
/// it.
inline std::vector<std::string> merge_token_tables(const std::vector<TokenTable>& tables, std::uint32_t first,
                                                   std::vector<std::vector<Index>>& ranks, int num_threads) {
    constexpr std::size_t kBuckets = 256;  // by first byte
    std::array<std::size_t, kBuckets + 1> begin{};
    for (const TokenTable& table : tables) {
        for (std::uint32_t id = first; id < table.size(); ++id) {
            ++begin[static_cast<std::size_t>(static_cast<unsigned char>(table.token(id)[0])) + 1];
        }
    }
    for (std::size_t b = 0; b < kBuckets; ++b) begin[b + 1] += begin[b];
    std::vector<TokenRef> refs(begin[kBuckets]);
    std::array<std::size_t, kBuckets + 1> cursor = begin;
    ranks.resize(tables.size());
    for (std::size_t w = 0; w < tables.size(); ++w) {
        ranks[w].assign(tables[w].size(), -1);
        for (std::uint32_t id = first; id < tables[w].size(); ++id) {
            const std::string_view token = tables[w].token(id);
            refs[cursor[static_cast<unsigned char>(token[0])]++] = {token_sort_key(token),
                                                                    static_cast<std::uint32_t>(w), id};
        }
    }
    const auto rest = [&](const TokenRef& ref) {
        const std::string_view token = tables[ref.worker].token(ref.id);
        return token.substr(std::min<std::size_t>(8, token.size()));
    };
    // Tokens hold no NUL, so equal keys of short tokens mean equal tokens.
    const auto same = [&](const TokenRef& a, const TokenRef& b) {
        return a.key == b.key && rest(a) == rest(b);
    };
    std::array<std::size_t, kBuckets + 1> distinct{};
    parallel_blocks(kBuckets, num_threads, [&](std::int64_t block, int) {
        const auto b = static_cast<std::size_t>(block);
        const std::span<TokenRef> bucket(refs.data() + begin[b], begin[b + 1] - begin[b]);
        std::sort(bucket.begin(), bucket.end(), [&](const TokenRef& x, const TokenRef& y) {
            return x.key != y.key ? x.key < y.key : rest(x) < rest(y);
        });
        for (std::size_t i = 0; i < bucket.size(); ++i) {
            if (i == 0 || !same(bucket[i - 1], bucket[i])) ++distinct[b + 1];
        }
    });
    for (std::size_t b = 0; b < kBuckets; ++b) distinct[b + 1] += distinct[b];
    if (distinct[kBuckets] > static_cast<std::size_t>(std::numeric_limits<Index>::max())) {
        throw Error(ErrorCode::Memory, ErrorContext{"token_stream", {}, -1, {}, -1},
                    "the texts hold more than 2^31 - 1 distinct tokens", "split the texts");
    }
    std::vector<std::string> vocabulary(distinct[kBuckets]);
    parallel_blocks(kBuckets, num_threads, [&](std::int64_t block, int) {
        const auto b = static_cast<std::size_t>(block);
        std::size_t rank = distinct[b];
        for (std::size_t i = begin[b]; i < begin[b + 1]; ++i) {
            if (i > begin[b] && !same(refs[i - 1], refs[i])) ++rank;
            if (i == begin[b] || !same(refs[i - 1], refs[i])) {
                vocabulary[rank] = std::string(tables[refs[i].worker].token(refs[i].id));
            }
            ranks[refs[i].worker][refs[i].id] = static_cast<Index>(rank);
        }
    });
    return vocabulary;
}

/// Sorts the vocabulary of a stream and joins what is equal in it; -1 in `kept` drops a token from the texts.
inline void sort_stream(TokenStream& stream, std::vector<Index> kept) {
    std::vector<Index> order;
    for (std::size_t t = 0; t < kept.size(); ++t) {
        if (kept[t] >= 0) order.push_back(static_cast<Index>(t));
    }
    const auto word = [&](Index t) -> std::string& { return stream.vocabulary[static_cast<std::size_t>(t)]; };
    std::sort(order.begin(), order.end(), [&](Index a, Index b) { return word(a) < word(b); });
    std::vector<std::string> words;
    for (const Index t : order) {
        if (words.empty() || words.back() != word(t)) words.push_back(word(t));
        kept[static_cast<std::size_t>(t)] = static_cast<Index>(words.size()) - 1;
    }
    stream.vocabulary = std::move(words);
    std::size_t out = 0;
    std::size_t at = 0;
    for (std::size_t d = 0; d + 1 < stream.indptr.size(); ++d) {
        for (const auto end = static_cast<std::size_t>(stream.indptr[d + 1]); at < end; ++at) {
            const Index id = kept[static_cast<std::size_t>(stream.ids[at])];
            if (id >= 0) stream.ids[out++] = id;
        }
        stream.indptr[d + 1] = static_cast<std::int64_t>(out);
    }
    stream.ids.resize(out);
}

/// Replaces the tokens of a stream by their stems.
inline void stem_stream(TokenStream& stream, std::string_view stemmer, int num_threads) {
    const auto terms = static_cast<std::int64_t>(stream.vocabulary.size());
    parallel_for(terms, 4096, num_threads, [&](std::int64_t begin, std::int64_t end) {
        const Stemmer stems(stemmer);
        for (auto t = static_cast<std::size_t>(begin); t < static_cast<std::size_t>(end); ++t) {
            if (!stream.vocabulary[t].empty()) stream.vocabulary[t] = stems(stream.vocabulary[t]);
        }
    });
    sort_stream(stream, std::vector<Index>(stream.vocabulary.size(), 0));
}

/// Runs of ngram_min .. ngram_max tokens; "" ends runs.
inline std::vector<std::string> runs_of_tokens(std::vector<std::string> tokens, const TokenizeOptions& options) {
    if (options.ngram_min == 1 && options.ngram_max == 1) return tokens;
    std::vector<std::string> terms;
    for (auto n = static_cast<std::size_t>(options.ngram_min);
         n <= static_cast<std::size_t>(options.ngram_max) && n <= tokens.size(); ++n) {
        for (std::size_t i = 0; i + n <= tokens.size(); ++i) {
            const auto run = tokens.begin() + static_cast<std::ptrdiff_t>(i);
            const auto end = run + static_cast<std::ptrdiff_t>(n);
            if (std::find(run, end, std::string()) != end) continue;
            std::string term = tokens[i];
            for (std::size_t j = 1; j < n; ++j) term.append(1, ' ').append(tokens[i + j]);
            terms.push_back(std::move(term));
        }
    }
    return terms;
}

/// token_stream() of any kind of text.
template <class Text>
TokenStream stream_of_texts(std::span<const Text> texts, const TokenizeOptions& options, int num_threads,
                            const Progress& progress) {
    validate(options);
    const UnicodeIndex& index = unicode_index();
    const auto min_length = static_cast<std::size_t>(options.min_length);
    const std::vector<std::string> stop_words =
        all_stop_words(options.stop_words, options.extra_stop_words);
    const auto num_stop = static_cast<std::uint32_t>(stop_words.size());
    const std::uint32_t first_kept = options.jump_stop_words ? num_stop : 0;
    const WordScanner scanner(options);
    const std::vector<std::int64_t> begins = text_blocks(texts);
    const auto num_blocks = static_cast<std::int64_t>(begins.size()) - 1;

    // Every worker numbers the tokens that it meets in its own table. Which worker met what depends on
    // timing, the set of all tokens doesn't: ids become final when the vocabulary is sorted.
    const auto workers =
        static_cast<std::size_t>(std::clamp<std::int64_t>(num_blocks, 1, resolve_num_threads(num_threads)));
    std::vector<TokenTable> tables(workers);
    for (TokenTable& table : tables) {
        for (const std::string& word : stop_words) table.insert(word);  // ids below num_stop
    }
    std::vector<TokenBuffer> buffers(workers);
    std::vector<std::vector<std::uint32_t>> block_ids(static_cast<std::size_t>(num_blocks));
    std::vector<std::size_t> block_worker(static_cast<std::size_t>(num_blocks));
    TokenStream stream;
    stream.indptr.assign(texts.size() + 1, 0);
    parallel_blocks(
        num_blocks, num_threads,
        [&](std::int64_t block, int worker) {
            const auto b = static_cast<std::size_t>(block);
            const auto w = static_cast<std::size_t>(worker);
            TokenTable& table = tables[w];
            std::vector<std::uint32_t>& ids = block_ids[b];
            TokenBatch batch;
            block_worker[b] = w;
            for (auto i = static_cast<std::size_t>(begins[b]); i < static_cast<std::size_t>(begins[b + 1]);
                 ++i) {
                const std::size_t before = ids.size();
                scan_words(options, scanner, texts[i], index, buffers[w],
                                   [&](const char* data, std::size_t length, std::size_t code_points) {
                                       if (code_points < min_length) return TokenBytes::Free;
                                       batch.add(table, data, length);
                                       if (!batch.full()) return TokenBytes::Keep;
                                       batch.flush(table, first_kept, ids);
                                       return TokenBytes::FreeAll;
                                   });
                batch.flush(table, first_kept, ids);
                stream.indptr[i + 1] = static_cast<std::int64_t>(ids.size() - before);
            }
        },
        progress, "token_stream");
    for (std::size_t i = 0; i < texts.size(); ++i) stream.indptr[i + 1] += stream.indptr[i];

    std::vector<std::vector<Index>> ranks;
    stream.vocabulary = merge_token_tables(tables, num_stop, ranks, num_threads);
    // Stop words that end runs become the empty token, which comes first.
    const Index shift = options.jump_stop_words ? 0 : 1;
    if (shift == 1) stream.vocabulary.insert(stream.vocabulary.begin(), std::string());
    stream.ids.resize(static_cast<std::size_t>(stream.indptr.back()));
    parallel_blocks(num_blocks, num_threads, [&](std::int64_t block, int) {
        const auto b = static_cast<std::size_t>(block);
        const std::vector<Index>& rank = ranks[block_worker[b]];
        auto out = static_cast<std::size_t>(stream.indptr[static_cast<std::size_t>(begins[b])]);
        for (const std::uint32_t id : block_ids[b])
            stream.ids[out++] = rank[id] + shift;  // ranks of stop words are -1
        std::vector<std::uint32_t>().swap(block_ids[b]);
    });
    if (!options.stemmer.empty()) stem_stream(stream, options.stemmer, num_threads);
    return stream;
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(WordRule rule) noexcept {
    switch (rule) {
        case WordRule::Python: return "python";
        case WordRule::Unicode: return "unicode";
        case WordRule::Dictionary: return "dictionary";
    }
    return "python";
}

FILMATLAS_INLINE WordRule word_rule_from_string(std::string_view name) {
    for (const WordRule rule : {WordRule::Python, WordRule::Unicode, WordRule::Dictionary}) {
        if (name == to_string(rule)) return rule;
    }
    throw_invalid("tokenize", "words", "is \"" + std::string(name) + "\"",
                  "use \"python\", \"unicode\" or \"dictionary\"");
}

FILMATLAS_INLINE void validate(const TokenizeOptions& options) {
    const auto number = [](std::int64_t value) { return "is " + std::to_string(value); };
    if (options.min_length < 1)
        throw_invalid("tokenize", "min_length", number(options.min_length), "use 1 or more");
    if (options.ngram_min < 1)
        throw_invalid("tokenize", "ngram_min", number(options.ngram_min), "use 1 or more");
    if (options.ngram_max < options.ngram_min || options.ngram_max > 8) {
        throw_invalid("tokenize", "ngram_max", number(options.ngram_max), "use ngram_min .. 8");
    }
    for (const char c : options.inner_characters) {
        if (c <= ' ' || detail::unicode_index().ascii[static_cast<unsigned char>(c)] != 0) {
            throw_invalid("tokenize", "inner_characters", "holds a space, a letter or more than ASCII",
                          "give punctuation, e.g. \"-'\"");
        }
    }
    if (options.words == WordRule::Dictionary && !has_dictionary_words()) {
        throw_invalid("tokenize", "words", "is \"dictionary\", and this library was built without ICU",
                      "build it with FILMATLAS_ICU=ON, or use \"unicode\": pairs of characters");
    }
    static_cast<void>(stop_list(options.stop_words));
    static_cast<void>(detail::Stemmer(options.stemmer));
}

FILMATLAS_INLINE std::vector<std::string> tokenize(std::string_view text, const TokenizeOptions& options) {
    validate(options);
    const std::vector<std::string> stop_words =
        detail::all_stop_words(options.stop_words, options.extra_stop_words);
    std::vector<std::string> tokens;  // "" = a stop word that ends runs
    const detail::Stemmer stems(options.stemmer);
    detail::TokenBuffer buffer;
    detail::scan_words(options, detail::WordScanner(options), text, detail::unicode_index(), buffer,
                       [&](const char* data, std::size_t length, std::size_t code_points) {
                           const std::string_view token(data, length);
                           if (code_points < static_cast<std::size_t>(options.min_length))
                               return detail::TokenBytes::Free;
                           if (!std::binary_search(stop_words.begin(), stop_words.end(), token)) {
                               tokens.push_back(stems(token));
                           } else if (!options.jump_stop_words && options.ngram_max > 1) {
                               tokens.emplace_back();
                           }
                           return detail::TokenBytes::Free;
                       });
    return detail::runs_of_tokens(std::move(tokens), options);
}

FILMATLAS_INLINE bool has_dictionary_words() noexcept { return detail::kDictionaryWords; }

FILMATLAS_INLINE TokenStream token_stream(std::span<const std::string> texts, const TokenizeOptions& options,
                                          int num_threads, const Progress& progress) {
    return detail::stream_of_texts(texts, options, num_threads, progress);
}

FILMATLAS_INLINE TokenStream token_stream(std::span<const std::string_view> texts, const TokenizeOptions& options,
                                          int num_threads, const Progress& progress) {
    return detail::stream_of_texts(texts, options, num_threads, progress);
}

FILMATLAS_INLINE TokenStream stream_of_tokens(TokenStream tokens, const TokenizeOptions& options, int num_threads) {
    constexpr const char* stage = "stream_of_tokens";
    validate(options);
    const auto size = static_cast<Index>(tokens.vocabulary.size());
    for (const Index id : tokens.ids) {
        if (id < 0 || id >= size) {
            throw_shape(stage, "token id " + std::to_string(id) + " is outside the vocabulary of " +
                                   std::to_string(size));
        }
    }
    const std::vector<std::string> stop_words =
        detail::all_stop_words(options.stop_words, options.extra_stop_words);
    std::vector<Index> kept(tokens.vocabulary.size(), 0);
    for (std::size_t t = 0; t < kept.size(); ++t) {
        std::string& word = tokens.vocabulary[t];
        if (options.ngram_max > 1 && word.find(' ') != std::string::npos) {
            throw_invalid(stage, "tokens", "hold \"" + word + "\", with a blank",
                          "join n-grams by another character, or use ngram_max = 1");
        }
        if (std::binary_search(stop_words.begin(), stop_words.end(), word)) word.clear();
        if (word.empty() && options.jump_stop_words) kept[t] = -1;
    }
    if (!options.jump_stop_words) {  // the empty token is part of such a vocabulary, used or not
        tokens.vocabulary.emplace_back();
        kept.push_back(0);
    }
    detail::sort_stream(tokens, std::move(kept));
    if (!options.stemmer.empty()) detail::stem_stream(tokens, options.stemmer, num_threads);
    return tokens;
}

FILMATLAS_INLINE std::vector<std::string> document_terms(const TokenStream& stream, std::int64_t document,
                                                         const TokenizeOptions& options) {
    validate(options);
    std::vector<std::string> tokens;
    for (const Index id : stream.document(document)) {
        const std::string& token = stream.vocabulary[static_cast<std::size_t>(id)];
        if (!token.empty() || options.ngram_max > 1) tokens.push_back(token);
    }
    return detail::runs_of_tokens(std::move(tokens), options);
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_TOKENIZE_IMPL_HPP
