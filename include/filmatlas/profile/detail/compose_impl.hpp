// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_DETAIL_COMPOSE_IMPL_HPP
#define FILMATLAS_PROFILE_DETAIL_COMPOSE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <unordered_map>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/utf8.hpp"
#include "filmatlas/profile/compose.hpp"
#include "filmatlas/profile/records.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::int64_t kComposeNoLimit = std::numeric_limits<std::int64_t>::max();

// --- word tokens ---

enum class ComposeCharClass { Separator, Word, Ideograph, Apostrophe };

inline ComposeCharClass compose_char_class(char32_t c) noexcept {
    if (c < 0x80) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_') {
            return ComposeCharClass::Word;
        }
        return c == '\'' ? ComposeCharClass::Apostrophe : ComposeCharClass::Separator;
    }
    if (c == 0x2019) return ComposeCharClass::Apostrophe;
    if (c < 0xC0)
        return c == 0xAA || c == 0xB5 || c == 0xBA ? ComposeCharClass::Word : ComposeCharClass::Separator;
    if (c == 0xD7 || c == 0xF7 || c == 0xFFFD) return ComposeCharClass::Separator;
    if (c == 0x200C || c == 0x200D) return ComposeCharClass::Word;  // joiners inside words
    if ((c >= 0x2000 && c <= 0x2BFF) || (c >= 0x3000 && c <= 0x303F) || (c >= 0xFF00 && c <= 0xFF0F) ||
        (c >= 0xFF1A && c <= 0xFF20) || c == 0xFEFF || (c >= 0x1F000 && c <= 0x1FAFF)) {
        return ComposeCharClass::Separator;
    }
    if ((c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
        (c >= 0x20000 && c <= 0x3FFFF)) {
        return ComposeCharClass::Ideograph;
    }
    return ComposeCharClass::Word;
}

/// Walks word tokens; next() returns the end of each.
class ComposeTokens {
public:
    explicit ComposeTokens(std::string_view text) : text_(text) {}

    /// False when there are no more; else `end` is the byte behind the token.
    bool next(std::size_t& end) noexcept {
        while (at_ < text_.size()) {
            const CodePoint c = decode(at_);
            at_ += static_cast<std::size_t>(c.length);
            const ComposeCharClass kind = compose_char_class(c.value);
            if (kind == ComposeCharClass::Word) skip_word();
            if (kind == ComposeCharClass::Word || kind == ComposeCharClass::Ideograph) {
                end = at_;
                return true;
            }
        }
        return false;
    }

private:
    CodePoint decode(std::size_t position) const noexcept { return decode_utf8(text_, position); }
    bool word_at(std::size_t position) const noexcept {
        return position < text_.size() &&
               compose_char_class(decode(position).value) == ComposeCharClass::Word;
    }
    void skip_word() noexcept {
        while (at_ < text_.size()) {
            const CodePoint c = decode(at_);
            const std::size_t after = at_ + static_cast<std::size_t>(c.length);
            const ComposeCharClass kind = compose_char_class(c.value);
            if (kind != ComposeCharClass::Word && !(kind == ComposeCharClass::Apostrophe && word_at(after)))
                return;
            at_ = after;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

// --- one source of one item ---

/// A stretch of a source's text that is cut as a whole (a tag) or after any word (a text).
struct ComposePiece {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int64_t tokens = 0;
    bool divisible = false;
};

struct ComposeRendered {
    std::string text;
    std::vector<ComposePiece> pieces;
    std::int64_t tokens = 0;
    std::int64_t dropped_tags = 0;
};

inline bool compose_ends_sentence(std::string_view text) noexcept {
    for (const std::string_view mark : {".", "!", "?", ":", ";", "\xE2\x80\xA6", "\xE3\x80\x82"}) {
        if (text.ends_with(mark)) return true;
    }
    return text.ends_with(".\"") || text.ends_with("!\"") || text.ends_with("?\"") || text.ends_with(".)");
}

/// Mean score of each tag over the items that have the column.
using ComposeMeans = std::unordered_map<std::string_view, double>;

inline ComposeMeans compose_tag_means(const Column& column) {
    ComposeMeans sums;
    std::int64_t items = 0;
    for (const auto& tags : column.scored_tags) {
        if (!tags.empty()) ++items;
        for (const ScoredTag& tag : tags) sums[tag.tag] += tag.score;
    }
    for (auto& [tag, sum] : sums) sum /= static_cast<double>(std::max<std::int64_t>(items, 1));
    return sums;
}

struct ComposeColumn {
    const Column* column = nullptr;
    ComposeMeans means;  // only when the source asks for lift
};

/// Tags of one cell that the source keeps, in its order.
inline std::vector<std::string_view> compose_tags(const ComposeColumn& source_column, const Source& source,
                                                  std::size_t row, std::int64_t& dropped) {
    const Column& column = *source_column.column;
    std::vector<std::string_view> kept;
    std::size_t present = 0;
    if (column.kind == ColumnKind::Tags) {
        present = column.tags[row].size();
        kept.assign(column.tags[row].begin(), column.tags[row].end());
    } else {
        const std::vector<ScoredTag>& tags = column.scored_tags[row];
        present = tags.size();
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < tags.size(); ++i) {
            if (tags[i].score < source.min_score) continue;
            if (source.min_lift > 0 && tags[i].score < source.min_lift * source_column.means.at(tags[i].tag))
                continue;
            order.push_back(i);
        }
        std::stable_sort(order.begin(), order.end(),
                         [&tags](std::size_t a, std::size_t b) { return tags[a].score > tags[b].score; });
        for (const std::size_t i : order) kept.push_back(tags[i].tag);
    }
    if (source.max_items > 0 && static_cast<std::int64_t>(kept.size()) > source.max_items) {
        kept.resize(static_cast<std::size_t>(source.max_items));
    }
    dropped += static_cast<std::int64_t>(present - kept.size());
    return kept;
}

inline ComposeRendered compose_render(const std::vector<ComposeColumn>& columns, const Source& source,
                                      std::size_t row) {
    ComposeRendered out;
    const auto add = [&out](std::string_view joint, std::string_view text, bool divisible) {
        out.text += joint;
        ComposePiece piece{out.text.size(), out.text.size() + text.size(), count_tokens(text), divisible};
        out.text += text;
        out.tokens += piece.tokens;
        out.pieces.push_back(piece);
    };
    for (const ComposeColumn& entry : columns) {
        const Column& column = *entry.column;
        if (column.missing(static_cast<std::int64_t>(row))) continue;
        std::string_view joint = out.text.empty() ? "" : compose_ends_sentence(out.text) ? " " : ". ";
        if (column.kind == ColumnKind::Tags || column.kind == ColumnKind::ScoredTags) {
            for (const std::string_view tag : compose_tags(entry, source, row, out.dropped_tags)) {
                add(joint, tag, false);
                joint = ", ";
            }
        } else if (column.kind == ColumnKind::Number) {
            add(joint, number_text(column.numbers[row]), false);
        } else {
            add(joint, column.text[row], true);
        }
    }
    return out;
}

/// Where a budget cuts a rendered source.
struct ComposeCut {
    std::size_t bytes = 0;
    std::int64_t tokens = 0;
};

inline ComposeCut compose_cut(const ComposeRendered& rendered, std::int64_t budget) {
    if (rendered.tokens <= budget) return {rendered.text.size(), rendered.tokens};
    ComposeCut cut;
    for (const ComposePiece& piece : rendered.pieces) {
        if (cut.tokens + piece.tokens <= budget) {
            cut = {piece.end, cut.tokens + piece.tokens};
            continue;
        }
        if (piece.divisible && cut.tokens < budget) {
            ComposeTokens tokens(
                std::string_view(rendered.text).substr(piece.begin, piece.end - piece.begin));
            std::size_t end = 0;
            while (cut.tokens < budget && tokens.next(end)) {
                cut = {piece.begin + end, cut.tokens + 1};
            }
        }
        break;
    }
    if (cut.tokens == 0) cut.bytes = 0;  // punctuation alone is no text
    return cut;
}

/// Shares `budget` among needs in proportion to weights; what one does not need goes to the others.
inline std::vector<std::int64_t> compose_grants(const std::vector<std::int64_t>& needs,
                                                const std::vector<double>& weights, std::int64_t budget) {
    std::vector<std::size_t> order(needs.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Those who need least per weight are served first: whatever they leave is then known. Weight 0 comes
    // last.
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if ((weights[a] == 0) != (weights[b] == 0)) return weights[b] == 0;
        return static_cast<double>(needs[a]) * weights[b] < static_cast<double>(needs[b]) * weights[a];
    });
    double weight_left = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<std::int64_t> grants(needs.size(), 0);
    for (std::size_t place = 0; place < order.size(); ++place) {
        const std::size_t s = order[place];
        const bool last = place + 1 == order.size() || weights[order[place + 1]] == 0;
        std::int64_t share = budget;
        if (weights[s] > 0 && !last) {
            share = static_cast<std::int64_t>(
                std::floor(static_cast<double>(budget) * (weights[s] / weight_left)));
        }
        grants[s] = std::min(needs[s], std::clamp<std::int64_t>(share, 0, budget));
        budget -= grants[s];
        weight_left -= weights[s];
    }
    return grants;
}

// --- checks ---

inline void compose_check_source(const Records& records, const Source& source,
                                 const ComposeOptions& options) {
    const std::string field = "source '" + excerpt(source.name) + "'";
    const auto refuse = [&](std::string what, std::string remedy) {
        throw_invalid("compose_profiles", field, std::move(what), std::move(remedy));
    };
    if (source.name.empty()) refuse("has no name", "name every source");
    if (!(source.weight >= 0) || std::isinf(source.weight)) {
        refuse("weight is " + to_text(source.weight), "weights are 0 or more");
    }
    if (source.max_tokens < 0)
        refuse("max_tokens is " + std::to_string(source.max_tokens), "use 0 for no limit");
    if (source.max_items < 0) refuse("max_items is " + std::to_string(source.max_items), "use 0 for all");
    if (!std::isfinite(source.min_score)) refuse("min_score is " + to_text(source.min_score), "use a number");
    if (!(source.min_lift >= 0) || std::isinf(source.min_lift)) {
        refuse("min_lift is " + to_text(source.min_lift), "use 0 for no threshold");
    }
    std::set<std::string_view> seen;
    for (const std::string& name :
         source.columns.empty() ? std::vector<std::string>{source.name} : source.columns) {
        if (!options.include_titles && name == options.title_column) {
            refuse("reads the title column '" + excerpt(name) +
                       "', which names the item and so leaks its identity",
                   "leave it out, or set include_titles");
        }
        const Column* column = records.find(name);
        if (column == nullptr) {
            std::string present;
            for (const Column& known : records.columns) append_item(present, excerpt(known.name));
            refuse("no column is called '" + excerpt(name) + "'", "columns are: " + present);
        } else if (column->kind == ColumnKind::Link) {
            refuse("reads the link column '" + excerpt(name) + "'", "links are no text");
        }
        if (!seen.insert(name).second)
            refuse("reads column '" + excerpt(name) + "' twice", "use weights instead");
    }
}

inline void compose_check(const Records& records, const std::vector<Source>& sources,
                          const ComposeOptions& options) {
    if (sources.empty()) throw_invalid("compose_profiles", "sources", "is empty", "see default_sources");
    if (options.max_tokens < 0) {
        throw_invalid("compose_profiles", "max_tokens", "is " + std::to_string(options.max_tokens),
                      "use 0 for no limit");
    }
    std::set<std::string_view> names;
    double total = 0;
    for (const Source& source : sources) {
        compose_check_source(records, source, options);
        if (!names.insert(source.name).second) {
            throw_invalid("compose_profiles", "sources", "two are called '" + excerpt(source.name) + "'",
                          "give each a name of its own");
        }
        total += source.weight;
    }
    if (!(total > 0) || std::isinf(total)) {
        throw_invalid("compose_profiles", "sources", "the weights sum to " + to_text(total),
                      "give one a positive weight");
    }
    for (const Column& column : records.columns) {
        if (column.size() != records.size()) {
            throw_shape("compose_profiles", "column '" + excerpt(column.name) + "' has " +
                                                std::to_string(column.size()) + " rows, the records " +
                                                std::to_string(records.size()));
        }
    }
}

/// Everything about one item; writes to its own places of `out` only.
inline void compose_item(const std::vector<std::vector<ComposeColumn>>& columns,
                         const std::vector<Source>& sources, const ComposeOptions& options, std::size_t i,
                         Profiles& out, Matrix<std::int64_t>& dropped) {
    const std::size_t num_sources = sources.size();
    std::vector<ComposeRendered> rendered(num_sources);
    std::vector<ComposeCut> cuts(num_sources);
    std::vector<std::int64_t> needs(num_sources, 0);
    std::vector<double> weights(num_sources, 0);
    std::int64_t budget = options.max_tokens == 0 ? kComposeNoLimit : options.max_tokens;
    for (std::size_t s = 0; s < num_sources; ++s) {
        rendered[s] = compose_render(columns[s], sources[s], i);
        cuts[s] =
            compose_cut(rendered[s], sources[s].max_tokens == 0 ? kComposeNoLimit : sources[s].max_tokens);
        out.source_texts[s][i] = rendered[s].text.substr(0, cuts[s].bytes);
        dropped(static_cast<std::int64_t>(i), static_cast<std::int64_t>(s)) = rendered[s].dropped_tags;
        if (cuts[s].bytes == 0) continue;
        needs[s] = cuts[s].tokens;
        weights[s] = sources[s].weight;
        if (options.max_tokens > 0)
            budget -= count_tokens(sources[s].prefix) + count_tokens(sources[s].suffix);
    }
    if (options.max_tokens > 0) {
        const std::vector<std::int64_t> grants =
            compose_grants(needs, weights, std::max<std::int64_t>(budget, 0));
        for (std::size_t s = 0; s < num_sources; ++s) {
            if (grants[s] < cuts[s].tokens) cuts[s] = compose_cut(rendered[s], grants[s]);
        }
    }
    std::string& text = out.texts[i];
    for (std::size_t s = 0; s < num_sources; ++s) {
        const auto row = static_cast<std::int64_t>(i);
        const auto col = static_cast<std::int64_t>(s);
        out.kept_tokens(row, col) = static_cast<Index>(cuts[s].tokens);
        out.cut_tokens(row, col) = static_cast<Index>(rendered[s].tokens - cuts[s].tokens);
        if (cuts[s].bytes == 0) continue;
        if (!text.empty()) text += options.separator;
        text += sources[s].prefix;
        const std::size_t begin = text.size();
        text.append(rendered[s].text, 0, cuts[s].bytes);
        if (text.size() > static_cast<std::size_t>(std::numeric_limits<Index>::max())) {
            throw Error(ErrorCode::Memory, ErrorContext{"compose_profiles", {}, row, sources[s].name, -1},
                        "a profile exceeds 2 GiB", "set max_tokens");
        }
        out.spans[i].push_back(
            {static_cast<Index>(s), static_cast<Index>(begin), static_cast<Index>(text.size())});
        text += sources[s].suffix;
    }
}

inline bool compose_is_identity(std::string_view column_name) {
    std::string name(column_name);
    for (char& c : name) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return name == "id" || name.ends_with("_id") || name == "title" || name == "name" ||
           name.ends_with("_title") || name.ends_with("_name") || name.starts_with("title_");
}

inline double compose_mean_length(const Column& column) {
    std::int64_t present = 0;
    std::int64_t characters = 0;
    for (const std::string& text : column.text) {
        if (text.empty()) continue;
        ++present;
        for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    }
    return present == 0 ? 0 : static_cast<double>(characters) / static_cast<double>(present);
}

inline bool compose_has_values(const Column& column) {
    for (std::int64_t i = 0; i < column.size(); ++i) {
        if (!column.missing(i)) return true;
    }
    return false;
}

}  // namespace detail

FILMATLAS_INLINE std::int64_t count_tokens(std::string_view text) noexcept {
    detail::ComposeTokens tokens(text);
    std::int64_t count = 0;
    for (std::size_t end = 0; tokens.next(end);) ++count;
    return count;
}

FILMATLAS_INLINE Profiles compose_profiles(const Records& records, const std::vector<Source>& sources,
                                           const ComposeOptions& options) {
    detail::compose_check(records, sources, options);
    const std::int64_t n = records.size();
    const auto num_sources = static_cast<std::int64_t>(sources.size());

    std::vector<std::vector<detail::ComposeColumn>> columns(sources.size());
    double total_weight = 0;
    for (std::size_t s = 0; s < sources.size(); ++s) {
        const Source& source = sources[s];
        total_weight += source.weight;
        for (const std::string& name :
             source.columns.empty() ? std::vector<std::string>{source.name} : source.columns) {
            detail::ComposeColumn entry;
            entry.column = records.find(name);
            if (source.min_lift > 0 && entry.column->kind == ColumnKind::ScoredTags) {
                entry.means = detail::compose_tag_means(*entry.column);
            }
            columns[s].push_back(std::move(entry));
        }
    }

    Profiles out;
    out.texts.resize(records.ids.size());
    out.spans.resize(records.ids.size());
    out.source_texts.assign(sources.size(), std::vector<std::string>(records.ids.size()));
    out.kept_tokens = Matrix<Index>(n, num_sources);
    out.cut_tokens = Matrix<Index>(n, num_sources);
    Matrix<std::int64_t> dropped(n, num_sources);
    parallel_for(n, 64, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            detail::compose_item(columns, sources, options, static_cast<std::size_t>(i), out, dropped);
        }
    });

    std::int64_t all_tokens = 0;
    for (std::int64_t s = 0; s < num_sources; ++s) {
        const auto at = static_cast<std::size_t>(s);
        SourceShare share;
        share.name = sources[at].name;
        share.weight = sources[at].weight / total_weight;
        for (std::int64_t i = 0; i < n; ++i) {
            share.items += out.source_texts[at][static_cast<std::size_t>(i)].empty() ? 0 : 1;
            share.kept_tokens += out.kept_tokens(i, s);
            share.cut_tokens += out.cut_tokens(i, s);
            share.cut_items += out.cut_tokens(i, s) > 0 ? 1 : 0;
            share.dropped_tags += dropped(i, s);
        }
        all_tokens += share.kept_tokens;
        out.source_names.push_back(share.name);
        out.source_weights.push_back(share.weight);
        out.report.push_back(std::move(share));
    }
    for (SourceShare& share : out.report) {
        if (all_tokens > 0)
            share.token_share = static_cast<double>(share.kept_tokens) / static_cast<double>(all_tokens);
        out.dominance = std::max(out.dominance, share.token_share);
    }
    return out;
}

FILMATLAS_INLINE std::vector<Source> default_sources(const Records& records) {
    constexpr std::int64_t kTokens = 160;
    constexpr double kLongText = 20;
    std::vector<Source> sources;
    const auto add = [&](ColumnKind kind, const char* suffix) {
        for (const Column& column : records.columns) {
            if (column.kind != kind || !column.is_public || detail::compose_is_identity(column.name))
                continue;
            if (kind == ColumnKind::Text ? detail::compose_mean_length(column) < kLongText
                                         : !detail::compose_has_values(column)) {
                continue;
            }
            Source source;
            source.name = column.name;
            source.max_tokens = kTokens;
            source.suffix = suffix;
            sources.push_back(std::move(source));
        }
    };
    add(ColumnKind::ScoredTags, ".");
    add(ColumnKind::Tags, ".");
    add(ColumnKind::Text, "");
    return sources;
}

}  // namespace filmatlas
#endif  // FILMATLAS_PROFILE_DETAIL_COMPOSE_IMPL_HPP
