// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_LABEL_CONTEXT_IMPL_HPP
#define FILMATLAS_LABELS_DETAIL_LABEL_CONTEXT_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/keywords/detail/node_counts.hpp"
#include "filmatlas/keywords/detail/word_forms.hpp"
#include "filmatlas/labels/detail/label_words.hpp"
#include "filmatlas/labels/label_context.hpp"
#include "filmatlas/text/unicode.hpp"
#include "filmatlas/text/vocabulary.hpp"

namespace filmatlas {
namespace detail {

/// Rows of ascending columns with the value 1.
class FlagRows {
public:
    FlagRows(std::int64_t rows, std::int64_t cols) {
        matrix_.rows = rows;
        matrix_.cols = cols;
    }
    void add(std::vector<Index>& columns) {
        std::sort(columns.begin(), columns.end());
        columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
        matrix_.indices.insert(matrix_.indices.end(), columns.begin(), columns.end());
        matrix_.values.insert(matrix_.values.end(), columns.size(), 1);
        matrix_.indptr.push_back(matrix_.nnz());
    }
    CsrMatrix<std::int32_t> take() { return std::move(matrix_); }

private:
    CsrMatrix<std::int32_t> matrix_;
};

inline void check_label_facts(const Hierarchy& hierarchy, const LabelFacts& facts) {
    const auto fits = [](const char* name, std::size_t length, std::int64_t wanted, const char* of) {
        if (length == 0 || static_cast<std::int64_t>(length) == wanted) return;
        std::string what =
            std::string(name) + " has " + std::to_string(length) + " entries, the hierarchy has ";
        throw_shape("label_context", what.append(std::to_string(wanted)).append(of));
    };
    const std::int64_t n = hierarchy.num_items();
    fits("tags", facts.tags.size(), n, " items");
    fits("tag_scores", facts.tag_scores.size(), n, " items");
    fits("titles", facts.titles.size(), n, " items");
    fits("times", facts.times.size(), n, " items");
    fits("texts", facts.texts.size(), n, " items");
    fits("exemplars", facts.exemplars.size(), hierarchy.num_nodes(), " nodes");
    fits("borders", facts.borders.size(), hierarchy.num_nodes(), " nodes");
    fits("neighbors", static_cast<std::size_t>(facts.neighbors.rows()), n, " items");
    if (facts.source_names.size() != facts.source_keywords.size()) {
        throw_shape("label_context", "source_names and source_keywords differ in length");
    }
    for (const auto& nodes : facts.source_keywords) {
        if (static_cast<std::int64_t>(nodes.size()) != hierarchy.num_nodes()) {
            throw_shape("label_context", "source_keywords needs one list per node");
        }
    }
    for (std::size_t i = 0; i < facts.tag_scores.size(); ++i) {
        if (i < facts.tags.size() && facts.tag_scores[i].size() == facts.tags[i].size()) continue;
        throw_shape("label_context", "tag_scores of item " + std::to_string(i) + " do not fit its tags");
    }
    for (const auto* lists : {&facts.exemplars, &facts.borders}) {
        for (const std::vector<Index>& list : *lists) {
            for (const Index item : list) {
                if (item >= 0 && item < n) continue;
                throw_invalid("label_context", "exemplars", "there is no item " + std::to_string(item),
                              "items are 0 .. " + std::to_string(n - 1));
            }
        }
    }
    for (const Index neighbor : facts.neighbors.values()) {
        if (neighbor >= -1 && neighbor < n) continue;
        throw_invalid("label_context", "neighbors", "there is no item " + std::to_string(neighbor));
    }
}

inline void collect_titles(LabelContext& context, const CsrMatrix<std::int32_t>& counts,
                           std::span<const std::string> vocabulary) {
    FlagRows titled(context.hierarchy.num_items(), static_cast<std::int64_t>(context.stems.size()));
    std::vector<std::pair<std::string, std::int32_t>> keys;
    std::vector<std::int32_t> items_titled;
    for (const std::string& title : context.facts.titles) {
        std::string key;
        std::int32_t content = 0;
        std::vector<Index> columns;
        for (const std::string& word : label_words(title)) {
            key.append(key.empty() ? "" : " ").append(word);
            if (!label_stop_word(word)) ++content;
            const Index stem = context.find_stem(word_stem(word));
            if (stem >= 0) columns.push_back(stem);
        }
        titled.add(columns);
        if (content > 0) keys.emplace_back(std::move(key), content);
    }
    context.titled = titled.take();
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (auto& [key, content] : keys) {
        context.title_keys.push_back(std::move(key));
        context.title_words.push_back(content);
    }
    // "Serial Killer" may be a title, but where ten other items use the phrase it is plain language.
    std::vector<std::int64_t> frequency(vocabulary.size(), 0);
    for (const Index column : counts.indices) ++frequency[static_cast<std::size_t>(column)];
    for (std::size_t t = 0; t < vocabulary.size(); ++t) {
        if (frequency[t] < 10 || vocabulary[t].find(' ') == std::string::npos) continue;
        std::string key = fold(vocabulary[t]);
        if (std::binary_search(context.title_keys.begin(), context.title_keys.end(), key)) {
            context.common_phrases.push_back(std::move(key));
        }
    }
    std::sort(context.common_phrases.begin(), context.common_phrases.end());
}

}  // namespace detail

FILMATLAS_INLINE std::vector<std::string> label_stems(std::string_view text) {
    std::vector<std::string> stems;
    for (const std::string& word : detail::label_words(text)) {
        if (detail::label_stop_word(word) || (word.size() == 1 && !(word[0] >= '0' && word[0] <= '9')))
            continue;
        std::string stem = detail::word_stem(word);
        if (!stem.empty() && std::find(stems.begin(), stems.end(), stem) == stems.end()) {
            stems.push_back(std::move(stem));
        }
    }
    return stems;
}

FILMATLAS_INLINE Index LabelContext::find_stem(std::string_view stem) const noexcept {
    return find_term(stems, stem);
}

FILMATLAS_INLINE TermSupport LabelContext::term(Index node, Index stem) const {
    const auto columns = support.row_indices(node);
    const auto at = std::lower_bound(columns.begin(), columns.end(), stem);
    TermSupport result;
    if (at != columns.end() && *at == stem) {
        result.support = support.row_values(node)[static_cast<std::size_t>(at - columns.begin())];
    }
    result.others = totals[static_cast<std::size_t>(stem)] - result.support;
    const auto size = static_cast<double>(hierarchy.nodes[static_cast<std::size_t>(node)].size());
    const double outside = static_cast<double>(hierarchy.num_items()) - size;
    result.p_in = static_cast<double>(result.support) / size;
    if (outside > 0) {
        const auto in = static_cast<double>(result.support);
        const auto out = static_cast<double>(result.others);
        result.p_out = out / outside;
        result.lift = detail::smoothed_lift(in, size, out, outside);
        result.z = detail::log_odds_z(in, size, out, outside);
    }
    return result;
}

FILMATLAS_INLINE LabelContext label_context(const Hierarchy& hierarchy, const CsrMatrix<std::int32_t>& counts,
                                            std::span<const std::string> vocabulary,
                                            std::vector<std::vector<Keyword>> keywords, LabelFacts facts,
                                            int num_threads) {
    detail::check_counts_shape("label_context", counts, hierarchy.num_items(), "the hierarchy");
    if (static_cast<std::int64_t>(vocabulary.size()) != counts.cols) {
        throw_shape("label_context", "the counts have " + std::to_string(counts.cols) +
                                         " columns, the vocabulary has " + std::to_string(vocabulary.size()) +
                                         " terms");
    }
    if (static_cast<std::int64_t>(keywords.size()) != hierarchy.num_nodes()) {
        throw_shape("label_context", "there are keywords of " + std::to_string(keywords.size()) +
                                         " nodes, the hierarchy has " +
                                         std::to_string(hierarchy.num_nodes()));
    }
    detail::check_label_facts(hierarchy, facts);

    LabelContext context;
    context.hierarchy = hierarchy;
    context.facts = std::move(facts);
    context.keywords = std::move(keywords);

    // Stems of all words of terms and tags; a stem is shown by the word that occurs most, ties by code point.
    std::vector<std::int64_t> uses(vocabulary.size(), 0);
    for (std::size_t e = 0; e < counts.indices.size(); ++e) {
        uses[static_cast<std::size_t>(counts.indices[e])] += counts.values[e];
    }
    std::map<std::string, std::map<std::string, std::int64_t>> forms;  // stem -> word -> uses
    std::vector<std::vector<std::string>> stems_of_term(vocabulary.size());
    for (std::size_t t = 0; t < vocabulary.size(); ++t) {
        const bool single = vocabulary[t].find(' ') == std::string::npos;
        for (const std::string& word : detail::label_words(vocabulary[t])) {
            std::string stem = detail::word_stem(word);
            if (stem.empty()) continue;
            // Phrases repeat what their words count already.
            forms[stem][single ? vocabulary[t] : word] += single ? uses[t] : 0;
            stems_of_term[t].push_back(std::move(stem));
        }
    }
    std::vector<std::vector<std::string>> stems_of_tags(context.facts.tags.size());
    for (std::size_t i = 0; i < context.facts.tags.size(); ++i) {
        for (const std::string& tag : context.facts.tags[i]) {
            for (const std::string& word : detail::label_words(tag)) {
                if (detail::label_stop_word(word)) continue;
                std::string stem = detail::word_stem(word);
                if (stem.empty()) continue;
                ++forms[stem][word];
                stems_of_tags[i].push_back(std::move(stem));
            }
        }
    }
    for (const auto& [stem, words] : forms) {
        const auto best = std::max_element(words.begin(), words.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        context.stems.push_back(stem);
        context.words.push_back(best->first);
    }
    forms.clear();

    const auto columns_of = [&](const std::vector<std::string>& stems) {
        std::vector<Index> columns;
        for (const std::string& stem : stems) columns.push_back(context.find_stem(stem));
        return columns;
    };
    std::vector<std::vector<Index>> term_columns;
    for (const auto& stems : stems_of_term) term_columns.push_back(columns_of(stems));
    detail::FlagRows held(hierarchy.num_items(), static_cast<std::int64_t>(context.stems.size()));
    for (std::int64_t i = 0; i < counts.rows; ++i) {
        std::vector<Index> columns;
        if (!stems_of_tags.empty()) columns = columns_of(stems_of_tags[static_cast<std::size_t>(i)]);
        const auto terms = counts.row_indices(i);
        const auto values = counts.row_values(i);
        for (std::size_t e = 0; e < terms.size(); ++e) {
            if (values[e] <= 0) continue;
            const auto& more = term_columns[static_cast<std::size_t>(terms[e])];
            columns.insert(columns.end(), more.begin(), more.end());
        }
        held.add(columns);
    }
    context.held = held.take();
    context.totals.assign(context.stems.size(), 0);
    for (const Index column : context.held.indices) ++context.totals[static_cast<std::size_t>(column)];

    context.support.rows = hierarchy.num_nodes();
    context.support.cols = static_cast<std::int64_t>(context.stems.size());
    for (const detail::ClassRow& row : detail::node_rows(context.held, hierarchy, num_threads)) {
        context.support.indices.insert(context.support.indices.end(), row.columns.begin(), row.columns.end());
        context.support.values.insert(context.support.values.end(), row.counts.begin(), row.counts.end());
        context.support.indptr.push_back(context.support.nnz());
    }
    if (!context.facts.titles.empty()) detail::collect_titles(context, counts, vocabulary);
    return context;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LABELS_DETAIL_LABEL_CONTEXT_IMPL_HPP
