// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_COUNTS_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_COUNTS_IMPL_HPP

#include <algorithm>
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
#include "filmatlas/text/counts.hpp"
#include "filmatlas/text/detail/count_rows.hpp"
#include "filmatlas/text/detail/count_runs.hpp"
#include "filmatlas/text/detail/term_paths.hpp"
#include "filmatlas/text/detail/token_table.hpp"
#include "filmatlas/text/detail/word_scan.hpp"
#include "filmatlas/text/tokenize.hpp"
#include "filmatlas/text/vocabulary.hpp"

namespace filmatlas {
namespace detail {

/// count_with_vocabulary() of any kind of text.
template <class Text>
CsrMatrix<std::int32_t> count_texts_with_vocabulary(std::span<const Text> texts,
                                                    std::span<const std::string> vocabulary,
                                                    const TokenizeOptions& options, int num_threads,
                                                    const Progress& progress) {
    validate(options);
    if (!options.stemmer.empty()) {  // stems are found once per distinct token
        return count_with_vocabulary(token_stream(texts, options, num_threads, progress), vocabulary, options,
                                     num_threads, progress);
    }
    validate_vocabulary(vocabulary);
    const auto min_length = static_cast<std::size_t>(options.min_length);
    TokenTable table;
    for (const std::string& word : all_stop_words(options.stop_words, options.extra_stop_words))
        table.insert(word);
    const std::uint32_t num_stop = table.size();
    const TermPaths paths(vocabulary, options, table);
    const UnicodeIndex& index = unicode_index();
    const WordScanner scanner(options);
    std::vector<TokenBuffer> buffers(static_cast<std::size_t>(resolve_num_threads(num_threads)));
    return count_rows(
        static_cast<std::int64_t>(texts.size()), static_cast<std::int64_t>(vocabulary.size()), num_threads,
        progress, "count_with_vocabulary", [&](std::int64_t i, std::vector<std::uint32_t>& row, int worker) {
            std::vector<std::uint32_t> tokens;
            scan_words(options, scanner, texts[static_cast<std::size_t>(i)], index,
                               buffers[static_cast<std::size_t>(worker)],
                               [&](const char* data, std::size_t length, std::size_t code_points) {
                                   if (code_points < min_length) return TokenBytes::Free;
                                   const std::uint32_t id = table.find(data, length);
                                   if (id == TokenTable::kNone || id >= num_stop) {
                                       tokens.push_back(id);
                                   } else if (!options.jump_stop_words) {
                                       tokens.push_back(TokenTable::kNone);
                                   }
                                   return TokenBytes::Free;
                               });
            paths.count(tokens, row);
        });
}

}  // namespace detail

FILMATLAS_INLINE void validate(const CountOptions& options) {
    validate(options.tokens);
    if (options.min_df < 1) {
        throw_invalid("count_terms", "min_df", "is " + std::to_string(options.min_df),
                      "use 1 document or more");
    }
    if (!(options.max_df > 0 && options.max_df <= 1)) {
        throw_invalid("count_terms", "max_df", "is " + to_text(options.max_df), "give a share in (0, 1]");
    }
    if (options.max_features && *options.max_features < 1) {
        throw_invalid("count_terms", "max_features", "is " + std::to_string(*options.max_features),
                      "use 1 or more, or leave it unset");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE CountResult count_terms(std::span<const std::string> texts, const CountOptions& options,
                                         const Progress& progress) {
    validate(options);
    return count_terms(token_stream(texts, options.tokens, options.num_threads, progress), options, progress);
}

FILMATLAS_INLINE CountResult count_terms(std::span<const std::string_view> texts, const CountOptions& options,
                                         const Progress& progress) {
    validate(options);
    return count_terms(token_stream(texts, options.tokens, options.num_threads, progress), options, progress);
}

FILMATLAS_INLINE CountResult count_terms(const TokenStream& stream, const CountOptions& options,
                                         const Progress& progress) {
    validate(options);
    const std::int64_t n = stream.num_documents();
    if (stream.ids.size() >= detail::kNoTerm || n >= static_cast<std::int64_t>(detail::kNoTerm)) {
        throw Error(ErrorCode::Memory, ErrorContext{"count_terms", {}, -1, {}, -1},
                    "the texts hold more than 2^32 - 2 tokens", "count them in parts");
    }
    std::vector<detail::CountLevel> levels;
    // Every token occurs somewhere, so its documents matter only to limits.
    levels.push_back(detail::count_tokens(
        stream, options.min_df, options.min_df > 1 || options.max_df<1, options.tokens.ngram_max> 1));
    if (options.tokens.ngram_max > 1) {
        std::vector<std::uint32_t> document_of(stream.ids.size());
        for (std::int64_t d = 0; d < n; ++d) {
            std::fill(document_of.begin() + stream.indptr[static_cast<std::size_t>(d)],
                      document_of.begin() + stream.indptr[static_cast<std::size_t>(d) + 1],
                      static_cast<std::uint32_t>(d));
        }
        for (int length = 2; length <= options.tokens.ngram_max; ++length) {
            levels.push_back(detail::count_longer_runs(stream, document_of, levels.front(), levels.back(),
                                                       static_cast<std::size_t>(length), options.min_df,
                                                       options.num_threads));
            if (progress) progress("count_terms", length, options.tokens.ngram_max + 1);
        }
    }
    const double max_documents = options.max_df * static_cast<double>(n);
    const std::uint64_t columns =
        detail::number_columns(levels, static_cast<std::size_t>(options.tokens.ngram_min), max_documents);
    if (columns > static_cast<std::uint64_t>(std::numeric_limits<Index>::max())) {
        throw Error(ErrorCode::Memory, ErrorContext{"count_terms", {}, -1, {}, -1},
                    "there are " + std::to_string(columns) + " terms, more than 2^31 - 1",
                    "raise min_df or lower ngram_max");
    }
    CountResult result;
    result.vocabulary.resize(columns);
    for (std::size_t l = 0; l < levels.size(); ++l) {
        const auto terms = static_cast<std::int64_t>(levels[l].size());
        parallel_for(terms, 4096, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
            std::vector<std::uint32_t> tokens(l + 1);
            for (auto t = static_cast<std::size_t>(begin); t < static_cast<std::size_t>(end); ++t) {
                if (levels[l].column[t] == detail::kNoTerm) continue;
                auto id = static_cast<std::uint32_t>(t);
                for (std::size_t k = l; k > 0; --k) {
                    tokens[k] = levels[k].last[id];
                    id = levels[k].parent[id];
                }
                tokens[0] = id;
                std::string& term = result.vocabulary[levels[l].column[t]];
                for (std::size_t k = 0; k <= l; ++k) {
                    if (k > 0) term += ' ';
                    term += stream.vocabulary[levels[0].last[tokens[k]]];
                }
            }
        });
    }
    std::vector<std::uint32_t> column_of = std::move(levels.front().of_token);  // of a token id
    for (std::uint32_t& term : column_of) {
        if (term != detail::kNoTerm) term = levels.front().column[term];
    }
    result.counts = detail::count_rows(
        n, static_cast<std::int64_t>(columns), options.num_threads, progress, "count_terms",
        [&](std::int64_t d, std::vector<std::uint32_t>& row, int) {
            const auto begin = static_cast<std::size_t>(stream.indptr[static_cast<std::size_t>(d)]);
            const auto end = static_cast<std::size_t>(stream.indptr[static_cast<std::size_t>(d) + 1]);
            if (options.tokens.ngram_max == 1) {
                for (std::size_t p = begin; p < end; ++p) {
                    const std::uint32_t column = column_of[static_cast<std::size_t>(stream.ids[p])];
                    if (column != detail::kNoTerm) row.push_back(column);
                }
                return;
            }
            for (auto l = static_cast<std::size_t>(options.tokens.ngram_min) - 1; l < levels.size(); ++l) {
                for (std::size_t p = begin; p < end; ++p) {
                    const std::uint32_t term = levels[l].at[p];
                    if (term == detail::kNoTerm) continue;
                    if (const std::uint32_t column = levels[l].column[term]; column != detail::kNoTerm) {
                        row.push_back(column);
                    }
                }
            }
        });
    if (options.max_features)
        detail::keep_largest_columns(result, static_cast<std::size_t>(*options.max_features));
    if (result.vocabulary.empty() && n > 0) {
        result.run.warnings.push_back(
            "count_terms: no term is left: the texts are empty or hold stop words only, or min_df and max_df "
            "exclude every term");
    }
    return result;
}

FILMATLAS_INLINE CsrMatrix<std::int32_t> count_with_vocabulary(std::span<const std::string> texts,
                                                               std::span<const std::string> vocabulary,
                                                               const TokenizeOptions& options,
                                                               int num_threads, const Progress& progress) {
    return detail::count_texts_with_vocabulary(texts, vocabulary, options, num_threads, progress);
}

FILMATLAS_INLINE CsrMatrix<std::int32_t> count_with_vocabulary(std::span<const std::string_view> texts,
                                                               std::span<const std::string> vocabulary,
                                                               const TokenizeOptions& options,
                                                               int num_threads, const Progress& progress) {
    return detail::count_texts_with_vocabulary(texts, vocabulary, options, num_threads, progress);
}

FILMATLAS_INLINE CsrMatrix<std::int32_t> count_with_vocabulary(const TokenStream& stream,
                                                               std::span<const std::string> vocabulary,
                                                               const TokenizeOptions& options,
                                                               int num_threads, const Progress& progress) {
    validate(options);
    validate_vocabulary(vocabulary);
    detail::TokenTable table;
    const detail::TermPaths paths(vocabulary, options, table);
    std::vector<std::uint32_t> known(stream.vocabulary.size(), detail::TokenTable::kNone);
    for (std::size_t t = 0; t < known.size(); ++t) {
        if (!stream.vocabulary[t].empty()) known[t] = table.find(stream.vocabulary[t]);
    }
    return detail::count_rows(stream.num_documents(), static_cast<std::int64_t>(vocabulary.size()),
                              num_threads, progress, "count_with_vocabulary",
                              [&](std::int64_t i, std::vector<std::uint32_t>& row, int) {
                                  std::vector<std::uint32_t> tokens;
                                  for (const Index id : stream.document(i))
                                      tokens.push_back(known[static_cast<std::size_t>(id)]);
                                  paths.count(tokens, row);
                              });
}

FILMATLAS_INLINE std::vector<std::int64_t> document_frequency(const CsrMatrix<std::int32_t>& counts) {
    std::vector<std::int64_t> df(static_cast<std::size_t>(counts.cols), 0);
    for (std::size_t e = 0; e < counts.indices.size(); ++e) {
        if (counts.values[e] != 0) ++df[static_cast<std::size_t>(counts.indices[e])];
    }
    return df;
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_COUNTS_IMPL_HPP
