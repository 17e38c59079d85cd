// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_TEXT_DIGEST_HPP
#define FILMATLAS_TESTS_TEXT_DIGEST_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/random.hpp"
#include "filmatlas/text/unicode.hpp"

/// Digests and random texts that Python scripts reproduce: FNV-1a over bytes, draws by filmatlas::mix64.
struct Digest {
    std::uint64_t value = 0xCBF29CE484222325ULL;
    void add(std::string_view bytes) {
        for (const char c : bytes) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    }
};

/// Document d of the catalogue that scikit-learn counted for the expected values.
inline std::string random_document(std::uint64_t d) {
    static const std::vector<std::string> words = {
        "the", "Robot",  "robots",  "space", "a",  "in",   "of",    "Love", "love", "war", "king",
        "and", "éclair", "Σίσυφος", "x",     "42", "ab_c", "night", "AB",   "abc",  "the", "moon"};
    const std::uint64_t key = filmatlas::mix64(d + 77);
    std::string text;
    for (std::uint64_t i = 0; i < key % 31; ++i) {
        if (i > 0) text += ' ';
        text += words[(filmatlas::mix64(key ^ filmatlas::mix64(i)) >> 8) % words.size()];
    }
    return text;
}

inline std::vector<std::string> random_documents(std::uint64_t n) {
    std::vector<std::string> texts;
    for (std::uint64_t d = 0; d < n; ++d) texts.push_back(random_document(d));
    return texts;
}

/// Text s of the fuzz set: letters with odd case rules, marks, other scripts, controls.
inline std::string random_unicode_text(std::uint64_t s) {
    static const std::u32string pool =
        U"abcXYZ019_ "
        U".,'-:\u00b7\u03a3\u03a3\u03c3\u0130I\u0131\u0307\u0301\u00c9\u00e9\u00df\u1e9e\u2019\u00ad\u200d"
        U"\u212a\u212b\u01c5\u0391\u03b1\u0416\u0436\u6771\u4eac\u0e2a\u0e27\u0e31\u0e2a\u0939\u093f\u094d"
        U"\u0661\u0662"
        U"\u00b2\u2167\u00bd\U0001f600\U00010400\U00010428\U0001d400\u00aa\u02b0\u0345\u00a0\n" +
        std::u32string(1, U'\0');
    const std::uint64_t key = filmatlas::mix64(s);
    std::string text;
    for (std::uint64_t i = 0; i < key % 24; ++i) {
        const std::uint64_t r = filmatlas::mix64(key ^ filmatlas::mix64(i));
        char32_t c = pool[(r >> 8) % pool.size()];
        if (r % 8 == 0) {
            c = static_cast<char32_t>((r >> 8) % 0x30000);
            if (c >= 0xD800 && c <= 0xDFFF) c = U'A';
        }
        filmatlas::append_utf8(text, c);
    }
    return text;
}

/// Bytes that are mostly broken UTF-8.
inline std::string random_bytes(std::uint64_t s) {
    static const std::string leads(
        "\x41\x80\xBF\xC0\xC2\xDF\xE0\xE1\xED\xEF\xF0\xF1\xF4\xF5\xFF\xA0\x9F\x90\x8F\x00", 20);
    const std::uint64_t key = filmatlas::mix64(s + 1000000);
    std::string bytes;
    for (std::uint64_t i = 0; i < key % 10; ++i) {
        bytes += leads[(filmatlas::mix64(key ^ filmatlas::mix64(i)) >> 8) % leads.size()];
    }
    return bytes;
}

#endif  // FILMATLAS_TESTS_TEXT_DIGEST_HPP
