// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_LABEL_CONTEXT_HPP
#define FILMATLAS_LABELS_LABEL_CONTEXT_HPP

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/keywords/class_terms.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file label_context.hpp
/// @brief What is known about the nodes of a hierarchy, in the form in which labels are written and judged.
///
/// Words are compared by their stems (forms of one word share a stem, see same_word()). For every node and
/// stem the context knows how many items hold it, in their texts or tags, so that any word of any label can
/// be checked, not only the best keywords.

namespace filmatlas {

/// Facts beside the terms; every list may be empty, which switches off what rests on it.
struct LabelFacts {
    std::vector<std::vector<std::string>> tags;   ///< (n,) tags per item, e.g. genres
    std::vector<std::vector<double>> tag_scores;  ///< as `tags`; scores in [0, 1] of scored tags
    std::vector<std::string> titles;              ///< (n,) what items are called; labels must not use them
    std::vector<double> times;                    ///< (n,) e.g. years; NaN = unknown
    std::vector<std::string> texts;               ///< (n,) what exemplars show
    std::vector<std::vector<Index>> exemplars;    ///< (nodes,) members that stand for the node
    std::vector<std::vector<Index>> borders;      ///< (nodes,) members that nearly belong elsewhere
    Matrix<Index> neighbors;                      ///< (n, k) true neighbours, -1 = none
    std::vector<std::string> source_names;        ///< sources with keywords of their own, e.g. "reviews"
    std::vector<std::vector<std::vector<Keyword>>> source_keywords;  ///< [source][node]
};

/// How strongly a node holds a stem.
struct TermSupport {
    std::int64_t support = 0;  ///< members that hold it
    std::int64_t others = 0;   ///< items outside that hold it
    double p_in = 0;           ///< support / members
    double p_out = 0;          ///< others / items outside; 0 when there are none
    double lift =
        1;  ///< ((support + 0.5) / (members + 1)) / ((others + 0.5) / (outside + 1)); 1 without outside
    double z = 0;  ///< log-odds against the outside with an informative prior, in standard deviations
};

/// Made by label_context(); plain data. Stems ascend and index the columns of the matrices.
struct LabelContext {
    Hierarchy hierarchy;
    LabelFacts facts;
    std::vector<std::string> stems;
    std::vector<std::string> words;    ///< per stem, the commonest word with it, as labels show it
    std::vector<std::int64_t> totals;  ///< items per stem
    CsrMatrix<std::int32_t> held;      ///< (n, stems), 1 where the item holds the stem
    CsrMatrix<std::int32_t> titled;    ///< (n, stems), 1 where the item's title holds it; else empty
    CsrMatrix<std::int64_t> support;   ///< (nodes, stems) members that hold the stem
    std::vector<std::vector<Keyword>> keywords;  ///< (nodes,) best first
    std::vector<std::string> title_keys;         ///< folded titles, ascending, with `title_words` beside them
    std::vector<std::int32_t> title_words;       ///< words per title key that are no stop words
    std::vector<std::string> common_phrases;     ///< titles that many other items' texts use as plain words

    /// Column of a stem, or -1.
    Index find_stem(std::string_view stem) const noexcept;
    /// Support of a stem (a column) in a node.
    TermSupport term(Index node, Index stem) const;
};

/// Builds the context. Parallel over nodes and items; the same for any `num_threads`.
/// @param counts     (n, terms) counts of words, or of words and phrases. @param vocabulary (terms,).
/// @param keywords   (nodes,) best first, e.g. node_keywords().
/// @throws Error (Shape) naming the list that does not fit the hierarchy.
LabelContext label_context(const Hierarchy& hierarchy, const CsrMatrix<std::int32_t>& counts,
                           std::span<const std::string> vocabulary,
                           std::vector<std::vector<Keyword>> keywords, LabelFacts facts = {},
                           int num_threads = 0);

/// Stems of the words of a label that make a claim, in order, each once: stop words are left out.
std::vector<std::string> label_stems(std::string_view text);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/labels/detail/label_context_impl.hpp"
#endif
#endif  // FILMATLAS_LABELS_LABEL_CONTEXT_HPP
