// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_TAGS_HPP
#define FILMATLAS_KEYWORDS_TAGS_HPP

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"

/// @file tags.hpp
/// @brief Which tags (genres, keywords) are commoner inside a node than outside it.

namespace filmatlas {

struct TagLift {
    std::string tag;
    std::int64_t support = 0;  ///< items of the node with the tag
    double p_in = 0;           ///< support / items of the node
    double p_out = 0;  ///< share of the items outside the node that have the tag; 0 when there are none
    double lift = 0;   ///< smoothed: ((support + 0.5) / (items + 1)) / ((others + 0.5) / (items outside + 1))
    double score = 0;  ///< what the list is sorted by, see tag_lift()
    /// Of scored tags: the mean score of the node's items that hold the tag; -1 where tags have no scores.
    double mean_score = -1;
    bool operator==(const TagLift&) const = default;
};

struct TagOptions {
    int top_n = 10;                ///< tags per node, at least 1
    std::int64_t min_support = 2;  ///< items, at least 1
    double min_lift = 1.0;         ///< tags with a smaller lift are left out
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const TagOptions& options);

/// Tags per node, score descending, then tag. The score is the tag's part of the information that membership
/// carries, in bits: p * log2(lift) with p the smoothed share inside. It weighs how common a tag is with how
/// telling it is: a tag of one item or one that is everywhere scores near 0. A node that holds all items has
/// p_out 0 and its tags have lift 1 and are sorted by support.
/// @param tags (n,) tags per item; repeats within an item count once, empty tags not at all.
/// @param scores (n,) one score per tag, or empty: tags have none. Of repeats the first counts.
/// @throws Error (Shape).
std::vector<std::vector<TagLift>> tag_lift(std::span<const std::vector<std::string>> tags,
                                           const Hierarchy& hierarchy, const TagOptions& options = {},
                                           std::span<const std::vector<double>> scores = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/tags_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_TAGS_HPP
