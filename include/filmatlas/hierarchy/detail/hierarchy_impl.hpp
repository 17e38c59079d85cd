// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_HIERARCHY_DETAIL_HIERARCHY_IMPL_HPP
#define FILMATLAS_HIERARCHY_DETAIL_HIERARCHY_IMPL_HPP

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"

namespace filmatlas {
namespace detail {

[[noreturn]] inline void hierarchy_bad(std::string what, std::string remedy = {}, std::int64_t row = -1) {
    ErrorContext where;
    where.stage = "hierarchy";
    where.row = row;
    throw Error(ErrorCode::Format, std::move(where), std::move(what), std::move(remedy));
}

/// Distinct labels, ascending, and each item's position among them.
struct HierarchyCodes {
    std::vector<Index> values;
    std::vector<Index> code;
};

inline HierarchyCodes hierarchy_codes(const std::vector<Index>& labels, const std::string& level) {
    HierarchyCodes out;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] < 0) {
            hierarchy_bad("item " + std::to_string(i) + " has the negative label " +
                              std::to_string(labels[i]) + " at level '" + level + "'",
                          "every item needs a node at every level", static_cast<std::int64_t>(i));
        }
    }
    out.values = labels;
    std::sort(out.values.begin(), out.values.end());
    out.values.erase(std::unique(out.values.begin(), out.values.end()), out.values.end());
    out.code.reserve(labels.size());
    for (const Index label : labels) {
        const auto at = std::lower_bound(out.values.begin(), out.values.end(), label);
        out.code.push_back(static_cast<Index>(at - out.values.begin()));
    }
    return out;
}

/// What the order of siblings is decided by.
struct HierarchyGroup {
    Index parent_rank = 0;  ///< place of the parent among the nodes of its level
    Index size = 0;
    Index first_item = std::numeric_limits<Index>::max();
};

}  // namespace detail

FILMATLAS_INLINE std::vector<Index> Hierarchy::labels(int level) const {
    if (level < 0 || level >= num_levels()) {
        throw_invalid("hierarchy", "level", "is " + std::to_string(level),
                      "use 0 .. " + std::to_string(num_levels() - 1));
    }
    std::vector<Index> out(order.size(), 0);
    const Index first = level_begin[static_cast<std::size_t>(level)];
    const Index last = level_begin[static_cast<std::size_t>(level) + 1];
    for (Index node = first; node < last; ++node) {
        for (const Index item : items(node)) out[static_cast<std::size_t>(item)] = node - first;
    }
    return out;
}

FILMATLAS_INLINE std::vector<Index> Hierarchy::leaves() const {
    if (num_levels() == 0) return {};
    std::vector<Index> out = labels(num_levels() - 1);
    const Index first = level_begin[level_begin.size() - 2];
    for (Index& node : out) node += first;
    return out;
}

FILMATLAS_INLINE std::vector<Index> Hierarchy::children(Index node) const {
    if (node < 0 || node >= num_nodes()) {
        throw_invalid("hierarchy", "node", "is " + std::to_string(node), "use a node id below num_nodes()");
    }
    const HierarchyNode& parent = nodes[static_cast<std::size_t>(node)];
    if (parent.level + 1 >= num_levels()) return {};
    // A level ascends in `begin`, so the children are the run of nodes whose range starts inside the
    // parent's.
    const auto level = nodes.begin() + level_begin[static_cast<std::size_t>(parent.level) + 1];
    const auto level_end = nodes.begin() + level_begin[static_cast<std::size_t>(parent.level) + 2];
    const auto starts_before = [](const HierarchyNode& entry, Index position) {
        return entry.begin < position;
    };
    const auto first = std::lower_bound(level, level_end, parent.begin, starts_before);
    const auto last = std::lower_bound(first, level_end, parent.end, starts_before);
    std::vector<Index> out(static_cast<std::size_t>(last - first));
    std::iota(out.begin(), out.end(), static_cast<Index>(first - nodes.begin()));
    return out;
}

FILMATLAS_INLINE std::vector<Index> Hierarchy::path(Index node) const {
    if (node < 0 || node >= num_nodes()) {
        throw_invalid("hierarchy", "node", "is " + std::to_string(node), "use a node id below num_nodes()");
    }
    std::vector<Index> out;
    for (Index at = node; at >= 0; at = nodes[static_cast<std::size_t>(at)].parent) out.push_back(at);
    std::reverse(out.begin(), out.end());
    return out;
}

FILMATLAS_INLINE Hierarchy hierarchy_from_labels(const std::vector<std::vector<Index>>& labels,
                                                 std::vector<std::string> level_names) {
    if (labels.empty()) throw_shape("hierarchy", "no level given", "pass at least one list of labels");
    if (level_names.size() != labels.size()) {
        throw_shape("hierarchy",
                    std::to_string(labels.size()) + " levels of labels but " +
                        std::to_string(level_names.size()) + " level names",
                    "give one name per level, coarse to fine");
    }
    const std::size_t n = labels.front().size();
    for (std::size_t level = 0; level < labels.size(); ++level) {
        if (labels[level].size() != n) {
            throw_shape("hierarchy",
                        "level '" + level_names[level] + "' has " + std::to_string(labels[level].size()) +
                            " labels, level '" + level_names.front() + "' has " + std::to_string(n),
                        "every level needs one label per item");
        }
    }
    if (n > static_cast<std::size_t>(std::numeric_limits<Index>::max())) {
        throw_shape("hierarchy", "too many items: " + std::to_string(n), "at most 2,147,483,647");
    }

    Hierarchy tree;
    tree.level_names = std::move(level_names);
    tree.order.resize(n);
    std::iota(tree.order.begin(), tree.order.end(), Index{0});
    tree.level_begin.push_back(0);

    // Level by level: rank the groups by (parent's rank, size descending, first item); an item's rank at one
    // level is its parent's rank at the next.
    std::vector<Index> parent_rank(n, 0);
    for (std::size_t level = 0; level < labels.size(); ++level) {
        const detail::HierarchyCodes codes = detail::hierarchy_codes(labels[level], tree.level_names[level]);
        const std::size_t count = codes.values.size();
        std::vector<detail::HierarchyGroup> groups(count);
        for (std::size_t i = 0; i < n; ++i) {
            detail::HierarchyGroup& group = groups[static_cast<std::size_t>(codes.code[i])];
            if (group.size == 0) {
                group.parent_rank = parent_rank[i];
                group.first_item = static_cast<Index>(i);
            } else if (group.parent_rank != parent_rank[i]) {
                detail::hierarchy_bad("item " + std::to_string(i) + ": label " +
                                          std::to_string(labels[level][i]) + " of level '" +
                                          tree.level_names[level] + "' occurs under two parents (item " +
                                          std::to_string(group.first_item) + " has the other)",
                                      "the levels must be nested", static_cast<std::int64_t>(i));
            }
            ++group.size;
        }
        std::vector<Index> by_rank(count);
        std::iota(by_rank.begin(), by_rank.end(), Index{0});
        std::sort(by_rank.begin(), by_rank.end(), [&](Index a, Index b) {
            const detail::HierarchyGroup& x = groups[static_cast<std::size_t>(a)];
            const detail::HierarchyGroup& y = groups[static_cast<std::size_t>(b)];
            if (x.parent_rank != y.parent_rank) return x.parent_rank < y.parent_rank;
            if (x.size != y.size) return x.size > y.size;
            return x.first_item < y.first_item;
        });

        const Index parents_at = level == 0 ? -1 : tree.level_begin[level - 1];
        std::vector<Index> rank(count);
        Index begin = 0;
        for (std::size_t r = 0; r < count; ++r) {
            const detail::HierarchyGroup& group = groups[static_cast<std::size_t>(by_rank[r])];
            rank[static_cast<std::size_t>(by_rank[r])] = static_cast<Index>(r);
            HierarchyNode node;
            node.begin = begin;
            node.end = begin + group.size;
            node.level = static_cast<Index>(level);
            node.parent = level == 0 ? -1 : parents_at + group.parent_rank;
            tree.nodes.push_back(node);
            begin = node.end;
        }
        for (std::size_t i = 0; i < n; ++i) parent_rank[i] = rank[static_cast<std::size_t>(codes.code[i])];
        tree.level_begin.push_back(static_cast<Index>(tree.nodes.size()));
    }
    // A finest rank ascends with the ranks of all its ancestors, so one stable sort gives the ranges of every
    // level.
    std::stable_sort(tree.order.begin(), tree.order.end(), [&](Index a, Index b) {
        return parent_rank[static_cast<std::size_t>(a)] < parent_rank[static_cast<std::size_t>(b)];
    });
    return tree;
}

FILMATLAS_INLINE void validate(const Hierarchy& h) {
    const auto n = static_cast<Index>(h.order.size());
    const std::size_t levels = h.level_names.size();
    if (levels == 0) detail::hierarchy_bad("no levels", "name at least one level");
    for (std::size_t i = 0; i < levels; ++i) {
        if (h.level_names[i].empty())
            detail::hierarchy_bad("level " + std::to_string(i) + " has an empty name");
        if (std::find(h.level_names.begin(), h.level_names.begin() + static_cast<std::ptrdiff_t>(i),
                      h.level_names[i]) != h.level_names.begin() + static_cast<std::ptrdiff_t>(i)) {
            detail::hierarchy_bad("two levels are named '" + h.level_names[i] + "'");
        }
    }
    std::vector<char> seen(h.order.size(), 0);
    for (std::size_t i = 0; i < h.order.size(); ++i) {
        const Index item = h.order[i];
        if (item < 0 || item >= n || seen[static_cast<std::size_t>(item)] != 0) {
            detail::hierarchy_bad("order[" + std::to_string(i) + "] = " + std::to_string(item) +
                                  (item < 0 || item >= n ? " is out of range" : " occurs twice"));
        }
        seen[static_cast<std::size_t>(item)] = 1;
    }
    if (h.level_begin.size() != levels + 1 || h.level_begin.front() != 0 ||
        h.level_begin.back() != static_cast<Index>(h.nodes.size())) {
        detail::hierarchy_bad("level_begin must hold " + std::to_string(levels + 1) + " offsets from 0 to " +
                              std::to_string(h.nodes.size()));
    }
    for (std::size_t level = 0; level < levels; ++level) {
        const Index first = h.level_begin[level];
        const Index last = h.level_begin[level + 1];
        if (first > last || last > static_cast<Index>(h.nodes.size())) {
            detail::hierarchy_bad("level_begin descends at level " + std::to_string(level));
        }
        Index expected = 0;
        for (Index id = first; id < last; ++id) {
            const HierarchyNode& node = h.nodes[static_cast<std::size_t>(id)];
            const std::string name = "node " + std::to_string(id);
            if (node.level != static_cast<Index>(level)) {
                detail::hierarchy_bad(name + " says level " + std::to_string(node.level) +
                                      " but is stored in level " + std::to_string(level));
            }
            if (node.begin != expected || node.end <= node.begin || node.end > n) {
                detail::hierarchy_bad(name + " has the range [" + std::to_string(node.begin) + ", " +
                                      std::to_string(node.end) + "); it must start at " +
                                      std::to_string(expected) + " and hold an item");
            }
            expected = node.end;
            if (level == 0) {
                if (node.parent != -1) detail::hierarchy_bad(name + " is of level 0 but has a parent");
                continue;
            }
            if (node.parent < h.level_begin[level - 1] || node.parent >= first) {
                detail::hierarchy_bad(name + " has parent " + std::to_string(node.parent) +
                                      ", which is no node of the level above");
            }
            const HierarchyNode& parent = h.nodes[static_cast<std::size_t>(node.parent)];
            if (node.begin < parent.begin || node.end > parent.end) {
                detail::hierarchy_bad(name + " reaches outside its parent " + std::to_string(node.parent));
            }
        }
        if (expected != n) {
            detail::hierarchy_bad("level " + std::to_string(level) + " covers " + std::to_string(expected) +
                                  " of " + std::to_string(n) + " items");
        }
    }
}

FILMATLAS_INLINE std::vector<std::string> default_level_names(int num_levels) {
    if (num_levels < 1) {
        throw_invalid("hierarchy", "num_levels", "is " + std::to_string(num_levels), "use 1 or more");
    }
    if (num_levels == 3) return {"macro", "neighborhood", "microcluster"};
    if (num_levels == 2) return {"macro", "microcluster"};
    std::vector<std::string> names;
    for (int i = 0; i < num_levels; ++i) names.push_back("level " + std::to_string(i));
    return names;
}

}  // namespace filmatlas
#endif  // FILMATLAS_HIERARCHY_DETAIL_HIERARCHY_IMPL_HPP
