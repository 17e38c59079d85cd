// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_KEYWORD_LABELS_IMPL_HPP
#define FILMATLAS_LABELS_DETAIL_KEYWORD_LABELS_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/keywords/diversity.hpp"
#include "filmatlas/labels/detail/label_text.hpp"
#include "filmatlas/labels/keyword_labels.hpp"
#include "filmatlas/text/unicode.hpp"

namespace filmatlas {
namespace detail {

/// A label in the making: its words, and a number when nothing else tells it apart.
struct LabelDraft {
    std::vector<std::string> words;
    int number = 0;  ///< 0 = none

    std::string text(std::string_view separator) const {
        std::string out;
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (i > 0) out += separator;
            out += words[i];
        }
        if (number > 0) out.append(words.empty() ? "" : " ").append(std::to_string(number));
        return out;
    }
    /// Equal for labels that read alike: the folded words in any order.
    std::string key() const {
        std::vector<std::string> folded;
        for (const std::string& word : words) folded.push_back(fold(word));
        std::sort(folded.begin(), folded.end());
        std::string out = std::to_string(number);
        for (const std::string& word : folded) out.append(1, '\x1F').append(word);
        return out;
    }
};

/// Makes the labels of one hierarchy, coarse to fine.
class KeywordLabeller {
public:
    KeywordLabeller(const Hierarchy& hierarchy, const LabelOptions& options)
        : hierarchy_(hierarchy), options_(options), drafts_(hierarchy.nodes.size()) {}

    NodeLabel label(Index node, const std::vector<Keyword>& keywords) {
        if (hierarchy_.nodes[static_cast<std::size_t>(node)].level != level_) {
            level_ = hierarchy_.nodes[static_cast<std::size_t>(node)].level;
            taken_.clear();
            taken_texts_.clear();
        }
        NodeLabel result;
        for (const Keyword& keyword : keywords) result.keywords.push_back(keyword.term);
        LabelDraft draft = choose(node, usable_words(keywords));
        result.text = draft.text(options_.separator);
        taken_.insert(draft.key());
        taken_texts_.insert(fold(result.text));
        drafts_[static_cast<std::size_t>(node)] = std::move(draft);
        return result;
    }

private:
    std::vector<std::string> usable_words(const std::vector<Keyword>& keywords) const {
        std::vector<std::string> words;
        for (const Keyword& keyword : keywords) {
            const std::string word = shorten_label(clean_label_text(keyword.term), options_.max_characters);
            const auto repeats = [&](const std::string& other) { return near_duplicate(other, word); };
            if (!word.empty() && std::none_of(words.begin(), words.end(), repeats)) words.push_back(word);
        }
        return words;
    }

    bool said_above(Index node, const std::string& word) const {
        for (Index above = parent(node); above >= 0; above = parent(above)) {
            for (const std::string& other : drafts_[static_cast<std::size_t>(above)].words) {
                if (near_duplicate(other, word)) return true;
            }
        }
        return false;
    }

    LabelDraft choose(Index node, std::vector<std::string> words) const {
        const std::span<const int> per_level = options_.words_per_level;
        const auto wanted = static_cast<std::size_t>(
            per_level[std::min(per_level.size() - 1, static_cast<std::size_t>(level_))]);
        // New words first; a label made of them alone says more than one that is filled up with the
        // ancestors' words.
        const auto first_old = std::stable_partition(
            words.begin(), words.end(), [&](const std::string& w) { return !said_above(node, w); });
        const auto num_new = static_cast<std::size_t>(first_old - words.begin());
        const std::size_t pool = num_new > 0 ? num_new : words.size();

        LabelDraft base;
        std::size_t next = 0;
        for (; next < pool && base.words.size() < wanted; ++next) add_if_fits(base, words[next]);
        if (!base.words.empty()) {
            if (is_free(node, base)) return base;
            for (std::size_t i = next; i < words.size(); ++i) {
                LabelDraft other = base;
                other.words.pop_back();
                if (add_if_fits(other, words[i]) && is_free(node, other)) return other;
            }
            LabelDraft longer = base;
            for (std::size_t i = next; i < words.size(); ++i) {
                if (add_if_fits(longer, words[i]) && is_free(node, longer)) return longer;
            }
        } else {
            const std::string name =
                clean_label_text(hierarchy_.level_names[static_cast<std::size_t>(level_)]);
            if (!name.empty()) base.words = {name};
            base.number = static_cast<int>(node - hierarchy_.level_begin[static_cast<std::size_t>(level_)]);
        }
        for (base.number = std::max(base.number + 1, words.empty() ? 1 : 2);; ++base.number) {
            LabelDraft numbered = base;
            while (numbered.words.size() > 1 && !fits(numbered)) numbered.words.pop_back();
            if (!fits(numbered)) {
                const auto digits = static_cast<std::int64_t>(std::to_string(numbered.number).size());
                numbered.words[0] = shorten_label(numbered.words[0], options_.max_characters - 1 - digits);
            }
            if (is_free(node, numbered)) return numbered;
        }
    }

    bool fits(const LabelDraft& draft) const {
        return count_code_points(draft.text(options_.separator)) <= options_.max_characters;
    }
    bool add_if_fits(LabelDraft& draft, const std::string& word) const {
        draft.words.push_back(word);
        if (fits(draft)) return true;
        draft.words.pop_back();
        return false;
    }
    bool is_free(Index node, const LabelDraft& draft) const {
        const std::string key = draft.key();
        const std::string text = fold(draft.text(options_.separator));
        if (taken_.contains(key) || taken_texts_.contains(text)) return false;
        for (Index above = parent(node); above >= 0; above = parent(above)) {
            const LabelDraft& other = drafts_[static_cast<std::size_t>(above)];
            if (other.key() == key || fold(other.text(options_.separator)) == text) return false;
        }
        return true;
    }
    Index parent(Index node) const { return hierarchy_.nodes[static_cast<std::size_t>(node)].parent; }

    const Hierarchy& hierarchy_;
    const LabelOptions& options_;
    std::vector<LabelDraft> drafts_;
    Index level_ = -1;
    std::set<std::string> taken_;        ///< keys on the level
    std::set<std::string> taken_texts_;  ///< folded texts on the level
};

}  // namespace detail

FILMATLAS_INLINE void validate(const LabelOptions& options) {
    if (options.words_per_level.empty()) {
        throw_invalid("keyword_labels", "words_per_level", "is empty",
                      "give one number per level, or one for all");
    }
    for (const int words : options.words_per_level) {
        if (words < 1)
            throw_invalid("keyword_labels", "words_per_level", "holds " + std::to_string(words),
                          "use 1 or more");
    }
    if (options.max_characters < 8) {
        throw_invalid("keyword_labels", "max_characters", "is " + std::to_string(options.max_characters),
                      "use 8 or more");
    }
    if (options.separator.empty() || !is_valid_utf8(options.separator)) {
        throw_invalid("keyword_labels", "separator", "is empty or not UTF-8", "use for instance \" · \"");
    }
}

FILMATLAS_INLINE Labels keyword_labels(const Hierarchy& hierarchy,
                                       const std::vector<std::vector<Keyword>>& keywords,
                                       const LabelOptions& options) {
    validate(options);
    if (keywords.size() != hierarchy.nodes.size()) {
        throw_shape("keyword_labels", "there are keywords of " + std::to_string(keywords.size()) +
                                          " nodes, the hierarchy has " +
                                          std::to_string(hierarchy.nodes.size()));
    }
    detail::KeywordLabeller labeller(hierarchy, options);
    Labels labels;
    labels.reserve(keywords.size());
    for (std::size_t node = 0; node < keywords.size(); ++node) {
        labels.push_back(labeller.label(static_cast<Index>(node), keywords[node]));
    }
    return labels;
}

FILMATLAS_INLINE std::string clean_label_text(std::string_view text) {
    std::string out;
    bool space = false;
    for (const char32_t c : to_code_points(text)) {
        if (is_space(c)) {
            space = true;
            continue;
        }
        if (c == U'<' || c == U'>' || detail::label_hidden(c)) continue;
        if (space && !out.empty()) out += ' ';
        space = false;
        append_utf8(out, c);
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LABELS_DETAIL_KEYWORD_LABELS_IMPL_HPP
