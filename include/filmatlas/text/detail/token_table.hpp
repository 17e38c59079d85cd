// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_TOKEN_TABLE_HPP
#define FILMATLAS_TEXT_DETAIL_TOKEN_TABLE_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/text/detail/unicode_index.hpp"
#include "filmatlas/text/stop_words.hpp"
#include "filmatlas/text/unicode.hpp"

/// @file token_table.hpp
/// @brief The scanner of texts and the hash table of tokens, inline.

namespace filmatlas::detail {

/// Tokens whose table slots are fetched together, see TokenBatch.
inline constexpr std::size_t kTokenBatch = 32;

/// What a receiver of tokens says about their bytes: this token's are free; they stay where they are (at most
/// kTokenBatch tokens at a time); all are free.
enum class TokenBytes { Free, Keep, FreeAll };

/// Scratch of the scanner. Eight zero bytes follow each token, so that it can be read in words of eight.
struct TokenBuffer {
    std::vector<char> bytes = {};

    /// Room for the tokens of a text of `size` bytes: lower-casing turns at most two bytes into three.
    void prepare(std::size_t size) {
        const std::size_t need = size + size / 2 + 16 + 8 * kTokenBatch;
        if (bytes.size() < need) bytes.resize(need);
    }
};

/// Calls `emit(data, length, code_points)` for every maximal run of word characters of lower(text), in order;
/// eight zero bytes follow data[length - 1]. Emit returns what becomes of the bytes.
template <class Emit>
void scan_tokens(std::string_view text, const UnicodeIndex& index, TokenBuffer& buffer, Emit&& emit) {
    buffer.prepare(text.size());
    char* token = buffer.bytes.data();
    const std::size_t end = text.size();
    const auto ascii = [&](std::size_t i) { return index.ascii[static_cast<unsigned char>(text[i])]; };
    constexpr std::uint64_t zero = 0;
    std::size_t at = 0;
    while (at < end) {
        if (ascii(at) == 0) {
            ++at;
            continue;
        }
        std::size_t length = 0;
        std::size_t code_points = 0;
        while (at < end) {
            const unsigned char c = ascii(at);
            if (c == 0) break;
            if (c < 0x80) {
                token[length++] = static_cast<char>(c);
                ++code_points;
                ++at;
                continue;
            }
            const CodePoint unit = decode_utf8(text, at);
            char32_t value = unit.value;
            bool ends = false;
            if (value == kCapitalIWithDot) {
                value = U'i';  // and the combining dot, which is no word character
                ends = true;
            } else if (value == kCapitalSigma && is_final_sigma(text, at)) {
                value = kFinalSigma;
            } else {
                value = index.to_lower(value);
            }
            if (!index.is_word(value)) {
                if (length == 0) at += static_cast<std::size_t>(unit.length);
                break;
            }
            at += static_cast<std::size_t>(unit.length);
            ++code_points;
            if (value < 0x80) {
                token[length++] = static_cast<char>(value);
            } else if (value < 0x800) {
                token[length++] = static_cast<char>(0xC0U | value >> 6);
                token[length++] = static_cast<char>(0x80U | (value & 0x3FU));
            } else if (value < 0x10000) {
                token[length++] = static_cast<char>(0xE0U | value >> 12);
                token[length++] = static_cast<char>(0x80U | (value >> 6 & 0x3FU));
                token[length++] = static_cast<char>(0x80U | (value & 0x3FU));
            } else {
                token[length++] = static_cast<char>(0xF0U | value >> 18);
                token[length++] = static_cast<char>(0x80U | (value >> 12 & 0x3FU));
                token[length++] = static_cast<char>(0x80U | (value >> 6 & 0x3FU));
                token[length++] = static_cast<char>(0x80U | (value & 0x3FU));
            }
            if (ends) break;
        }
        if (length == 0) continue;
        std::memcpy(token + length, &zero, sizeof zero);
        const TokenBytes bytes = emit(static_cast<const char*>(token), length, code_points);
        if (bytes == TokenBytes::Keep) token += length + sizeof zero;
        if (bytes == TokenBytes::FreeAll) token = buffer.bytes.data();
    }
}

/// Distinct tokens, free of NUL, and their ids in order of arrival. Open addressing; a slot holds the first
/// eight bytes of its token, so that most look-ups touch one cache line and no string.
class TokenTable {
public:
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

    TokenTable() : slots_(1024), mask_(1023) { offsets_.push_back(0); }

    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(offsets_.size() - 1); }
    std::string_view token(std::uint32_t id) const noexcept {
        return {bytes_.data() + offsets_[id], offsets_[id + 1] - offsets_[id]};
    }
    /// First eight bytes of a token, zero-padded.
    static std::uint64_t head(const char* data) noexcept {
        std::uint64_t word = 0;
        std::memcpy(&word, data, sizeof word);
        return word;
    }

    static std::uint32_t hash(const char* data, std::size_t length) noexcept {
        std::uint64_t h = (head(data) ^ length * 0x9E3779B97F4A7C15ULL) * 0xBF58476D1CE4E5B9ULL;
        for (std::size_t i = 8; i < length; i += 8) {
            h = (std::rotl(h, 29) ^ head(data + i)) * 0x94D049BB133111EBULL;  // the last word ends in zeros
        }
        return static_cast<std::uint32_t>((h ^ h >> 29) * 0xBF58476D1CE4E5B9ULL >> 32);
    }
    void prefetch(std::uint32_t tag) const noexcept {
#if defined(__GNUC__)
        __builtin_prefetch(&slots_[tag & mask_]);
#else
        static_cast<void>(tag);
#endif
    }

    /// `data` is followed by eight zero bytes. @return kNone when the token is not in the table.
    std::uint32_t find(const char* data, std::size_t length) const noexcept {
        const std::uint64_t first = head(data);
        const std::uint32_t tag = hash(data, length);
        for (std::size_t i = tag & mask_;; i = (i + 1) & mask_) {
            const Slot& slot = slots_[i];
            if (slot.id_plus_one == 0) return kNone;
            if (matches(slot, tag, first, data, length)) return slot.id_plus_one - 1;
        }
    }

    std::uint32_t find(std::string_view text) const {
        std::string padded(text);
        padded.append(8, '\0');
        return find(padded.data(), text.size());
    }

    std::uint32_t insert(const char* data, std::size_t length) {
        return insert(data, length, hash(data, length));
    }
    std::uint32_t insert(const char* data, std::size_t length, std::uint32_t tag) {
        const std::uint64_t first = head(data);
        std::size_t i = tag & mask_;
        for (;; i = (i + 1) & mask_) {
            const Slot& slot = slots_[i];
            if (slot.id_plus_one == 0) break;
            if (matches(slot, tag, first, data, length)) return slot.id_plus_one - 1;
        }
        const std::uint32_t id = size();
        if (id >= static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max())) {
            throw Error(ErrorCode::Memory, ErrorContext{"token_stream", {}, -1, {}, -1},
                        "the texts hold more than 2^31 - 1 distinct tokens", "split the texts");
        }
        bytes_.insert(bytes_.end(), data, data + length);
        offsets_.push_back(bytes_.size());
        slots_[i] = {first, tag, id + 1};
        if (2 * static_cast<std::size_t>(id + 1) > slots_.size()) grow();
        return id;
    }

    std::uint32_t insert(std::string_view text) {
        std::string padded(text);
        padded.append(8, '\0');
        return insert(padded.data(), text.size());
    }

private:
    struct Slot {
        std::uint64_t first = 0;
        std::uint32_t tag = 0;
        std::uint32_t id_plus_one = 0;
    };

    bool matches(const Slot& slot, std::uint32_t tag, std::uint64_t first, const char* data,
                 std::size_t length) const noexcept {
        if (slot.tag != tag || slot.first != first) return false;
        if (length < 8) return true;  // tokens hold no NUL: equal heads that end in zeros are equal tokens
        const std::string_view known = token(slot.id_plus_one - 1);
        return known.size() == length && std::memcmp(known.data() + 8, data + 8, length - 8) == 0;
    }

    void grow() {
        std::vector<Slot> old(slots_.size() * 4);
        std::swap(old, slots_);
        mask_ = slots_.size() - 1;
        for (const Slot& slot : old) {
            if (slot.id_plus_one == 0) continue;
            std::size_t i = slot.tag & mask_;
            while (slots_[i].id_plus_one != 0) i = (i + 1) & mask_;
            slots_[i] = slot;
        }
    }

    std::vector<Slot> slots_;
    std::size_t mask_;
    std::vector<char> bytes_;
    std::vector<std::size_t> offsets_;
};

/// Puts tokens off until kTokenBatch of them are known, so that their slots arrive from memory together.
class TokenBatch {
public:
    void add(const TokenTable& table, const char* data, std::size_t length) noexcept {
        const std::uint32_t tag = TokenTable::hash(data, length);
        table.prefetch(tag);
        items_[size_++] = {data, length, tag};
    }
    bool full() const noexcept { return size_ == kTokenBatch; }
    /// Inserts all and appends the ids from `first_id` on.
    void flush(TokenTable& table, std::uint32_t first_id, std::vector<std::uint32_t>& ids) {
        for (std::size_t i = 0; i < size_; ++i) {
            const std::uint32_t id = table.insert(items_[i].data, items_[i].length, items_[i].tag);
            if (id >= first_id) ids.push_back(id);
        }
        size_ = 0;
    }

private:
    struct Item {
        const char* data;
        std::size_t length;
        std::uint32_t tag;
    };
    std::array<Item, kTokenBatch> items_;
    std::size_t size_ = 0;
};

/// Lower-cased stop words of both kinds, ascending, each once.
inline std::vector<std::string> all_stop_words(std::string_view list, std::span<const std::string> extra) {
    std::vector<std::string> words;
    for (const std::string_view word : stop_list(list)) words.emplace_back(word);
    for (const std::string& word : extra) words.push_back(lower(word));
    std::erase_if(
        words, [](const std::string& word) { return word.empty() || word.find('\0') != std::string::npos; });
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_TEXT_DETAIL_TOKEN_TABLE_HPP
