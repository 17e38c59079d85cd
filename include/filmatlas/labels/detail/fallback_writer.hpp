// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_FALLBACK_WRITER_HPP
#define FILMATLAS_LABELS_DETAIL_FALLBACK_WRITER_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/keywords/detail/word_forms.hpp"
#include "filmatlas/labels/detail/judge_claims.hpp"
#include "filmatlas/labels/detail/judge_names.hpp"
#include "filmatlas/labels/detail/judge_tree.hpp"
#include "filmatlas/labels/detail/judge_words.hpp"
#include "filmatlas/labels/detail/label_text.hpp"
#include "filmatlas/labels/detail/label_words.hpp"
#include "filmatlas/labels/keyword_labels.hpp"

/// @file fallback_writer.hpp
/// @brief The bars that a node's own words set, and the keyword label that reaches them.

namespace filmatlas::detail {

/// The bars that follow from what a keyword label reaches.
inline double coverage_bar(const GateOptions& options, double reached) {
    return std::min(options.min_coverage, options.relative * reached);
}
inline double separation_bar(const GateOptions& options, double reached) {
    return std::min(options.min_separation,
                    reached < 0.5 ? reached : 0.5 + options.relative * (reached - 0.5));
}

struct NodeBar {
    double lift = 0;
    std::int64_t supported = 0;
};

/// Lift that is asked of the node's words, and how many reach it.
inline NodeBar node_lift_bar(const LabelContext& context, const GateOptions& options, Index node) {
    const HierarchyNode& self = context.hierarchy.nodes[static_cast<std::size_t>(node)];
    NodeBar bar{options.min_lift, 0};
    const bool alone = self.size() == context.hierarchy.num_items();
    std::vector<double> lifts;
    for (const Index column : context.support.row_indices(node)) {
        const TermSupport s = context.term(node, column);
        if (s.p_in < options.min_share || (!alone && s.lift < 1.1)) continue;
        if (label_stop_word(context.words[static_cast<std::size_t>(column)])) continue;
        lifts.push_back(s.lift);
    }
    std::sort(lifts.begin(), lifts.end(), std::greater<>());
    if (!alone && !lifts.empty())
        bar.lift = std::min(bar.lift, lifts[std::min<std::size_t>(2, lifts.size() - 1)]);
    for (const double lift : lifts) bar.supported += alone || lift >= bar.lift ? 1 : 0;
    return bar;
}

/// Chooses the fallback label of one node.
class FallbackWriter {
public:
    FallbackWriter(const LabelContext& context, const GateOptions& options, Index node, NodeBar bar)
        : context_(context),
          options_(options),
          node_(node),
          bar_(bar),
          judge_(context, options, node, bar.lift) {}

    std::string write(const LabelSet& written) const {
        const Index level = context_.hierarchy.nodes[static_cast<std::size_t>(node_)].level;
        const std::vector<std::string> pool = candidates(written);
        const auto wanted = static_cast<std::size_t>(label_level_entry(options_.fallback_words, level));
        for (const bool strict : {true, false}) {
            for (std::size_t size = wanted; size >= 1; --size) {
                std::string text = first_of_size(pool, std::min(size, pool.size()), written, strict);
                if (!text.empty()) return text;
                if (size > pool.size()) size = pool.size();
                if (size == 0) break;
            }
            for (std::size_t size = wanted + 1; size <= pool.size() && size <= wanted + 2; ++size) {
                std::string text = first_of_size(pool, size, written, strict);
                if (!text.empty()) return text;
            }
        }
        for (std::size_t words = std::min<std::size_t>(2, pool.size()); words > 0; --words) {
            for (int number = 2; number < 10 + static_cast<int>(written.size()); ++number) {
                std::string text = join(pool, first(words)) + " " + std::to_string(number);
                if (passes(text, written, false)) return text;
            }
        }
        std::string name = clean_label_text(context_.hierarchy.level_names[static_cast<std::size_t>(level)]);
        name = shorten_label(name, std::max(1, options_.max_characters - 8));
        int number =
            static_cast<int>(node_ - context_.hierarchy.level_begin[static_cast<std::size_t>(level)]) + 1;
        for (;; ++number) {
            std::string text = (name.empty() ? "node" : name) + " " + std::to_string(number);
            if (judge_.unique(text, written).passed) return text;
        }
    }

private:
    static constexpr std::size_t kPool = 12;

    static std::vector<std::size_t> first(std::size_t n) {
        std::vector<std::size_t> picks(n);
        for (std::size_t i = 0; i < n; ++i) picks[i] = i;
        return picks;
    }
    static std::string join(const std::vector<std::string>& pool, const std::vector<std::size_t>& picks) {
        std::string out;
        for (const std::size_t i : picks) out.append(out.empty() ? "" : kFallbackSeparator).append(pool[i]);
        return out;
    }

    /// Whether a word is more than digits and signs; every character beyond ASCII counts as a letter.
    static bool has_letter(std::string_view word) {
        return std::any_of(word.begin(), word.end(), [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        });
    }
    bool usable(const std::string& word) const {
        if (word.empty() || !has_letter(word)) return false;
        const std::vector<LabelJudge::Claim> claims = judge_.claims(word, {});
        return !claims.empty() &&
               std::all_of(claims.begin(), claims.end(),
                           [](const LabelJudge::Claim& c) { return c.by_words; }) &&
               judge_.hygiene(word).passed && judge_.title_leak(word, claims).passed;
    }

    std::vector<std::string> candidates(const LabelSet& written) const {
        std::vector<std::string> pool;
        std::vector<TermForms> forms;
        const auto add = [&](std::string_view term) {
            std::string word = clean_label_text(term);
            if (pool.size() >= kPool || !usable(word)) return;
            TermForms form(word);
            if (std::any_of(forms.begin(), forms.end(),
                            [&](const TermForms& f) { return f.near_duplicate(form); })) {
                return;
            }
            pool.push_back(std::move(word));
            forms.push_back(std::move(form));
        };
        for (const Keyword& keyword : context_.keywords[static_cast<std::size_t>(node_)]) add(keyword.term);
        // What the keywords leave open: the words with the largest part of the information on membership.
        std::vector<std::pair<double, Index>> rest;
        for (const Index column : context_.support.row_indices(node_)) {
            const TermSupport s = context_.term(node_, column);
            if (judge_.supports(s)) rest.emplace_back(s.p_in * std::log2(std::max(s.lift, 1.0)), column);
        }
        std::sort(rest.begin(), rest.end(), [](const auto& a, const auto& b) {
            return a.first != b.first ? a.first > b.first : a.second < b.second;
        });
        for (std::size_t i = 0; i < rest.size() && i < 4 * kPool; ++i) {
            add(context_.words[static_cast<std::size_t>(rest[i].second)]);
        }
        // Words that no ancestor uses come first.
        const auto is_new = [&](const std::string& word) {
            const TermForms form(word);
            for (Index above = context_.hierarchy.nodes[static_cast<std::size_t>(node_)].parent; above >= 0;
                 above = context_.hierarchy.nodes[static_cast<std::size_t>(above)].parent) {
                for (const WordForms& w : form.words) {
                    const std::vector<std::string>& stems = written.stems(above);
                    if (std::binary_search(stems.begin(), stems.end(), w.stem)) return false;
                }
            }
            return true;
        };
        std::stable_partition(pool.begin(), pool.end(), is_new);
        return pool;
    }

    bool passes(const std::string& text, const LabelSet& written, bool strict) const {
        const std::vector<LabelJudge::Claim> claims = judge_.claims(text, {});
        if (!judge_.length(text, bar_.supported).passed || !judge_.unique(text, written).passed ||
            !judge_.title_leak(text, claims).passed) {
            return false;
        }
        return !strict || (judge_.children(claims).passed && stable(claims));
    }

    bool stable(const std::vector<LabelJudge::Claim>& claims) const {
        const std::vector<char> hits = judge_.hits(context_.hierarchy.items(node_), claims);
        const double coverage = LabelJudge::share(hits);
        const double clean = judge_.specificity(claims);
        return judge_
            .stability(claims, hits, clean, coverage_bar(options_, coverage),
                       separation_bar(options_, (coverage + clean) / 2))
            .passed;
    }

    /// First combination of `size` words, in lexicographic order of their places, that passes; "" if none.
    std::string first_of_size(const std::vector<std::string>& pool, std::size_t size, const LabelSet& written,
                              bool strict) const {
        if (size == 0 || size > pool.size()) return {};
        std::vector<std::size_t> picks = first(size);
        for (;;) {
            std::string text = join(pool, picks);
            if (passes(text, written, strict)) return text;
            std::size_t at = size;
            while (at > 0 && picks[at - 1] == pool.size() - size + at - 1) --at;
            if (at == 0) return {};
            ++picks[at - 1];
            for (std::size_t i = at; i < size; ++i) picks[i] = picks[i - 1] + 1;
        }
    }

    const LabelContext& context_;
    const GateOptions& options_;
    Index node_;
    NodeBar bar_;
    LabelJudge judge_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LABELS_DETAIL_FALLBACK_WRITER_HPP
