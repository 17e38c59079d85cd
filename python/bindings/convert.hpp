// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PYTHON_CONVERT_HPP
#define FILMATLAS_PYTHON_CONVERT_HPP

#include <initializer_list>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "common.hpp"
#include "filmatlas/embedding/embedding.hpp"
#include "filmatlas/profile/compose.hpp"
#include "filmatlas/text/tokenize.hpp"

/// @file convert.hpp
/// @brief Words to enumerators and dictionaries to options.

namespace filmatlas::python {

/// The enumerator of a word. @throws Error (InvalidArgument) naming the words that exist.
template <class Enum>
Enum choose(std::string_view stage, std::string_view field, const std::string& word,
            std::initializer_list<std::pair<std::string_view, Enum>> words) {
    std::string known;
    for (const auto& [name, value] : words) {
        if (name == word) return value;
        known += (known.empty() ? "'" : ", '") + std::string(name) + "'";
    }
    throw_invalid(stage, field, "'" + word + "' is not one of the words it takes", "use one of " + known);
}

inline OnInvalid on_invalid_from(std::string_view stage, const std::string& word) {
    return choose<OnInvalid>(stage, "on_invalid", word,
                             {{"error", OnInvalid::Error}, {"quarantine", OnInvalid::Quarantine}});
}

inline Fusion fusion_from(std::string_view stage, const std::string& word) {
    return choose<Fusion>(
        stage, "fusion", word,
        {{"concatenate", Fusion::Concatenate}, {"average", Fusion::Average}, {"early", Fusion::Early}});
}

/// Defined in bind_profile.cpp.
Source source_from(const py::dict& fields);

/// (stop list, further stop words, ngram_min, ngram_max, min_length, jump_stop_words, words, inner_characters, stemmer)
using TokenFields =
    std::tuple<std::string, std::vector<std::string>, int, int, int, bool, std::string, std::string, std::string>;

inline TokenizeOptions token_options(const TokenFields& fields) {
    TokenizeOptions options;
    std::string words;
    std::tie(options.stop_words, options.extra_stop_words, options.ngram_min, options.ngram_max, options.min_length,
             options.jump_stop_words, words, options.inner_characters, options.stemmer) = fields;
    options.words = word_rule_from_string(words);
    return options;
}

/// Sources are tuples (name, vectors, weight).
using SourceFields = std::vector<std::tuple<std::string, Array<float>, double>>;

inline std::vector<EmbeddingSource> embedding_sources(const SourceFields& sources, const char* stage) {
    std::vector<EmbeddingSource> parts;
    for (const auto& [name, vectors, weight] : sources) parts.push_back({name, view_2d(vectors, stage), weight});
    return parts;
}

}  // namespace filmatlas::python
#endif  // FILMATLAS_PYTHON_CONVERT_HPP
