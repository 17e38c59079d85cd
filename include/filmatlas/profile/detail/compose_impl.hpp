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

/// Walks word tokens, and with `marks` punctuation too; next() returns the end of each.
class ComposeTokens {
public:
    explicit ComposeTokens(std::string_view text, bool marks = false) : text_(text), marks_(marks) {}

    /// False when there are no more; else the unit is at bytes [begin(), end).
    bool next(std::size_t& end) noexcept {
        while (at_ < text_.size()) {
            const CodePoint c = decode(at_);
            begin_ = at_;
            at_ += static_cast<std::size_t>(c.length);
            const ComposeCharClass kind = compose_char_class(c.value);
            if (kind == ComposeCharClass::Word) skip_word();
            const bool mark = kind != ComposeCharClass::Word && kind != ComposeCharClass::Ideograph;
            if (!mark || (marks_ && c.value > U' ' && c.value != 0xA0 && c.value != 0x3000)) {
                end = at_;
                return true;
            }
        }
        return false;
    }
    std::size_t begin() const noexcept { return begin_; }

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
    bool marks_;
    std::size_t begin_ = 0;
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
                                      std::size_t row, const TokenCost& cost) {
    ComposeRendered out;
    const auto add = [&](std::string_view joint, std::string_view text, bool divisible) {
        out.text += joint;
        out.tokens += cost ? count_tokens(joint, cost) : 0;  // the comma between tags, the closing full stop
        ComposePiece piece{out.text.size(), out.text.size() + text.size(), count_tokens(text, cost),
                           divisible};
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

inline ComposeCut compose_cut(const ComposeRendered& rendered, std::int64_t budget, const TokenCost& cost) {
    if (rendered.tokens <= budget) return {rendered.text.size(), rendered.tokens};
    ComposeCut cut;
    const std::string_view text = rendered.text;
    for (const ComposePiece& piece : rendered.pieces) {
        const std::int64_t joint =
            cost ? count_tokens(text.substr(cut.bytes, piece.begin - cut.bytes), cost) : std::int64_t{0};
        if (cut.tokens + joint + piece.tokens <= budget) {
            cut = {piece.end, cut.tokens + joint + piece.tokens};
            continue;
        }
        if (piece.divisible && cut.tokens + joint < budget) {
            const std::string_view whole = text.substr(piece.begin, piece.end - piece.begin);
            ComposeTokens tokens(whole, static_cast<bool>(cost));
            std::int64_t used = cut.tokens + joint;
            for (std::size_t end = 0; tokens.next(end);) {
                used += cost ? cost(whole.substr(tokens.begin(), end - tokens.begin())) : std::int64_t{1};
                if (used > budget) break;
                cut = {piece.begin + end, used};
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

/// The stretches of a source's text without the sentences of three words or more that are in `said`; adds its
/// own to it. What is left out counts in `repeated`.
inline std::vector<ComposePiece> compose_new_sentences(std::string_view text, const TokenCost& cost,
                                                       std::set<std::string>& said, std::int64_t& repeated) {
    std::vector<ComposePiece> kept;
    std::vector<std::string> own;
    for (std::size_t begin = 0; begin < text.size();) {
        // A sentence ends behind a closing mark that a blank follows; it keeps that blank.
        std::size_t end = begin;
        while (end < text.size() &&
               !(text[end] == ' ' && end > begin && compose_ends_sentence(text.substr(begin, end - begin))))
            ++end;
        end = std::min(end + 1, text.size());
        const std::string_view sentence = text.substr(begin, end - begin);
        std::string key;
        std::int64_t words = 0;
        ComposeTokens tokens(sentence);
        for (std::size_t stop = 0; tokens.next(stop); ++words) {
            for (const char c : sentence.substr(tokens.begin(), stop - tokens.begin()))
                key += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            key += ' ';
        }
        if (words >= 3 && said.contains(key)) {
            repeated += count_tokens(sentence, cost);
        } else {
            if (!kept.empty() && kept.back().end == begin) {
                kept.back().end = end;
            } else {
                kept.push_back({begin, end, 0, false});
            }
            if (words >= 3) own.push_back(std::move(key));
        }
        begin = end;
    }
    said.insert(own.begin(), own.end());
    if (!kept.empty() && kept.back().end < text.size()) {  // no blank before what follows the source
        while (kept.back().end > kept.back().begin && text[kept.back().end - 1] == ' ') --kept.back().end;
    }
    return kept;
}

/// Everything about one item; writes to its own places of `out` only.
inline void compose_item(const std::vector<std::vector<ComposeColumn>>& columns,
                         const std::vector<Source>& sources, const ComposeOptions& options, std::size_t i,
                         Profiles& out, Matrix<std::int64_t>& dropped, Matrix<std::int64_t>& repeated) {
    const std::size_t num_sources = sources.size();
    std::vector<ComposeRendered> rendered(num_sources);
    std::vector<ComposeCut> cuts(num_sources);
    std::vector<std::int64_t> needs(num_sources, 0);
    std::vector<double> weights(num_sources, 0);
    std::int64_t budget = options.max_tokens == 0 ? kComposeNoLimit : options.max_tokens;
    for (std::size_t s = 0; s < num_sources; ++s) {
        rendered[s] = compose_render(columns[s], sources[s], i, options.token_cost);
        cuts[s] =
            compose_cut(rendered[s], sources[s].max_tokens == 0 ? kComposeNoLimit : sources[s].max_tokens,
                        options.token_cost);
        out.source_texts[s][i] = rendered[s].text.substr(0, cuts[s].bytes);
        dropped(static_cast<std::int64_t>(i), static_cast<std::int64_t>(s)) = rendered[s].dropped_tags;
        if (cuts[s].bytes == 0) {
            if (options.max_tokens > 0) budget -= count_tokens(sources[s].missing, options.token_cost);
            continue;
        }
        needs[s] = cuts[s].tokens;
        weights[s] = sources[s].weight;
        if (options.max_tokens > 0)
            budget -= count_tokens(sources[s].prefix, options.token_cost) +
                      count_tokens(sources[s].suffix, options.token_cost);
    }
    if (options.max_tokens > 0) {
        const std::vector<std::int64_t> grants =
            compose_grants(needs, weights, std::max<std::int64_t>(budget, 0));
        for (std::size_t s = 0; s < num_sources; ++s) {
            if (grants[s] < cuts[s].tokens) cuts[s] = compose_cut(rendered[s], grants[s], options.token_cost);
        }
    }
    std::string& text = out.texts[i];
    std::set<std::string> said;  // sentences of the sources so far
    for (std::size_t s = 0; s < num_sources; ++s) {
        const auto row = static_cast<std::int64_t>(i);
        const auto col = static_cast<std::int64_t>(s);
        out.kept_tokens(row, col) = static_cast<Index>(cuts[s].tokens);
        out.cut_tokens(row, col) = static_cast<Index>(rendered[s].tokens - cuts[s].tokens);
        if (out.source_texts[s][i].empty() && !sources[s].missing.empty()) {
            if (!text.empty()) text += options.separator;
            text += sources[s].missing;
        }
        if (cuts[s].bytes == 0) continue;
        const std::string_view whole = std::string_view(rendered[s].text).substr(0, cuts[s].bytes);
        std::vector<ComposePiece> kept{{0, whole.size(), cuts[s].tokens, false}};
        if (options.drop_repeated_sentences) {
            kept = compose_new_sentences(whole, options.token_cost, said, repeated(row, col));
            out.kept_tokens(row, col) -= static_cast<Index>(repeated(row, col));
            if (kept.empty()) continue;
        }
        if (!text.empty()) text += options.separator;
        text += sources[s].prefix;
        for (const ComposePiece& piece : kept) {
            const std::size_t begin = text.size();
            text.append(whole, piece.begin, piece.end - piece.begin);
            out.spans[i].push_back(
                {static_cast<Index>(s), static_cast<Index>(begin), static_cast<Index>(text.size())});
        }
        if (text.size() > static_cast<std::size_t>(std::numeric_limits<Index>::max())) {
            throw Error(ErrorCode::Memory, ErrorContext{"compose_profiles", {}, row, sources[s].name, -1},
                        "a profile exceeds 2 GiB", "set max_tokens");
        }
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

FILMATLAS_INLINE std::int64_t count_tokens(std::string_view text, const TokenCost& cost) {
    if (!cost) return count_tokens(text);
    detail::ComposeTokens tokens(text, true);
    std::int64_t count = 0;
    for (std::size_t end = 0; tokens.next(end);)
        count += cost(text.substr(tokens.begin(), end - tokens.begin()));
    return count;
}

FILMATLAS_INLINE std::int64_t word_piece_estimate(std::string_view unit) noexcept {
    std::int64_t letters = 0;
    std::int64_t digits = 0;
    std::int64_t others = 0;
    std::int64_t marks = 0;
    for (std::size_t at = 0; at < unit.size();) {
        const CodePoint c = decode_utf8(unit, at);
        at += static_cast<std::size_t>(c.length);
        const detail::ComposeCharClass kind = detail::compose_char_class(c.value);
        if (c.value >= '0' && c.value <= '9') {
            ++digits;
        } else if (kind == detail::ComposeCharClass::Word) {
            ++(c.value < 0x250 ? letters : others);
        } else {
            ++marks;  // ideographs and apostrophes, too, are pieces of their own
        }
    }
    const std::int64_t latin = letters == 0 ? 0 : 1 + std::max<std::int64_t>(0, letters - 9 + 3) / 4;
    return latin + (digits + 2) / 3 + (others + 1) / 2 + marks;
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
    Matrix<std::int64_t> repeated(n, num_sources);
    parallel_for(n, 64, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            detail::compose_item(columns, sources, options, static_cast<std::size_t>(i), out, dropped,
                                 repeated);
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
            share.repeated_tokens += repeated(i, s);
        }
        all_tokens += share.kept_tokens;
        out.source_names.push_back(share.name);
        out.source_weights.push_back(share.weight);
        out.report.push_back(std::move(share));
    }
    for (std::size_t i = 0; i < records.ids.size(); ++i) {
        for (std::size_t s = 0; s < sources.size(); ++s) {
            if (!sources[s].required || !out.source_texts[s][i].empty()) continue;
            out.incomplete.push_back(static_cast<Index>(i));
            break;
        }
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
