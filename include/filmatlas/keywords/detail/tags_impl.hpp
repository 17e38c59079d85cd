// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_TAGS_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_TAGS_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/keywords/detail/node_counts.hpp"
#include "filmatlas/keywords/tags.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/text/vocabulary.hpp"

namespace filmatlas {

FILMATLAS_INLINE void validate(const TagOptions& options) {
    if (options.top_n < 1)
        throw_invalid("tag_lift", "top_n", "is " + std::to_string(options.top_n), "use 1 or more");
    if (options.min_support < 1) {
        throw_invalid("tag_lift", "min_support", "is " + std::to_string(options.min_support),
                      "use 1 or more");
    }
    if (!(options.min_lift >= 0) || !std::isfinite(options.min_lift)) {
        throw_invalid("tag_lift", "min_lift", "is " + to_text(options.min_lift),
                      "use a finite number of at least 0");
    }
}

FILMATLAS_INLINE std::vector<std::vector<TagLift>> tag_lift(std::span<const std::vector<std::string>> tags,
                                                            const Hierarchy& hierarchy,
                                                            const TagOptions& options,
                                                            std::span<const std::vector<double>> scores) {
    validate(options);
    for (std::size_t i = 0; i < (scores.empty() ? 0 : tags.size()); ++i) {
        if (scores.size() == tags.size() && scores[i].size() == tags[i].size()) continue;
        throw_shape("tag_lift", "item " + std::to_string(i) + " has not as many scores as tags", "give one per tag");
    }
    if (static_cast<std::int64_t>(tags.size()) != hierarchy.num_items()) {
        throw_shape("tag_lift", "there are tags of " + std::to_string(tags.size()) +
                                    " items, the hierarchy has " + std::to_string(hierarchy.num_items()));
    }
    std::vector<std::string> vocabulary;
    for (const std::vector<std::string>& item : tags) {
        for (const std::string& tag : item) {
            if (!tag.empty()) vocabulary.push_back(tag);
        }
    }
    std::sort(vocabulary.begin(), vocabulary.end());
    vocabulary.erase(std::unique(vocabulary.begin(), vocabulary.end()), vocabulary.end());

    CsrMatrix<std::int32_t> held;
    held.rows = hierarchy.num_items();
    held.cols = static_cast<std::int64_t>(vocabulary.size());
    std::vector<std::int64_t> total(vocabulary.size(), 0);
    std::vector<double> score_of;  // of each entry of `held`
    std::vector<std::pair<Index, std::size_t>> columns;  // and the place in the item's list
    for (std::size_t i = 0; i < tags.size(); ++i) {
        columns.clear();
        for (std::size_t t = 0; t < tags[i].size(); ++t) {
            if (!tags[i][t].empty()) columns.emplace_back(find_term(vocabulary, tags[i][t]), t);
        }
        std::sort(columns.begin(), columns.end());
        columns.erase(std::unique(columns.begin(), columns.end(),
                                  [](const auto& a, const auto& b) { return a.first == b.first; }),
                      columns.end());
        for (const auto& [column, place] : columns) {
            ++total[static_cast<std::size_t>(column)];
            held.indices.push_back(column);
            held.values.push_back(1);
            if (!scores.empty()) score_of.push_back(scores[i][place]);
        }
        held.indptr.push_back(held.nnz());
    }

    const std::vector<detail::ClassRow> rows = detail::node_rows(held, hierarchy, 1);
    std::vector<std::vector<TagLift>> result(hierarchy.nodes.size());
    for (std::size_t node = 0; node < rows.size(); ++node) {
        const std::int64_t size = hierarchy.nodes[node].size();
        const std::int64_t outside = hierarchy.num_items() - size;
        std::vector<TagLift>& list = result[node];
        for (std::size_t e = 0; e < rows[node].columns.size(); ++e) {
            const auto tag = static_cast<std::size_t>(rows[node].columns[e]);
            TagLift entry;
            entry.support = rows[node].items[e];
            if (entry.support < options.min_support) continue;
            const auto others = static_cast<double>(total[tag] - entry.support);
            const double inside =
                (static_cast<double>(entry.support) + 0.5) / (static_cast<double>(size) + 1.0);
            entry.p_in = static_cast<double>(entry.support) / static_cast<double>(size);
            if (outside > 0) {
                entry.p_out = others / static_cast<double>(outside);
                entry.lift = inside / ((others + 0.5) / (static_cast<double>(outside) + 1.0));
                entry.score = inside * std::log2(entry.lift);
            } else {
                entry.lift = 1;
                entry.score = inside;
            }
            if (entry.lift < options.min_lift) continue;
            entry.tag = vocabulary[tag];
            list.push_back(std::move(entry));
        }
        std::stable_sort(list.begin(), list.end(),
                         [](const TagLift& a, const TagLift& b) { return a.score > b.score; });
        if (list.size() > static_cast<std::size_t>(options.top_n))
            list.resize(static_cast<std::size_t>(options.top_n));
        if (scores.empty()) continue;
        std::vector<double> sums(vocabulary.size(), 0.0);
        for (const Index item : hierarchy.items(static_cast<Index>(node))) {
            for (auto e = static_cast<std::size_t>(held.indptr[static_cast<std::size_t>(item)]);
                 e < static_cast<std::size_t>(held.indptr[static_cast<std::size_t>(item) + 1]); ++e) {
                sums[static_cast<std::size_t>(held.indices[e])] += score_of[e];
            }
        }
        for (TagLift& entry : list) {
            entry.mean_score = sums[static_cast<std::size_t>(find_term(vocabulary, entry.tag))] /
                               static_cast<double>(entry.support);
        }
    }
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_TAGS_IMPL_HPP
