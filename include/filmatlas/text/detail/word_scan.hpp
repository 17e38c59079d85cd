// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_WORD_SCAN_HPP
#define FILMATLAS_TEXT_DETAIL_WORD_SCAN_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/utf8.hpp"
#include "filmatlas/text/detail/token_table.hpp"
#include "filmatlas/text/detail/unicode_index.hpp"
#include "filmatlas/text/tokenize.hpp"
#ifdef FILMATLAS_WITH_ICU
#include <unicode/ubrk.h>
#include <unicode/utext.h>
#endif

/// @file word_scan.hpp
/// @brief The scanner for all but the default word rule; inline.

namespace filmatlas::detail {

/// Letters of scripts that put no spaces between words.
inline bool is_unspaced(char32_t c) noexcept {
    if (c < 0x0E00) return false;
    return (c <= 0x0EFF)                    // Thai, Lao
           || (c >= 0x1000 && c <= 0x109F)  // Burmese
           || (c >= 0x1780 && c <= 0x17FF)  // Khmer
           || c == 0x3005 || c == 0x3007    // iteration mark, zero
           || (c >= 0x3041 && c <= 0x309F)  // hiragana
           || (c >= 0x3400 && c <= 0x9FFF)  // Han
           || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}
inline bool is_katakana(char32_t c) noexcept {
    return (c >= 0x30A1 && c <= 0x30FF && c != 0x30FB) || (c >= 0x31F0 && c <= 0x31FF) ||
           (c >= 0xFF66 && c <= 0xFF9F);
}
inline bool is_mark(char32_t c) noexcept { return c >= 0x300 && unicode_contains(unicode_mark, c); }

#ifdef FILMATLAS_WITH_ICU
inline constexpr bool kDictionaryWords = true;

/// Calls visit(word) for the words of a stretch without spaces, by ICU's dictionaries; nothing where ICU has no data.
template <class Visit>
void dictionary_words(std::string_view stretch, Visit&& visit) {
    struct Closer {
        void operator()(UBreakIterator* breaks) const noexcept { ubrk_close(breaks); }
        void operator()(UText* text) const noexcept { utext_close(text); }
    };
    UErrorCode status = U_ZERO_ERROR;
    // Opening one reads rules; a thread keeps its own.
    thread_local const std::unique_ptr<UBreakIterator, Closer> breaks(ubrk_open(UBRK_WORD, "", nullptr, 0, &status));
    const std::unique_ptr<UText, Closer> text(
        utext_openUTF8(nullptr, stretch.data(), static_cast<std::int64_t>(stretch.size()), &status));
    if (breaks == nullptr || U_FAILURE(status)) return;
    ubrk_setUText(breaks.get(), text.get(), &status);
    if (U_FAILURE(status)) return;
    std::int32_t from = ubrk_first(breaks.get());
    for (std::int32_t to = ubrk_next(breaks.get()); to != UBRK_DONE; to = ubrk_next(breaks.get())) {
        visit(stretch.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
        from = to;
    }
}
#else
inline constexpr bool kDictionaryWords = false;

template <class Visit>
void dictionary_words(std::string_view, Visit&&) {}
#endif

/// Calls emit as scan_tokens() does, for the words that `options` describe.
class WordScanner {
public:
    explicit WordScanner(const TokenizeOptions& options)
        : unicode_(options.words != WordRule::Python),
          dictionary_(options.words == WordRule::Dictionary),
          inner_(options.inner_characters) {}

    template <class Emit>
    void operator()(std::string_view text, const UnicodeIndex& index, TokenBuffer& buffer,
                    Emit&& emit) const {
        buffer.prepare(2 * text.size());  // pairs hold every character twice
        Output<Emit> out{buffer, emit};
        std::size_t at = 0;
        while (at < text.size()) {
            const Letter letter = letter_at(text, at, index);
            if (letter.kind == Kind::Unspaced) {
                at = dictionary_ ? unspaced_words(text, at, index, out) : pairs(text, at, index, out);
            } else if (letter.kind == Kind::Spaced || letter.kind == Kind::Katakana) {
                at = word(text, at, letter.kind, index, out);
            } else {
                at += letter.length;
            }
        }
    }

private:
    enum class Kind { None, Spaced, Katakana, Unspaced, Mark };
    struct Letter {
        Kind kind = Kind::None;
        char32_t value = 0;  // lower-cased
        std::size_t length = 1;
    };
    template <class Emit>
    struct Output {
        TokenBuffer& buffer;
        Emit& emit;
        std::size_t start = 0;
        std::string word = {};
        std::size_t code_points = 0;

        void add(char32_t c) {
            append_utf8(word, c);
            ++code_points;
        }
        void flush() {
            if (word.empty()) return;
            char* token = buffer.bytes.data() + start;
            std::memcpy(token, word.data(), word.size());
            std::memset(token + word.size(), 0, sizeof(std::uint64_t));
            const TokenBytes bytes = emit(static_cast<const char*>(token), word.size(), code_points);
            if (bytes == TokenBytes::Keep) start += word.size() + sizeof(std::uint64_t);
            if (bytes == TokenBytes::FreeAll) start = 0;
            word.clear();
            code_points = 0;
        }
    };

    Letter letter_at(std::string_view text, std::size_t at, const UnicodeIndex& index) const {
        const CodePoint unit = decode_utf8(text, at);
        Letter letter;
        letter.length = static_cast<std::size_t>(unit.length);
        letter.value = unit.value;
        if (unit.value == kCapitalIWithDot) {
            letter.value = U'i';
        } else if (unit.value == kCapitalSigma && is_final_sigma(text, at)) {
            letter.value = kFinalSigma;
        } else {
            letter.value = index.to_lower(unit.value);
        }
        if (unicode_ && is_mark(unit.value)) {
            letter.kind = Kind::Mark;
        } else if (index.is_word(letter.value)) {
            letter.kind = !unicode_                 ? Kind::Spaced
                          : is_unspaced(unit.value) ? Kind::Unspaced
                          : is_katakana(unit.value) ? Kind::Katakana
                                                    : Kind::Spaced;
        }
        return letter;
    }

    /// Bytes of punctuation that may stand inside a word, 0 for none.
    std::size_t inner_length(std::string_view text, std::size_t at) const {
        const char c = text[at];
        if (inner_.find(c) != std::string::npos) return 1;
        if (inner_.find('\'') != std::string::npos && text.substr(at, 3) == "\xE2\x80\x99") return 3;
        if (unicode_ && (text.substr(at, 3) == "\xE2\x80\x8C" || text.substr(at, 3) == "\xE2\x80\x8D"))
            return 3;
        return 0;
    }

    /// One word of spaced letters (or of katakana); returns its end.
    template <class Emit>
    std::size_t word(std::string_view text, std::size_t at, Kind kind, const UnicodeIndex& index,
                     Output<Emit>& out) const {
        while (at < text.size()) {
            const Letter letter = letter_at(text, at, index);
            if (letter.kind == kind) {
                out.add(letter.value);
                at += letter.length;
                // Turkish I and its decomposed form count as one: the dot above an i says nothing.
            } else if (letter.kind == Kind::Mark) {
                if (letter.value != kCombiningDotAbove || out.word.back() != 'i')
                    append_utf8(out.word, letter.value);
                at += letter.length;
            } else if (const std::size_t inner = inner_length(text, at);
                       inner > 0 && at + inner < text.size() &&
                       letter_at(text, at + inner, index).kind == kind) {
                if (inner == 1)
                    out.word += text[at];
                else if (text.substr(at, 3) == "\xE2\x80\x99")
                    out.word += '\'';
                else
                    out.word += text.substr(at, 3);
                at += inner;
            } else {
                break;
            }
        }
        out.flush();
        return at;
    }

    /// A stretch without spaces as overlapping pairs of characters; returns its end.
    template <class Emit>
    std::size_t pairs(std::string_view text, std::size_t at, const UnicodeIndex& index,
                      Output<Emit>& out) const {
        std::string before;  // a character with its marks
        std::string here;
        bool alone = true;
        const auto step = [&] {
            if (here.empty()) return;
            if (!before.empty()) {
                out.word = before + here;
                out.code_points = 2;
                out.flush();
                alone = false;
            }
            before.swap(here);
            here.clear();
        };
        while (at < text.size()) {
            const Letter letter = letter_at(text, at, index);
            if (letter.kind == Kind::Unspaced) {
                step();
                append_utf8(here, letter.value);
            } else if (letter.kind == Kind::Mark) {
                append_utf8(here, letter.value);
            } else {
                break;
            }
            at += letter.length;
        }
        step();
        if (alone && !before.empty()) {
            out.word = before;
            out.code_points = 2;  // a character is a word of its own here, not a fragment of one
            out.flush();
        }
        return at;
    }

    /// A stretch without spaces as the words of a dictionary; returns its end.
    template <class Emit>
    std::size_t unspaced_words(std::string_view text, std::size_t at, const UnicodeIndex& index,
                               Output<Emit>& out) const {
        std::string stretch;
        for (; at < text.size();) {
            const Letter letter = letter_at(text, at, index);
            if (letter.kind != Kind::Unspaced && letter.kind != Kind::Mark) break;
            append_utf8(stretch, letter.value);
            at += letter.length;
        }
        dictionary_words(stretch, [&](std::string_view word) {
            out.word = word;
            out.code_points = 2;  // a character is a word of its own here, not a fragment of one
            out.flush();
        });
        return at;
    }

    bool unicode_;
    bool dictionary_;
    std::string inner_;
};

inline bool is_plain_words(const TokenizeOptions& options) noexcept {
    return options.words == WordRule::Python && options.inner_characters.empty();
}

/// scan_tokens() or WordScanner, as the options say.
template <class Emit>
void scan_words(const TokenizeOptions& options, const WordScanner& scanner, std::string_view text,
                const UnicodeIndex& index, TokenBuffer& buffer, Emit&& emit) {
    if (is_plain_words(options)) {
        scan_tokens(text, index, buffer, emit);
    } else {
        scanner(text, index, buffer, emit);
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_TEXT_DETAIL_WORD_SCAN_HPP
