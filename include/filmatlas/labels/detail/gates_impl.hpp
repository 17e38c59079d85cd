// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_GATES_IMPL_HPP
#define FILMATLAS_LABELS_DETAIL_GATES_IMPL_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/keywords/detail/word_forms.hpp"
#include "filmatlas/labels/detail/label_text.hpp"
#include "filmatlas/labels/detail/label_words.hpp"
#include "filmatlas/labels/gates.hpp"
#include "filmatlas/labels/keyword_labels.hpp"
#include "filmatlas/text/unicode.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::size_t kJudgedLabelBytes = 4096;
inline constexpr std::string_view kFallbackSeparator = " \u00B7 ";

template <class T>
const T& label_level_entry(const std::vector<T>& entries, Index level) {
    return entries[std::min(entries.size() - 1, static_cast<std::size_t>(level))];
}

/// Items next to which a node has to stand out: those of the nearest ancestor with more items.
inline std::span<const Index> label_family(const Hierarchy& hierarchy, Index node) {
    const std::int64_t size = hierarchy.nodes[static_cast<std::size_t>(node)].size();
    Index above = hierarchy.nodes[static_cast<std::size_t>(node)].parent;
    while (above >= 0 && hierarchy.nodes[static_cast<std::size_t>(above)].size() == size) {
        above = hierarchy.nodes[static_cast<std::size_t>(above)].parent;
    }
    return above >= 0 ? hierarchy.items(above) : std::span<const Index>(hierarchy.order);
}

/// Nodes with the same parent, without the node itself.
inline std::vector<Index> label_siblings(const Hierarchy& hierarchy, Index node) {
    const HierarchyNode& self = hierarchy.nodes[static_cast<std::size_t>(node)];
    std::vector<Index> siblings;
    if (self.parent >= 0) {
        siblings = hierarchy.children(self.parent);
    } else {
        for (Index other = hierarchy.level_begin[0]; other < hierarchy.level_begin[1]; ++other) {
            siblings.push_back(other);
        }
    }
    std::erase(siblings, node);
    return siblings;
}

/// A word that names a time: "1984", "1980s" or "80s"; the range is [first, last].
struct LabelTime {
    bool is_time = false;
    double first = 0;
    double last = 0;
};
inline LabelTime label_time(std::string_view word) {
    const bool decade = word.size() > 1 && word.back() == 's';
    const std::string_view digits = word.substr(0, word.size() - (decade ? 1 : 0));
    if ((digits.size() != 4 && !(decade && digits.size() == 2)) ||
        !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        return {};
    }
    int number = 0;
    for (const char c : digits) number = 10 * number + (c - '0');
    if (digits.size() == 2) number += number < 30 ? 2000 : 1900;
    if (number < 1000 || number > 2200) return {};
    return {true, static_cast<double>(number), static_cast<double>(number + (decade ? 9 : 0))};
}

/// Digits too few to be a year: what tells equal labels apart ("war 2"), no claim.
inline bool label_number(std::string_view word) {
    return word.size() < 4 &&
           std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

inline double jaccard(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    if (a.empty() && b.empty()) return 0;
    std::size_t both = 0;
    for (const std::string& word : a) both += std::binary_search(b.begin(), b.end(), word) ? 1 : 0;
    return static_cast<double>(both) / static_cast<double>(a.size() + b.size() - both);
}

/// Judges labels of one node.
class LabelJudge {
public:
    LabelJudge(const LabelContext& context, const GateOptions& options, Index node, double lift_bar)
        : context_(context),
          options_(options),
          node_(node),
          lift_bar_(lift_bar),
          level_(context.hierarchy.nodes[static_cast<std::size_t>(node)].level),
          members_(context.hierarchy.items(node)) {}

    /// A word of the label that makes a claim.
    struct Claim {
        std::string stem;
        Index column = -1;  ///< of the context's stems
        LabelTime time;
        TermSupport support;
        bool by_words = false;
        bool by_reason = false;
        std::vector<Index> cited;          ///< members that a reason cites and that hold its term
        std::vector<Index> cited_columns;  ///< stems of the reason's term
    };

    TermSupport time_support(const LabelTime& time) const {
        TermSupport result;
        const std::vector<double>& times = context_.facts.times;
        if (times.empty()) return result;
        std::int64_t known = 0;
        std::int64_t everywhere = 0;
        std::int64_t known_everywhere = 0;
        const auto within = [&](Index item) {
            const double t = times[static_cast<std::size_t>(item)];
            return t >= time.first && t <= time.last;
        };
        for (const Index item : members_) {
            known += std::isnan(times[static_cast<std::size_t>(item)]) ? 0 : 1;
            result.support += within(item) ? 1 : 0;
        }
        for (const Index item : context_.hierarchy.order) {
            known_everywhere += std::isnan(times[static_cast<std::size_t>(item)]) ? 0 : 1;
            everywhere += within(item) ? 1 : 0;
        }
        result.others = everywhere - result.support;
        const auto in = static_cast<double>(known);
        const auto out = static_cast<double>(known_everywhere - known);
        if (in > 0) result.p_in = static_cast<double>(result.support) / in;
        if (out > 0) {
            result.p_out = static_cast<double>(result.others) / out;
            result.lift = smoothed_lift(static_cast<double>(result.support), in,
                                        static_cast<double>(result.others), out);
            result.z =
                log_odds_z(static_cast<double>(result.support), in, static_cast<double>(result.others), out);
        }
        return result;
    }

    bool supports(const TermSupport& support) const {
        const bool alone = static_cast<std::int64_t>(members_.size()) == context_.hierarchy.num_items();
        return support.support > 0 && support.p_in >= options_.min_share &&
               (alone || support.lift >= lift_bar_);
    }

    std::vector<Claim> claims(std::string_view text, const std::vector<LabelReason>& because) const {
        std::vector<Claim> result;
        for (std::string& stem : label_stems(text)) {
            if (label_number(stem)) continue;
            Claim claim;
            claim.time = label_time(stem);
            claim.stem = std::move(stem);
            // word_stem() takes the "s" from "1980s".
            if (!claim.time.is_time && claim.stem.size() == 4) claim.time = label_time(claim.stem);
            claim.column = context_.find_stem(claim.stem);
            if (claim.column >= 0) claim.support = context_.term(node_, claim.column);
            if (!supports(claim.support) && !context_.facts.times.empty()) {
                if (claim.time.is_time) claim.support = decade_or_year(claim.time, text);
            }
            claim.by_words = supports(claim.support);
            for (const LabelReason& reason : because) accept_reason(claim, reason);
            result.push_back(std::move(claim));
        }
        return result;
    }

    /// Whether members (in the order of members_) hold one of the accounted words.
    std::vector<char> hits(std::span<const Index> items, const std::vector<Claim>& claims) const {
        std::vector<char> result(items.size(), 0);
        for (std::size_t i = 0; i < items.size(); ++i) {
            for (const Claim& claim : claims) {
                if (result[i] == 0 && holds(items[i], claim)) result[i] = 1;
            }
        }
        return result;
    }

    static double share(const std::vector<char>& hits) {
        std::int64_t sum = 0;
        for (const char hit : hits) sum += hit;
        return hits.empty() ? 0.0 : static_cast<double>(sum) / static_cast<double>(hits.size());
    }

    /// Share of the family's items outside the node that hold none of the words; 1 when there are none.
    double specificity(const std::vector<Claim>& claims) const {
        const std::span<const Index> family = label_family(context_.hierarchy, node_);
        const HierarchyNode& self = context_.hierarchy.nodes[static_cast<std::size_t>(node_)];
        const Index* const order = context_.hierarchy.order.data();
        std::int64_t clean = 0;
        std::int64_t total = 0;
        for (const Index& item : family) {
            const std::ptrdiff_t at = &item - order;
            if (at >= self.begin && at < self.end) continue;
            ++total;
            const bool hit =
                std::any_of(claims.begin(), claims.end(), [&](const Claim& c) { return holds(item, c); });
            clean += hit ? 0 : 1;
        }
        return total == 0 ? 1.0 : static_cast<double>(clean) / static_cast<double>(total);
    }

    GateResult length(std::string_view text, std::int64_t supported) const {
        GateResult result = start(LabelGate::Length);
        const auto [fewest, most] = label_level_entry(options_.words_per_level, level_);
        std::int64_t words = 0;
        bool inside = false;
        for (const char32_t c : to_code_points(text.substr(0, kJudgedLabelBytes))) {
            if (is_space(c)) {
                inside = false;
            } else if (!inside && is_word(c)) {
                inside = true;
                ++words;
            }
        }
        const std::int64_t characters = count_code_points(text);
        const std::int64_t least = std::min<std::int64_t>(fewest, std::max<std::int64_t>(supported, 1));
        result.value = static_cast<double>(words);
        result.threshold = static_cast<double>(words < least ? least : most);
        result.passed = words >= least && words <= most && characters <= options_.max_characters;
        result.message = std::to_string(words) + " words, " + std::to_string(characters) +
                         " characters; asked for are " + std::to_string(least) + " to " +
                         std::to_string(most) + " words of at most " +
                         std::to_string(options_.max_characters) + " characters";
        return result;
    }

    GateResult support(const std::vector<Claim>& claims, const LabelCandidate& candidate,
                       std::int64_t supported) const {
        GateResult result = start(LabelGate::Support);
        result.threshold = 1;
        std::int64_t by_words = 0;
        std::int64_t accounted = 0;
        for (const Claim& claim : claims) {
            by_words += claim.by_words ? 1 : 0;
            accounted += claim.by_words || claim.by_reason ? 1 : 0;
            result.items.insert(result.items.end(), claim.cited.begin(), claim.cited.end());
            if (!claim.by_words && !claim.by_reason) result.terms.push_back(claim.stem);
        }
        if (supported == 0 && is_structural(candidate.text)) {
            result.value = 1;
            result.terms.clear();
            result.message = "the node has no supported word; the label claims none";
            return result;
        }
        const auto open = static_cast<std::int64_t>(claims.size()) - accounted;
        const bool figurative = open > 0 && open <= options_.figurative && candidate.closeness.has_value() &&
                                *candidate.closeness >= candidate.closeness_bar;
        result.value =
            claims.empty() ? 0.0 : static_cast<double>(accounted) / static_cast<double>(claims.size());
        result.passed = by_words > 0 && (open == 0 || figurative);
        if (result.passed) {
            result.message = figurative ? "one figurative word, close to the node's centre"
                                        : "every word is accounted for";
        } else if (claims.empty()) {
            result.message = "the label says nothing that could be checked";
        } else {
            result.message =
                result.terms.empty() ? "no word is typical of the members" : "not accounted for: ";
            std::string list;
            for (const std::string& term : result.terms) append_item(list, excerpt(term));
            result.message += list;
        }
        return result;
    }

    GateResult at_least(LabelGate gate, double value, double bar, const std::string& what) const {
        GateResult result = start(gate);
        result.value = value;
        result.threshold = bar;
        result.passed = value >= bar;
        result.message = what;
        return result;
    }

    GateResult unique(std::string_view text, const LabelSet& written) const {
        GateResult result = start(LabelGate::Unique);
        result.threshold = options_.max_overlap;
        const std::string key = fold(text);
        std::vector<std::string> stems = label_stems(text);
        std::sort(stems.begin(), stems.end());
        const auto equal = [&](Index other) {
            return (!stems.empty() && stems == written.stems(other)) || key == fold(written.text(other));
        };
        const auto meets = [&](Index other, double overlap, const char* what) {
            result.passed = false;
            result.value = std::max(result.value, overlap);
            result.nodes.push_back(other);
            result.terms.push_back(written.text(other));
            if (result.message.empty()) {
                result.message = std::string(what) + " node " + std::to_string(other) + ", " +
                                 excerpt(written.text(other));
            }
        };
        const Hierarchy& tree = context_.hierarchy;
        for (Index above = tree.nodes[static_cast<std::size_t>(node_)].parent; above >= 0;
             above = tree.nodes[static_cast<std::size_t>(above)].parent) {
            if (!written.text(above).empty() && equal(above)) meets(above, 1, "the same as its ancestor");
        }
        for (const Index child : tree.children(node_)) {
            if (!written.text(child).empty() && equal(child)) meets(child, 1, "the same as its child");
        }
        const HierarchyNode& self = tree.nodes[static_cast<std::size_t>(node_)];
        for (Index other = tree.level_begin[static_cast<std::size_t>(level_)];
             other < tree.level_begin[static_cast<std::size_t>(level_) + 1]; ++other) {
            if (other == node_ || written.text(other).empty()) continue;
            if (equal(other)) {
                meets(other, 1, "the same as");
            } else if (tree.nodes[static_cast<std::size_t>(other)].parent == self.parent) {
                const double overlap = jaccard(stems, written.stems(other));
                if (overlap >= options_.max_overlap) {
                    meets(other, overlap, "nearly the same as its sibling");
                } else {
                    result.value = std::max(result.value, overlap);
                }
            }
        }
        if (result.passed) result.message = "no other label says the same";
        return result;
    }

    GateResult title_leak(std::string_view text, const std::vector<Claim>& claims) const {
        GateResult result = start(LabelGate::TitleLeak);
        for (std::string& title : titles_in(text)) result.terms.push_back(std::move(title));
        if (!result.terms.empty()) result.message = "holds a title: " + excerpt(result.terms.front());
        for (const Claim& claim : claims) {
            if (claim.column < 0 || !claim.by_words) continue;
            std::vector<Index> titled = carried_by_titles(claim.column);
            if (titled.empty()) continue;
            result.terms.push_back(claim.stem);
            result.items.insert(result.items.end(), titled.begin(), titled.end());
            if (result.message.empty()) {
                result.message = excerpt(claim.stem) + " is common here through the titles of " +
                                 std::to_string(titled.size()) + " members only";
            }
        }
        result.value = static_cast<double>(result.terms.size());
        result.passed = result.terms.empty();
        if (result.passed) result.message = "no title";
        return result;
    }

    GateResult contradiction(const std::vector<Claim>& claims) const {
        GateResult result = start(LabelGate::Contradiction);
        for (const Claim& claim : claims) {
            if (claim.by_words) continue;
            const bool time = claim.time.is_time && !context_.facts.times.empty();
            const TermSupport& s = claim.support;
            if (claim.column < 0 && !time) continue;
            if ((s.lift < options_.depleted_lift && s.z < options_.depleted_z) ||
                (time && (s.support == 0 || s.p_in < s.p_out))) {
                result.terms.push_back(claim.stem);
            }
        }
        result.value = static_cast<double>(result.terms.size());
        result.passed = result.terms.empty();
        result.message = result.passed ? "no word is rarer inside than outside"
                                       : excerpt(result.terms.front()) + " is rarer inside than outside";
        return result;
    }

    GateResult children(const std::vector<Claim>& claims) const {
        GateResult result = start(LabelGate::Children);
        result.threshold = 1;
        result.value = 1;
        std::int64_t large = 0;
        for (const Index child : context_.hierarchy.children(node_)) {
            const auto size =
                static_cast<double>(context_.hierarchy.nodes[static_cast<std::size_t>(child)].size());
            if (size < options_.child_share * static_cast<double>(members_.size())) continue;
            ++large;
            const auto shared = [&](Index column) {
                const TermSupport s = context_.term(child, column);
                return s.support > 0 && s.p_in >= options_.min_share && s.lift >= 1;
            };
            const bool holds_here = std::any_of(claims.begin(), claims.end(), [&](const Claim& claim) {
                if (claim.by_words && claim.column < 0) return true;  // a time
                return (claim.by_words && shared(claim.column)) ||
                       (claim.by_reason &&
                        std::any_of(claim.cited_columns.begin(), claim.cited_columns.end(), shared));
            });
            if (!holds_here) result.nodes.push_back(child);
        }
        if (large > 0) {
            result.value = 1 - static_cast<double>(result.nodes.size()) / static_cast<double>(large);
        }
        result.passed = result.nodes.empty() || claims.empty();
        result.message = result.passed ? "holds for every large child"
                                       : "says nothing of child " + std::to_string(result.nodes.front());
        return result;
    }

    GateResult stability(const std::vector<Claim>& claims, const std::vector<char>& hit, double outside_clean,
                         double coverage_bar, double separation_bar) const {
        GateResult result = start(LabelGate::Stability);
        result.threshold = static_cast<double>(options_.samples_passed);
        const std::size_t n = members_.size();
        if (n < 4) {
            result.value = static_cast<double>(options_.samples);
            result.message = "too few members to halve";
            return result;
        }
        std::vector<std::vector<char>> held(claims.size());
        for (std::size_t c = 0; c < claims.size(); ++c) {
            if (!claims[c].by_words || claims[c].column < 0) continue;
            for (const Index item : members_)
                held[c].push_back(row_holds(context_.held, item, claims[c].column) ? 1 : 0);
        }
        const auto outside =
            static_cast<double>(context_.hierarchy.num_items() - static_cast<std::int64_t>(n));
        std::int64_t passed = 0;
        std::vector<std::size_t> order(n);
        const std::size_t half = (n + 1) / 2;
        for (int sample = 0; sample < options_.samples; ++sample) {
            RandomStream random(
                options_.seed, "label_stability",
                static_cast<std::uint64_t>(node_) * 4096 + static_cast<std::uint64_t>(sample));
            for (std::size_t i = 0; i < n; ++i) order[i] = i;
            for (std::size_t i = 0; i < half; ++i) {
                std::swap(order[i], order[i + static_cast<std::size_t>(random.below(n - i))]);
            }
            std::int64_t covered = 0;
            for (std::size_t i = 0; i < half; ++i) covered += hit[order[i]];
            const double coverage = static_cast<double>(covered) / static_cast<double>(half);
            bool fine = coverage >= coverage_bar && (coverage + outside_clean) / 2 >= separation_bar;
            for (std::size_t c = 0; fine && c < claims.size() && outside > 0; ++c) {
                if (held[c].empty()) continue;
                std::int64_t with = 0;
                for (std::size_t i = 0; i < half; ++i) with += held[c][order[i]];
                fine = smoothed_lift(static_cast<double>(with), static_cast<double>(half),
                                     static_cast<double>(claims[c].support.others),
                                     outside) >= std::min(1.0, lift_bar_);
            }
            passed += fine ? 1 : 0;
        }
        result.value = static_cast<double>(passed);
        result.passed = passed * options_.samples >=
                        static_cast<std::int64_t>(options_.samples_passed) * options_.samples;
        result.message = "holds on " + std::to_string(passed) + " of " + std::to_string(options_.samples) +
                         " halves of the members";
        return result;
    }

    GateResult hygiene(std::string_view text) const {
        GateResult result = start(LabelGate::Hygiene);
        for (const std::string& word : label_words(text)) {
            for (const auto* list : {&options_.banned, &options_.private_words}) {
                for (const std::string& bad : *list) {
                    if (fold(bad) == word) result.terms.push_back(word);
                }
            }
        }
        const bool markup = label_markup(text);
        if (markup) result.terms.emplace_back("markup");
        result.value = static_cast<double>(result.terms.size());
        result.passed = result.terms.empty();
        result.message = result.passed ? "no filler, markup or private words"
                         : markup      ? "holds markup, control characters or invalid UTF-8"
                                       : "holds the word " + excerpt(result.terms.front());
        return result;
    }

    /// Titles of at least two content words that the label holds, word by word.
    std::vector<std::string> titles_in(std::string_view text) const {
        std::vector<std::string> found;
        if (context_.title_keys.empty()) return found;
        for (const std::string& part : parts_of(text)) {
            const std::vector<std::string> words = label_words(part);
            for (std::size_t begin = 0; begin < words.size(); ++begin) {
                std::string key;
                for (std::size_t end = begin; end < words.size(); ++end) {
                    key.append(key.empty() ? "" : " ").append(words[end]);
                    const auto at =
                        std::lower_bound(context_.title_keys.begin(), context_.title_keys.end(), key);
                    if (at == context_.title_keys.end() || *at != key) continue;
                    if (context_.title_words[static_cast<std::size_t>(at - context_.title_keys.begin())] < 2)
                        continue;
                    if (std::binary_search(context_.common_phrases.begin(), context_.common_phrases.end(),
                                           key))
                        continue;
                    found.push_back(key);
                }
            }
        }
        return found;
    }

    /// Members whose titles alone make a word common here; empty when it stays typical without them.
    std::vector<Index> carried_by_titles(Index column) const {
        if (context_.titled.nnz() == 0) return {};
        std::vector<Index> titled;
        for (const Index item : members_) {
            if (row_holds(context_.titled, item, column)) titled.push_back(item);
        }
        if (titled.empty()) return {};
        const TermSupport all = context_.term(node_, column);
        std::int64_t titled_held = 0;
        for (const Index item : titled) titled_held += row_holds(context_.held, item, column) ? 1 : 0;
        const std::int64_t left = all.support - titled_held;
        const HierarchyNode& self = context_.hierarchy.nodes[static_cast<std::size_t>(node_)];
        std::int64_t others = all.others;
        std::int64_t outside = context_.hierarchy.num_items() - self.size();
        for (Index at = 0; at < static_cast<Index>(context_.hierarchy.order.size()); ++at) {
            if (at >= self.begin && at < self.end) continue;
            const Index item = context_.hierarchy.order[static_cast<std::size_t>(at)];
            if (!row_holds(context_.titled, item, column)) continue;
            --outside;
            others -= row_holds(context_.held, item, column) ? 1 : 0;
        }
        const std::int64_t members = self.size() - static_cast<std::int64_t>(titled.size());
        const bool mostly_titles = 10 * titled_held > 7 * all.support;
        const bool rare_without =
            left == 0 ||
            (outside > 0 &&
             smoothed_lift(static_cast<double>(left), static_cast<double>(members),
                           static_cast<double>(others), static_cast<double>(outside)) < lift_bar_);
        return mostly_titles || rare_without ? titled : std::vector<Index>();
    }

    bool is_structural(std::string_view text) const {
        const std::vector<std::string> level =
            label_words(context_.hierarchy.level_names[static_cast<std::size_t>(level_)]);
        for (const std::string& word : label_words(text)) {
            const bool digits =
                std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
            if (!digits && std::find(level.begin(), level.end(), word) == level.end()) return false;
        }
        return true;
    }

private:
    static GateResult start(LabelGate gate) {
        GateResult result;
        result.gate = gate;
        return result;
    }

    static std::vector<std::string> parts_of(std::string_view text) {
        std::vector<std::string> parts(1);
        for (const char32_t c : to_code_points(text)) {
            if (c == U'\u00B7' || c == U'|' || c == U'/' || c == U';') {
                parts.emplace_back();
            } else {
                append_utf8(parts.back(), c);
            }
        }
        return parts;
    }

    TermSupport decade_or_year(const LabelTime& time, std::string_view text) const {
        LabelTime range = time;
        // The stem of "1980s" is "1980"; the text tells which was meant.
        const auto digits = std::to_string(static_cast<int>(time.first)) + "s";
        if (range.first == range.last && fold(text).find(digits) != std::string::npos) range.last += 9;
        return time_support(range);
    }

    void accept_reason(Claim& claim, const LabelReason& reason) const {
        const std::vector<std::string> word = label_stems(reason.word);
        if (word.size() != 1 || word.front() != claim.stem) return;
        const std::vector<std::string> terms = label_stems(reason.term.empty() ? reason.word : reason.term);
        std::vector<Index> columns;
        for (const std::string& term : terms) {
            columns.push_back(context_.find_stem(term));
            // What is rarer here than elsewhere is no reason.
            if (columns.back() < 0 || context_.term(node_, columns.back()).lift < 1) return;
        }
        if (columns.empty()) return;
        std::vector<Index> cited = reason.items;
        std::sort(cited.begin(), cited.end());
        cited.erase(std::unique(cited.begin(), cited.end()), cited.end());
        if (cited.size() > 1000) cited.resize(1000);  // a bound on the work that an answer can ask for
        const auto fails = [&](Index item) {
            return item < 0 || item >= context_.hierarchy.num_items() ||
                   std::find(members_.begin(), members_.end(), item) == members_.end() ||
                   !std::all_of(columns.begin(), columns.end(),
                                [&](Index column) { return row_holds(context_.held, item, column); });
        };
        std::erase_if(cited, fails);
        const auto wanted =
            std::min<std::size_t>(static_cast<std::size_t>(options_.min_cited), members_.size());
        if (cited.size() < wanted) return;
        claim.by_reason = true;
        claim.cited = std::move(cited);
        claim.cited_columns = std::move(columns);
    }

    bool holds(Index item, const Claim& claim) const {
        if (claim.by_words && claim.column >= 0 && row_holds(context_.held, item, claim.column)) return true;
        if (claim.by_words && claim.time.is_time && !context_.facts.times.empty()) {
            const double t = context_.facts.times[static_cast<std::size_t>(item)];
            const double last = claim.time.first == claim.time.last ? claim.time.first + 9 : claim.time.last;
            if (t >= claim.time.first && t <= last) return true;
        }
        return claim.by_reason && !claim.cited_columns.empty() &&
               std::all_of(claim.cited_columns.begin(), claim.cited_columns.end(),
                           [&](Index column) { return row_holds(context_.held, item, column); });
    }

    const LabelContext& context_;
    const GateOptions& options_;
    Index node_;
    double lift_bar_;
    Index level_;
    std::span<const Index> members_;
};

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

}  // namespace detail

FILMATLAS_INLINE std::string_view gate_code(LabelGate gate) noexcept {
    static constexpr std::array<std::string_view, kNumLabelGates> codes = {"L1", "L2", "L3", "L4", "L5",
                                                                           "L6", "L7", "L8", "L9", "L10"};
    return codes[static_cast<std::size_t>(gate)];
}

FILMATLAS_INLINE std::string_view to_string(LabelGate gate) noexcept {
    static constexpr std::array<std::string_view, kNumLabelGates> names = {
        "length",     "support",       "coverage", "separation", "unique",
        "title_leak", "contradiction", "children", "stability",  "hygiene"};
    return names[static_cast<std::size_t>(gate)];
}

FILMATLAS_INLINE void validate(const GateOptions& options) {
    const auto whole = [](const char* field, int value, int least) {
        if (value < least) {
            throw_invalid("check_label", field, "is " + std::to_string(value),
                          "use " + std::to_string(least) + " or more");
        }
    };
    const auto within = [](const char* field, double value, double low, double high) {
        if (!(value >= low && value <= high)) {
            throw_invalid("check_label", field, "is " + to_text(value),
                          "use " + to_text(low) + " .. " + to_text(high));
        }
    };
    if (options.words_per_level.empty()) throw_invalid("check_label", "words_per_level", "is empty");
    for (const auto& [fewest, most] : options.words_per_level) {
        if (fewest < 1 || most < fewest) {
            throw_invalid("check_label", "words_per_level", "holds a pair out of order",
                          "use 1 <= fewest <= most");
        }
    }
    if (options.fallback_words.empty()) throw_invalid("check_label", "fallback_words", "is empty");
    for (const int words : options.fallback_words) whole("fallback_words", words, 1);
    whole("max_characters", options.max_characters, 8);
    within("min_lift", options.min_lift, 1, 1e9);
    within("min_share", options.min_share, 0, 1);
    whole("min_cited", options.min_cited, 1);
    whole("figurative", options.figurative, 0);
    within("min_coverage", options.min_coverage, 0, 1);
    within("min_separation", options.min_separation, 0, 1);
    within("relative", options.relative, 0, 1);
    within("max_overlap", options.max_overlap, 0, 1);
    within("depleted_lift", options.depleted_lift, 0, 1);
    within("depleted_z", options.depleted_z, -1e9, 0);
    within("child_share", options.child_share, 0, 1);
    whole("samples", options.samples, 0);
    if (options.samples_passed < 0 || options.samples_passed > options.samples) {
        throw_invalid("check_label", "samples_passed", "is " + std::to_string(options.samples_passed),
                      "use 0 .. samples");
    }
}

FILMATLAS_INLINE std::string LabelVerdict::failed() const {
    std::string codes;
    for (const GateResult& result : gates) {
        if (!result.passed) codes.append(codes.empty() ? "" : " ").append(gate_code(result.gate));
    }
    return codes;
}

FILMATLAS_INLINE LabelSet::LabelSet(std::span<const std::string> texts)
    : LabelSet(static_cast<std::int64_t>(texts.size())) {
    for (std::size_t node = 0; node < texts.size(); ++node) set(static_cast<Index>(node), texts[node]);
}

FILMATLAS_INLINE void LabelSet::set(Index node, std::string text) {
    if (node < 0 || node >= size()) {
        throw_invalid("LabelSet", "node", "is " + std::to_string(node),
                      "nodes are 0 .. " + std::to_string(size() - 1));
    }
    std::vector<std::string> stems = label_stems(text);
    std::sort(stems.begin(), stems.end());
    stems_[static_cast<std::size_t>(node)] = std::move(stems);
    texts_[static_cast<std::size_t>(node)] = std::move(text);
}

FILMATLAS_INLINE LabelBars label_bars(const LabelContext& context, const LabelSet& keyword_labels,
                                      const GateOptions& options) {
    validate(options);
    if (keyword_labels.size() != context.hierarchy.num_nodes()) {
        throw_shape("label_bars", "there are " + std::to_string(keyword_labels.size()) +
                                      " labels, the hierarchy has " +
                                      std::to_string(context.hierarchy.num_nodes()) + " nodes");
    }
    LabelBars bars;
    for (Index node = 0; node < static_cast<Index>(context.hierarchy.num_nodes()); ++node) {
        const detail::NodeBar bar = detail::node_lift_bar(context, options, node);
        const detail::LabelJudge judge(context, options, node, bar.lift);
        const auto claims = judge.claims(keyword_labels.text(node), {});
        const double coverage = detail::LabelJudge::share(judge.hits(context.hierarchy.items(node), claims));
        const double separation = (coverage + judge.specificity(claims)) / 2;
        bars.lift.push_back(bar.lift);
        bars.supported.push_back(bar.supported);
        bars.coverage.push_back(detail::coverage_bar(options, coverage));
        bars.separation.push_back(detail::separation_bar(options, separation));
    }
    return bars;
}

FILMATLAS_INLINE LabelVerdict check_label(const LabelContext& context, const LabelBars& bars,
                                          const LabelSet& written, Index node,
                                          const LabelCandidate& candidate, const GateOptions& options) {
    validate(options);
    if (node < 0 || node >= context.hierarchy.num_nodes()) {
        throw_invalid("check_label", "node", "is " + std::to_string(node),
                      "nodes are 0 .. " + std::to_string(context.hierarchy.num_nodes() - 1));
    }
    if (written.size() != context.hierarchy.num_nodes() ||
        static_cast<std::int64_t>(bars.lift.size()) != context.hierarchy.num_nodes()) {
        throw_shape("check_label", "the labels or bars are not those of this hierarchy");
    }
    const auto at = static_cast<std::size_t>(node);
    LabelCandidate judged = candidate;
    judged.text.resize(utf8_prefix_length(judged.text, detail::kJudgedLabelBytes));
    const detail::LabelJudge judge(context, options, node, bars.lift[at]);
    const auto claims = judge.claims(judged.text, judged.because);
    const std::vector<char> hits = judge.hits(context.hierarchy.items(node), claims);
    const double coverage = detail::LabelJudge::share(hits);
    const double outside_clean = judge.specificity(claims);

    LabelVerdict verdict;
    verdict.node = node;
    verdict.text = judged.text;
    verdict.gates = {
        judge.length(candidate.text, bars.supported[at]),
        judge.support(claims, judged, bars.supported[at]),
        judge.at_least(LabelGate::Coverage, coverage, bars.coverage[at],
                       "share of the members that hold a supported word"),
        judge.at_least(LabelGate::Separation, (coverage + outside_clean) / 2, bars.separation[at],
                       "balanced accuracy of its words as a test of membership among the siblings"),
        judge.unique(judged.text, written),
        judge.title_leak(judged.text, claims),
        judge.contradiction(claims),
        judge.children(claims),
        judge.stability(claims, hits, outside_clean, bars.coverage[at], bars.separation[at]),
        judge.hygiene(judged.text),
    };
    verdict.accepted = std::all_of(verdict.gates.begin(), verdict.gates.end(),
                                   [](const GateResult& result) { return result.passed; });
    return verdict;
}

FILMATLAS_INLINE LabelSet fallback_labels(const LabelContext& context, const GateOptions& options) {
    validate(options);
    LabelSet labels(context.hierarchy.num_nodes());
    for (Index node = 0; node < static_cast<Index>(context.hierarchy.num_nodes()); ++node) {
        const detail::FallbackWriter writer(context, options, node,
                                            detail::node_lift_bar(context, options, node));
        labels.set(node, writer.write(labels));
    }
    return labels;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LABELS_DETAIL_GATES_IMPL_HPP
