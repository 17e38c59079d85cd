// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_STEMMER_HPP
#define FILMATLAS_TEXT_DETAIL_STEMMER_HPP

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#ifdef FILMATLAS_WITH_LIBSTEMMER
#include <libstemmer.h>
#endif

/// @file stemmer.hpp
/// @brief Stemmers of words, one object for many words; inline.

namespace filmatlas::detail {

/// Porter's second stemmer for one word. 'Y' stands for a y that is a consonant.
class EnglishStemmer {
public:
    explicit EnglishStemmer(std::string_view word) : word_(word) {}

    std::string run() {
        if (const std::string_view known = exception(word_); !known.empty()) return std::string(known);
        if (word_.size() <= 2) return word_;
        if (word_.front() == '\'') word_.erase(0, 1);
        mark_consonant_y();
        find_regions();
        step_0();
        step_1a();
        if (!stays_after_plural(word_)) {
            step_1b();
            step_1c();
            step_2();
            step_3();
            step_4();
            step_5();
        }
        std::replace(word_.begin(), word_.end(), 'Y', 'y');
        return word_;
    }

private:
    using Rule = std::pair<std::string_view, std::string_view>;

    static std::string_view exception(std::string_view word) {
        static constexpr Rule kWords[] = {{"skis", "ski"},      {"skies", "sky"},    {"dying", "die"},
                                          {"lying", "lie"},     {"tying", "tie"},    {"idly", "idl"},
                                          {"gently", "gentl"},  {"ugly", "ugli"},    {"early", "earli"},
                                          {"only", "onli"},     {"singly", "singl"}, {"sky", "sky"},
                                          {"news", "news"},     {"howe", "howe"},    {"atlas", "atlas"},
                                          {"cosmos", "cosmos"}, {"bias", "bias"},    {"andes", "andes"}};
        for (const auto& [from, to] : kWords) {
            if (word == from) return to;
        }
        return {};
    }
    static bool stays_after_plural(std::string_view word) {
        for (const std::string_view known :
             {"inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"}) {
            if (word == known) return true;
        }
        return false;
    }
    static bool is_vowel(char c) noexcept {
        return std::string_view("aeiouy").find(c) != std::string_view::npos;
    }

    void mark_consonant_y() {
        for (std::size_t i = 0; i < word_.size(); ++i) {
            if (word_[i] == 'y' && (i == 0 || is_vowel(word_[i - 1]))) word_[i] = 'Y';
        }
    }
    /// Behind the first consonant after a vowel, from `from` on.
    std::size_t region(std::size_t from) const {
        std::size_t i = from;
        while (i < word_.size() && !is_vowel(word_[i])) ++i;
        while (i < word_.size() && is_vowel(word_[i])) ++i;
        return std::min(i + 1, word_.size());
    }
    void find_regions() {
        r1_ = region(0);
        for (const std::string_view start : {"gener", "commun", "arsen"}) {
            if (word_.starts_with(start)) r1_ = start.size();
        }
        r2_ = region(r1_);
    }

    bool ends(std::string_view ending) const { return word_.ends_with(ending); }
    std::size_t stem_size(std::string_view ending) const { return word_.size() - ending.size(); }
    bool in_r1(std::string_view ending) const { return stem_size(ending) >= r1_; }
    bool in_r2(std::string_view ending) const { return stem_size(ending) >= r2_; }
    bool vowel_before(std::size_t end) const {
        return std::any_of(word_.begin(), word_.begin() + static_cast<std::ptrdiff_t>(end), is_vowel);
    }
    void replace_ending(std::string_view ending, std::string_view by) {
        word_.resize(stem_size(ending));
        word_ += by;
    }
    /// Whether the first `end` letters end in a short syllable.
    bool short_syllable(std::size_t end) const {
        if (end < 2 || is_vowel(word_[end - 1]) || !is_vowel(word_[end - 2])) return false;
        if (end == 2) return true;
        return !is_vowel(word_[end - 3]) &&
               std::string_view("wxY").find(word_[end - 1]) == std::string_view::npos;
    }
    bool short_word() const { return r1_ >= word_.size() && short_syllable(word_.size()); }

    void step_0() {
        for (const std::string_view ending : {"'s'", "'s", "'"}) {
            if (!ends(ending)) continue;
            replace_ending(ending, "");
            return;
        }
    }
    void step_1a() {
        if (ends("sses")) {
            replace_ending("sses", "ss");
        } else if (ends("ied") || ends("ies")) {
            replace_ending("ied", word_.size() > 4 ? "i" : "ie");
        } else if (!ends("us") && !ends("ss") && ends("s")) {
            if (word_.size() >= 2 && vowel_before(word_.size() - 2)) word_.pop_back();
        }
    }
    void step_1b() {
        for (const std::string_view ending : {"eedly", "eed"}) {
            if (!ends(ending)) continue;
            if (in_r1(ending)) replace_ending(ending, "ee");
            return;
        }
        for (const std::string_view ending : {"ingly", "edly", "ing", "ed"}) {
            if (!ends(ending)) continue;
            if (!vowel_before(stem_size(ending))) return;
            replace_ending(ending, "");
            if (ends("at") || ends("bl") || ends("iz")) {
                word_ += 'e';
            } else if (ends_double()) {
                word_.pop_back();
            } else if (short_word()) {
                word_ += 'e';
            }
            return;
        }
    }
    bool ends_double() const {
        const std::size_t n = word_.size();
        return n >= 2 && word_[n - 1] == word_[n - 2] &&
               std::string_view("bdfgmnprt").find(word_[n - 1]) != std::string_view::npos;
    }
    void step_1c() {
        const std::size_t n = word_.size();
        if (n > 2 && (word_[n - 1] == 'y' || word_[n - 1] == 'Y') && !is_vowel(word_[n - 2]))
            word_[n - 1] = 'i';
    }
    /// Applies the rule of the longest ending (they come longest first); true when one matched.
    bool apply_in_r1(std::initializer_list<Rule> rules) {
        for (const auto& [ending, by] : rules) {
            if (!ends(ending)) continue;
            if (in_r1(ending)) replace_ending(ending, by);
            return true;
        }
        return false;
    }
    void step_2() {
        if (apply_in_r1({{"ational", "ate"}, {"fulness", "ful"}, {"iveness", "ive"}, {"ization", "ize"},
                         {"ousness", "ous"}, {"biliti", "ble"},  {"lessli", "less"}, {"tional", "tion"},
                         {"alism", "al"},    {"aliti", "al"},    {"ation", "ate"},   {"entli", "ent"},
                         {"fulli", "ful"},   {"iviti", "ive"},   {"ousli", "ous"},   {"abli", "able"},
                         {"alli", "al"},     {"anci", "ance"},   {"ator", "ate"},    {"enci", "ence"},
                         {"izer", "ize"},    {"bli", "ble"}})) {
            return;
        }
        const std::size_t n = word_.size();
        if (ends("ogi")) {
            if (in_r1("ogi") && n > 3 && word_[n - 4] == 'l') word_.pop_back();
        } else if (ends("li") && in_r1("li") && n > 2 &&
                   std::string_view("cdeghkmnrt").find(word_[n - 3]) != std::string_view::npos) {
            replace_ending("li", "");
        }
    }
    void step_3() {
        if (apply_in_r1(
                {{"ational", "ate"}, {"tional", "tion"}, {"alize", "al"}, {"icate", "ic"}, {"iciti", "ic"}}))
            return;
        if (ends("ative")) {
            if (in_r2("ative")) replace_ending("ative", "");
            return;
        }
        apply_in_r1({{"ical", "ic"}, {"ness", ""}, {"ful", ""}});
    }
    void step_4() {
        for (const std::string_view ending :
             {"ement", "able", "ance", "ence", "ible", "ment", "ant", "ate", "ent", "ism", "iti", "ive",
              "ize", "ous", "ion", "al", "er", "ic"}) {
            if (!ends(ending)) continue;
            if (!in_r2(ending)) return;
            if (ending == "ion") {
                const std::size_t at = stem_size(ending);
                if (at == 0 || (word_[at - 1] != 's' && word_[at - 1] != 't')) return;
            }
            replace_ending(ending, "");
            return;
        }
    }
    void step_5() {
        if (ends("e")) {
            if (in_r2("e") || (in_r1("e") && !short_syllable(word_.size() - 1))) word_.pop_back();
        } else if (ends("ll") && in_r2("l")) {
            word_.pop_back();
        }
    }

    std::string word_;
    std::size_t r1_ = 0;
    std::size_t r2_ = 0;
};

inline bool english_letters(std::string_view word) noexcept {
    return std::all_of(word.begin(), word.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '\''; });
}

/// See stemmer_names().
inline std::vector<std::string_view> known_stemmers() {
    std::vector<std::string_view> names{"english"};
#ifdef FILMATLAS_WITH_LIBSTEMMER
    for (const char* const* name = sb_stemmer_list(); *name != nullptr; ++name) names.emplace_back(*name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
#endif
    return names;
}

/// A stemmer by name, for many words; one thread each.
class Stemmer {
public:
    /// @throws Error (InvalidArgument) naming the stemmers that exist.
    explicit Stemmer(std::string_view name) : english_(name == "english"), none_(name.empty()) {
        if (english_ || none_) return;
#ifdef FILMATLAS_WITH_LIBSTEMMER
        snowball_.reset(sb_stemmer_new(std::string(name).c_str(), "UTF_8"));
        if (snowball_ != nullptr) return;
#endif
        std::string known;
        for (const std::string_view stemmer : known_stemmers())
            known.append(known.empty() ? "\"" : ", \"").append(stemmer).append("\"");
        throw_invalid("stem", "stemmer", "\"" + std::string(name) + "\" is not known",
                      "use " + known + ", or \"\" for none");
    }
    std::string operator()(std::string_view word) const {
        if (none_) return std::string(word);
        if (english_) return english_letters(word) ? EnglishStemmer(word).run() : std::string(word);
#ifdef FILMATLAS_WITH_LIBSTEMMER
        const std::string bytes(word);
        const auto* const stem = sb_stemmer_stem(
            snowball_.get(), reinterpret_cast<const sb_symbol*>(bytes.data()), static_cast<int>(bytes.size()));
        if (stem != nullptr) {
            return {reinterpret_cast<const char*>(stem), static_cast<std::size_t>(sb_stemmer_length(snowball_.get()))};
        }
#endif
        return std::string(word);
    }

private:
    bool english_;
    bool none_;
#ifdef FILMATLAS_WITH_LIBSTEMMER
    struct Deleter {
        void operator()(sb_stemmer* stemmer) const noexcept { sb_stemmer_delete(stemmer); }
    };
    std::unique_ptr<sb_stemmer, Deleter> snowball_ = nullptr;
#endif
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_TEXT_DETAIL_STEMMER_HPP
