// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_TERM_PATHS_HPP
#define FILMATLAS_TEXT_DETAIL_TERM_PATHS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/text/detail/count_runs.hpp"
#include "filmatlas/text/detail/token_table.hpp"
#include "filmatlas/text/tokenize.hpp"

/// @file term_paths.hpp
/// @brief The terms of a fixed vocabulary, found in streams of tokens; inline.

namespace filmatlas::detail {

/// Map from (node, token) to node for walking the terms of a fixed vocabulary.
class TermTrie {
public:
    explicit TermTrie(std::size_t capacity) {
        std::size_t size = 16;
        while (size < 2 * capacity) size *= 2;
        slots_.resize(size);
    }
    /// kNoTerm when there is none.
    std::uint32_t find(std::uint32_t node, std::uint32_t token) const noexcept {
        const std::uint64_t key = key_of(node, token);
        for (std::size_t i = start(key);; i = (i + 1) & (slots_.size() - 1)) {
            if (slots_[i].node == kNoTerm) return kNoTerm;
            if (slots_[i].key == key) return slots_[i].node;
        }
    }
    void insert(std::uint32_t node, std::uint32_t token, std::uint32_t child) noexcept {
        const std::uint64_t key = key_of(node, token);
        std::size_t i = start(key);
        while (slots_[i].node != kNoTerm) i = (i + 1) & (slots_.size() - 1);
        slots_[i] = {key, child};
    }

private:
    struct Slot {
        std::uint64_t key = 0;
        std::uint32_t node = kNoTerm;
    };
    static std::uint64_t key_of(std::uint32_t node, std::uint32_t token) noexcept {
        return static_cast<std::uint64_t>(node) << 32 | token;
    }
    std::size_t start(std::uint64_t key) const noexcept {
        key = (key ^ key >> 32) * 0x9E3779B97F4A7C15ULL;
        return static_cast<std::size_t>(key >> 24) & (slots_.size() - 1);
    }
    std::vector<Slot> slots_;
};

/// The terms of a fixed vocabulary as paths of tokens; node 0 is the empty run.
class TermPaths {
public:
    /// Inserts the vocabulary's tokens into `table`.
    TermPaths(std::span<const std::string> vocabulary, const TokenizeOptions& options, TokenTable& table)
        : longest_(static_cast<std::size_t>(options.ngram_max)),
          trie_(num_words(vocabulary)),
          column_{kNoTerm} {
        for (std::size_t t = 0; t < vocabulary.size(); ++t) {
            const std::string_view term = vocabulary[t];
            // Where terms are single tokens, a blank is a part of the token: another tokeniser may keep it.
            const bool whole = longest_ == 1;
            const auto length =
                whole ? 1 : 1 + static_cast<std::size_t>(std::count(term.begin(), term.end(), ' '));
            if (length < static_cast<std::size_t>(options.ngram_min) || length > longest_ ||
                term.find('\0') != std::string_view::npos) {
                continue;
            }
            std::uint32_t node = 0;
            for (std::size_t at = 0; at <= term.size();) {
                const std::size_t end = whole ? term.size() : std::min(term.find(' ', at), term.size());
                const std::uint32_t token = table.insert(term.substr(at, end - at));
                std::uint32_t child = trie_.find(node, token);
                if (child == kNoTerm) {
                    child = static_cast<std::uint32_t>(column_.size());
                    trie_.insert(node, token, child);
                    column_.push_back(kNoTerm);
                }
                node = child;
                at = end + 1;
            }
            column_[node] = static_cast<std::uint32_t>(t);
        }
    }

    /// Appends the column of every term in a document's tokens (kNone = a word of no term).
    void count(std::span<const std::uint32_t> tokens, std::vector<std::uint32_t>& row) const {
        for (std::size_t p = 0; p < tokens.size(); ++p) {
            std::uint32_t node = 0;
            for (std::size_t q = p; q < tokens.size() && q - p < longest_; ++q) {
                if (tokens[q] == TokenTable::kNone) break;
                node = trie_.find(node, tokens[q]);
                if (node == kNoTerm) break;
                if (column_[node] != kNoTerm) row.push_back(column_[node]);
            }
        }
    }

private:
    static std::size_t num_words(std::span<const std::string> vocabulary) {
        std::size_t words = 0;
        for (const std::string& term : vocabulary)
            words += 1 + static_cast<std::size_t>(std::count(term.begin(), term.end(), ' '));
        return words;
    }

    std::size_t longest_;
    TermTrie trie_;
    std::vector<std::uint32_t> column_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_TEXT_DETAIL_TERM_PATHS_HPP
