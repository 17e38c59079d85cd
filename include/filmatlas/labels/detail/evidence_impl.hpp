// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_EVIDENCE_IMPL_HPP
#define FILMATLAS_LABELS_DETAIL_EVIDENCE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/labels/detail/label_text.hpp"
#include "filmatlas/labels/detail/label_words.hpp"
#include "filmatlas/labels/evidence.hpp"
#include "filmatlas/text/unicode.hpp"

namespace filmatlas {
namespace detail {

/// Collects the evidence of one node.
class EvidenceMaker {
public:
    EvidenceMaker(const LabelContext& context, const LabelSet& written, Index node,
                  const EvidenceOptions& options)
        : context_(context),
          tree_(context.hierarchy),
          written_(written),
          node_(node),
          options_(options),
          self_(tree_.nodes[static_cast<std::size_t>(node)]),
          members_(tree_.items(node)) {}

    TermSupport phrase_support(std::string_view term) const {
        const std::vector<std::string> stems = label_stems(term);
        std::vector<Index> columns;
        for (const std::string& stem : stems) {
            columns.push_back(context_.find_stem(stem));
            if (columns.back() < 0) return {};
        }
        if (columns.empty()) return {};
        if (columns.size() == 1) return context_.term(node_, columns.front());
        return count_items([&](Index item) {
            return std::all_of(columns.begin(), columns.end(),
                               [&](Index column) { return row_holds(context_.held, item, column); });
        });
    }

    std::vector<EvidenceTerm> keywords() const {
        std::vector<EvidenceTerm> list;
        for (const Keyword& keyword : context_.keywords[static_cast<std::size_t>(node_)]) {
            if (list.size() == static_cast<std::size_t>(options_.keywords)) break;
            std::string term = clean_text(keyword.term);
            if (term.empty()) continue;
            list.push_back({std::move(term), keyword.score, phrase_support(keyword.term), -1});
        }
        return list;
    }

    std::vector<EvidenceTerm> tags() const {
        struct Sum {
            std::int64_t in = 0;
            std::int64_t all = 0;
            double score = 0;
        };
        std::map<std::string, Sum> sums;
        const auto& tags = context_.facts.tags;
        if (tags.empty()) return {};
        for (Index at = 0; at < static_cast<Index>(tree_.order.size()); ++at) {
            const auto item = static_cast<std::size_t>(tree_.order[static_cast<std::size_t>(at)]);
            const bool inside = at >= self_.begin && at < self_.end;
            std::set<std::string_view> seen;
            for (std::size_t t = 0; t < tags[item].size(); ++t) {
                if (!seen.insert(tags[item][t]).second) continue;
                Sum& sum = sums[tags[item][t]];
                ++sum.all;
                sum.in += inside ? 1 : 0;
                if (inside && !context_.facts.tag_scores.empty())
                    sum.score += context_.facts.tag_scores[item][t];
            }
        }
        std::vector<EvidenceTerm> list;
        for (const auto& [tag, sum] : sums) {
            if (sum.in < 2 && self_.size() > 3) continue;
            if (sum.in == 0) continue;
            EvidenceTerm entry;
            entry.term = clean_text(tag);
            entry.support = support_of(sum.in, sum.all - sum.in);
            entry.score = entry.support.p_in * std::log2(entry.support.lift);
            if (entry.term.empty() || entry.support.lift < 1) continue;
            if (!context_.facts.tag_scores.empty())
                entry.mean_score = sum.score / static_cast<double>(sum.in);
            list.push_back(std::move(entry));
        }
        std::stable_sort(list.begin(), list.end(),
                         [](const EvidenceTerm& a, const EvidenceTerm& b) { return a.score > b.score; });
        if (list.size() > static_cast<std::size_t>(options_.tags))
            list.resize(static_cast<std::size_t>(options_.tags));
        return list;
    }

    EvidenceItem item(Index id) const {
        EvidenceItem result;
        result.item = id;
        if (context_.facts.texts.empty() || options_.excerpt == 0) return result;
        const std::string& text = context_.facts.texts[static_cast<std::size_t>(id)];
        std::string shown = clean_text(truncate_utf8(text, 4 * static_cast<std::int64_t>(options_.excerpt)));
        if (options_.mask_titles && !context_.facts.titles.empty()) {
            shown = masked(shown, context_.facts.titles[static_cast<std::size_t>(id)]);
        }
        result.text = shorten_label(shown, options_.excerpt);
        return result;
    }

    std::vector<EvidenceItem> items(const std::vector<std::vector<Index>>& lists, int count) const {
        std::vector<EvidenceItem> result;
        if (lists.empty()) return result;
        for (const Index id : lists[static_cast<std::size_t>(node_)]) {
            if (result.size() == static_cast<std::size_t>(count)) break;
            result.push_back(item(id));
        }
        return result;
    }

    /// The largest of `nodes`, in node order.
    std::vector<EvidenceRelative> relatives(std::vector<Index> nodes, bool with_contrast) const {
        std::stable_sort(nodes.begin(), nodes.end(), [&](Index a, Index b) { return size(a) > size(b); });
        if (nodes.size() > static_cast<std::size_t>(options_.max_relatives)) {
            nodes.resize(static_cast<std::size_t>(options_.max_relatives));
        }
        std::sort(nodes.begin(), nodes.end());
        std::vector<EvidenceRelative> list;
        for (const Index other : nodes) {
            EvidenceRelative entry;
            entry.node = other;
            entry.label = clean_text(written_.text(other));
            entry.size = size(other);
            for (const Keyword& keyword : context_.keywords[static_cast<std::size_t>(other)]) {
                if (entry.keywords.size() == static_cast<std::size_t>(options_.relatives)) break;
                if (std::string term = clean_text(keyword.term); !term.empty())
                    entry.keywords.push_back(std::move(term));
            }
            if (with_contrast) entry.contrast = contrast(other);
            list.push_back(std::move(entry));
        }
        return list;
    }

    /// Words commoner here than in `other`, by z of the log-odds ratio.
    std::vector<Keyword> contrast(Index other) const {
        const auto columns = context_.support.row_indices(node_);
        const auto counts = context_.support.row_values(node_);
        const auto there = context_.support.row_indices(other);
        const auto counts_there = context_.support.row_values(other);
        std::vector<std::pair<double, Index>> order;
        std::size_t at = 0;
        for (std::size_t e = 0; e < columns.size(); ++e) {
            while (at < there.size() && there[at] < columns[e]) ++at;
            const bool shared = at < there.size() && there[at] == columns[e];
            if (label_stop_word(context_.words[static_cast<std::size_t>(columns[e])])) continue;
            const double z = log_odds_z(static_cast<double>(counts[e]), static_cast<double>(self_.size()),
                                        shared ? static_cast<double>(counts_there[at]) : 0.0,
                                        static_cast<double>(size(other)));
            if (z > 0) order.emplace_back(z, columns[e]);
        }
        const std::size_t wanted = std::min(order.size(), static_cast<std::size_t>(options_.contrast));
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted), order.end(),
                          [](const auto& a, const auto& b) {
                              return a.first != b.first ? a.first > b.first : a.second < b.second;
                          });
        std::vector<Keyword> result;
        for (std::size_t i = 0; i < wanted; ++i) {
            result.push_back({context_.words[static_cast<std::size_t>(order[i].second)], order[i].first});
        }
        return result;
    }

    void links(LabelEvidence& evidence) const {
        const Matrix<Index>& neighbors = context_.facts.neighbors;
        if (neighbors.rows() == 0) return;
        const auto level = static_cast<std::size_t>(self_.level);
        const Index first = tree_.level_begin[level];
        const auto begin = tree_.nodes.begin() + first;
        const auto end = tree_.nodes.begin() + tree_.level_begin[level + 1];
        std::vector<Index> place(tree_.order.size());
        for (std::size_t at = 0; at < tree_.order.size(); ++at) {
            place[static_cast<std::size_t>(tree_.order[at])] = static_cast<Index>(at);
        }
        std::map<Index, std::int64_t> to;
        std::int64_t total = 0;
        for (const Index member : members_) {
            for (const Index neighbor : neighbors.row(member)) {
                if (neighbor < 0) continue;
                const Index at = place[static_cast<std::size_t>(neighbor)];
                const auto node = std::upper_bound(
                    begin, end, at, [](Index value, const HierarchyNode& n) { return value < n.end; });
                ++to[static_cast<Index>(node - tree_.nodes.begin())];
                ++total;
            }
        }
        evidence.links_inside =
            total == 0 ? 0.0 : static_cast<double>(to[node_]) / static_cast<double>(total);
        to.erase(node_);
        std::vector<std::pair<Index, std::int64_t>> order(to.begin(), to.end());
        std::stable_sort(order.begin(), order.end(),
                         [](const auto& a, const auto& b) { return a.second > b.second; });
        if (order.size() > 3) order.resize(3);
        for (const auto& [node, count] : order) {
            evidence.links_out.push_back({node, clean_text(written_.text(node)),
                                          static_cast<double>(count) / static_cast<double>(total)});
        }
    }

    void times(LabelEvidence& evidence) const {
        if (context_.facts.times.empty()) return;
        std::vector<double> known;
        for (const Index member : members_) {
            const double t = context_.facts.times[static_cast<std::size_t>(member)];
            if (!std::isnan(t)) known.push_back(t);
        }
        if (known.empty()) return;
        std::sort(known.begin(), known.end());
        evidence.has_times = true;
        evidence.times = {known.front(), known[(known.size() - 1) / 2], known.back()};
    }

    static std::string clean_text(std::string_view text) {
        std::string out;
        bool space = false;
        for (const char32_t c : to_code_points(text)) {
            if (is_space(c)) {
                space = true;
            } else if (!label_hidden(c)) {
                if (space && !out.empty()) out += ' ';
                space = false;
                append_utf8(out, c);
            }
        }
        return out;
    }

private:
    std::int64_t size(Index node) const { return tree_.nodes[static_cast<std::size_t>(node)].size(); }

    TermSupport support_of(std::int64_t in, std::int64_t out) const {
        TermSupport result;
        const auto members = static_cast<double>(self_.size());
        const double outside = static_cast<double>(tree_.num_items()) - members;
        result.support = in;
        result.others = out;
        result.p_in = static_cast<double>(in) / members;
        if (outside > 0) {
            result.p_out = static_cast<double>(out) / outside;
            result.lift = smoothed_lift(static_cast<double>(in), members, static_cast<double>(out), outside);
            result.z = log_odds_z(static_cast<double>(in), members, static_cast<double>(out), outside);
        }
        return result;
    }

    template <class Holds>
    TermSupport count_items(const Holds& holds) const {
        std::int64_t in = 0;
        std::int64_t out = 0;
        for (Index at = 0; at < static_cast<Index>(tree_.order.size()); ++at) {
            if (!holds(tree_.order[static_cast<std::size_t>(at)])) continue;
            ++(at >= self_.begin && at < self_.end ? in : out);
        }
        return support_of(in, out);
    }

    /// The text with runs of words of its title replaced by one ellipsis.
    static std::string masked(const std::string& text, const std::string& title) {
        std::set<std::string> names;
        for (const std::string& word : label_words(title)) {
            if (!label_stop_word(word)) names.insert(word);
        }
        std::string out;
        std::string word;
        bool hidden = false;
        const auto flush = [&] {
            if (word.empty()) return;
            if (!names.contains(fold(word))) {
                out += word;
                hidden = false;
            } else {
                if (!hidden) out += "\u2026";
                hidden = true;
            }
            word.clear();
        };
        for (const char32_t c : to_code_points(text)) {
            if (is_word(c)) {
                append_utf8(word, c);
                continue;
            }
            flush();
            if (!(hidden && c == U' ' && out.ends_with(' '))) append_utf8(out, c);
        }
        flush();
        return out;
    }

    const LabelContext& context_;
    const Hierarchy& tree_;
    const LabelSet& written_;
    Index node_;
    const EvidenceOptions& options_;
    const HierarchyNode& self_;
    std::span<const Index> members_;
};

}  // namespace detail

FILMATLAS_INLINE void validate(const EvidenceOptions& options) {
    const auto whole = [](const char* field, int value, int least) {
        if (value < least) {
            throw_invalid("label_evidence", field, "is " + std::to_string(value),
                          "use " + std::to_string(least) + " or more");
        }
    };
    whole("keywords", options.keywords, 1);
    whole("tags", options.tags, 0);
    whole("relatives", options.relatives, 0);
    whole("max_relatives", options.max_relatives, 0);
    whole("contrast", options.contrast, 0);
    whole("exemplars", options.exemplars, 0);
    whole("borders", options.borders, 0);
    whole("excerpt", options.excerpt, 0);
}

FILMATLAS_INLINE LabelEvidence label_evidence(const LabelContext& context, const LabelSet& written,
                                              Index node, const GateOptions& gates,
                                              const EvidenceOptions& options) {
    validate(options);
    validate(gates);
    const Hierarchy& tree = context.hierarchy;
    if (node < 0 || node >= tree.num_nodes()) {
        throw_invalid("label_evidence", "node", "is " + std::to_string(node),
                      "nodes are 0 .. " + std::to_string(tree.num_nodes() - 1));
    }
    if (written.size() != tree.num_nodes()) {
        throw_shape("label_evidence", "there are " + std::to_string(written.size()) +
                                          " labels, the hierarchy has " + std::to_string(tree.num_nodes()) +
                                          " nodes");
    }
    const HierarchyNode& self = tree.nodes[static_cast<std::size_t>(node)];
    const detail::EvidenceMaker maker(context, written, node, options);
    LabelEvidence evidence;
    evidence.node = node;
    evidence.level = self.level;
    evidence.level_name = tree.level_names[static_cast<std::size_t>(self.level)];
    for (const Index above : tree.path(node)) {
        if (above != node) evidence.path.push_back(maker.clean_text(written.text(above)));
    }
    evidence.words = gates.words_per_level[std::min(gates.words_per_level.size() - 1,
                                                    static_cast<std::size_t>(self.level))];
    evidence.max_characters = gates.max_characters;
    evidence.size = self.size();
    evidence.items = tree.num_items();
    evidence.keywords = maker.keywords();
    evidence.tags = maker.tags();
    evidence.source_names = context.facts.source_names;
    for (const auto& source : context.facts.source_keywords) {
        evidence.source_keywords.emplace_back();
        for (const Keyword& keyword : source[static_cast<std::size_t>(node)]) {
            evidence.source_keywords.back().push_back(maker.clean_text(keyword.term));
        }
    }
    evidence.exemplars = maker.items(context.facts.exemplars, options.exemplars);
    evidence.borders = maker.items(context.facts.borders, options.borders);
    std::vector<Index> siblings;
    if (self.parent >= 0) {
        siblings = tree.children(self.parent);
    } else {
        for (Index other = tree.level_begin[0]; other < tree.level_begin[1]; ++other)
            siblings.push_back(other);
    }
    std::erase(siblings, node);
    evidence.siblings = maker.relatives(std::move(siblings), options.contrast > 0);
    evidence.children = maker.relatives(tree.children(node), false);
    maker.links(evidence);
    maker.times(evidence);
    if (!context.facts.titles.empty()) {
        for (const auto* items : {&evidence.exemplars, &evidence.borders}) {
            for (const EvidenceItem& entry : *items) {
                evidence.titles.push_back(
                    maker.clean_text(context.facts.titles[static_cast<std::size_t>(entry.item)]));
            }
        }
    }
    return evidence;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LABELS_DETAIL_EVIDENCE_IMPL_HPP
