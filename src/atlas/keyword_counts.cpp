// SPDX-License-Identifier: MIT
#include "keyword_counts.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace filmatlas::detail {
namespace {

enum class Part { Texts, Tags };

bool belongs(const Column& column, Part part) {
    if (!column.is_public) return false;
    const bool tags = column.kind == ColumnKind::Tags || column.kind == ColumnKind::ScoredTags;
    return tags == (part == Part::Tags);
}

/// A word character between the words of a tag makes it one token.
std::string join_words(std::string tag) {
    std::replace_if(tag.begin(), tag.end(), [](char c) { return c == ' ' || c == '-' || c == '\''; }, '_');
    return tag;
}

/// The profile texts of the sources' columns of one part; empty where the sources have none.
std::vector<std::string> texts_of(const Records& records, const std::vector<Source>& sources,
                                  const ComposeOptions& compose, Part part) {
    Records selected;
    selected.ids = records.ids;
    std::vector<Source> reduced;
    for (const Source& source : sources) {
        Source copy = source;
        copy.columns.clear();
        copy.prefix.clear();
        copy.suffix.clear();
        const std::vector<std::string> own = {source.name};
        for (const std::string& name : source.columns.empty() ? own : source.columns) {
            const Column& column = records.column(name);
            if (!belongs(column, part)) continue;
            copy.columns.push_back(name);
            if (selected.find(name) != nullptr) continue;
            selected.columns.push_back(column);
            Column& taken = selected.columns.back();
            for (auto& list : taken.tags) {
                for (std::string& tag : list) tag = join_words(std::move(tag));
            }
            for (auto& list : taken.scored_tags) {
                for (ScoredTag& tag : list) tag.tag = join_words(std::move(tag.tag));
            }
        }
        if (!copy.columns.empty()) reduced.push_back(std::move(copy));
    }
    if (reduced.empty()) return {};
    return compose_profiles(selected, reduced, compose).texts;
}

/// Adds the counts of `b` to those of `a`; underscores in `b`'s terms become spaces again.
CountResult add_counts(CountResult a, const CountResult& b) {
    std::map<std::string, Index> merged;
    std::vector<std::string> names_b = b.vocabulary;
    for (std::string& name : names_b) std::replace(name.begin(), name.end(), '_', ' ');
    for (const std::string& term : a.vocabulary) merged.emplace(term, 0);
    for (const std::string& term : names_b) merged.emplace(term, 0);
    CountResult sum;
    for (auto& [term, id] : merged) {
        id = static_cast<Index>(sum.vocabulary.size());
        sum.vocabulary.push_back(term);
    }
    std::vector<Index> from_a, from_b;
    for (const std::string& term : a.vocabulary) from_a.push_back(merged.at(term));
    for (const std::string& term : names_b) from_b.push_back(merged.at(term));

    sum.counts.rows = a.counts.rows;
    sum.counts.cols = static_cast<std::int64_t>(sum.vocabulary.size());
    std::vector<std::pair<Index, std::int32_t>> row;
    for (std::int64_t i = 0; i < a.counts.rows; ++i) {
        row.clear();
        const auto take = [&](const CsrMatrix<std::int32_t>& counts, const std::vector<Index>& ids) {
            const auto indices = counts.row_indices(i);
            const auto values = counts.row_values(i);
            for (std::size_t j = 0; j < indices.size(); ++j) {
                row.emplace_back(ids[static_cast<std::size_t>(indices[j])], values[j]);
            }
        };
        take(a.counts, from_a);
        take(b.counts, from_b);
        std::sort(row.begin(), row.end());
        for (const auto& [id, count] : row) {
            if (!sum.counts.indices.empty() && sum.counts.indices.back() == id &&
                sum.counts.nnz() > sum.counts.indptr.back()) {
                sum.counts.values.back() += count;
            } else {
                sum.counts.indices.push_back(id);
                sum.counts.values.push_back(count);
            }
        }
        sum.counts.indptr.push_back(sum.counts.nnz());
    }
    return sum;
}

}  // namespace

CountResult count_keyword_terms(const Records& records, const std::vector<Source>& sources,
                                const ComposeOptions& compose, const CountOptions& counting,
                                const Progress& progress) {
    const std::vector<std::string> none(static_cast<std::size_t>(records.size()));
    const auto counted = [&](Part part, const CountOptions& options) {
        std::vector<std::string> texts = texts_of(records, sources, compose, part);
        return count_terms(texts.empty() ? none : texts, options, progress);
    };
    CountOptions pairs = counting;
    pairs.tokens.ngram_max = std::max(counting.tokens.ngram_max, 2);
    CountOptions whole = counting;
    whole.tokens.ngram_max = 1;
    return add_counts(counted(Part::Texts, pairs), counted(Part::Tags, whole));
}

}  // namespace filmatlas::detail
