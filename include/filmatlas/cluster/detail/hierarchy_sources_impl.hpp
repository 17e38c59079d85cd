// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_HIERARCHY_SOURCES_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_HIERARCHY_SOURCES_IMPL_HPP

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/tree_vectors.hpp"
#include "filmatlas/cluster/hierarchy_sources.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

[[noreturn]] inline void adopt_bad(std::string what, std::string remedy, std::int64_t row) {
    ErrorContext where;
    where.stage = "hierarchy_from_labels";
    where.row = row;
    throw Error(ErrorCode::Format, std::move(where), std::move(what), std::move(remedy));
}

/// One level while it is repaired: labels as positions among the distinct ones, -1 = none.
struct AdoptLevel {
    std::vector<Index> value;  ///< distinct given labels, ascending; -1 for one that was made
    std::vector<Index> code;   ///< per item
};

inline AdoptLevel adopt_codes(const std::vector<Index>& labels) {
    AdoptLevel out;
    for (const Index label : labels) {
        if (label >= 0) out.value.push_back(label);
    }
    std::sort(out.value.begin(), out.value.end());
    out.value.erase(std::unique(out.value.begin(), out.value.end()), out.value.end());
    out.code.reserve(labels.size());
    for (const Index label : labels) {
        const auto at = std::lower_bound(out.value.begin(), out.value.end(), label);
        out.code.push_back(label < 0 ? Index{-1} : static_cast<Index>(at - out.value.begin()));
    }
    return out;
}

/// The nearest of `count` centres from `first` on, of those with `use`; -1 when there is none.
template <class Use>
Index adopt_nearest(const TreeVectors& vectors, const double* row, const Matrix<double>& centres, Index first,
                    Index last, const Use& use) {
    Index best = -1;
    double nearest = 0;
    for (Index c = first; c < last; ++c) {
        if (!use(c)) continue;
        const double value = vectors.closeness(row, centres.row_data(c));
        if (best < 0 || value > nearest) {
            nearest = value;
            best = c;
        }
    }
    return best;
}

/// Centres of the items of every code, and how many valid rows each has.
inline TreeSums adopt_centres(const TreeVectors& vectors, const std::vector<Index>& code, std::size_t count) {
    TreeSums out{Matrix<double>(static_cast<std::int64_t>(count), vectors.cols()),
                 std::vector<std::int64_t>(count, 0)};
    for (std::size_t i = 0; i < code.size(); ++i) {
        if (code[i] < 0) continue;
        const Index item[] = {static_cast<Index>(i)};
        out.count[static_cast<std::size_t>(code[i])] += vectors.add(item, out.sum.row_data(code[i]));
    }
    for (std::size_t c = 0; c < count; ++c)
        vectors.finish(out.sum.row_data(static_cast<std::int64_t>(c)), out.count[c]);
    return out;
}

/// The parent of every fine label, by the items that have both labels.
class AdoptParents {
public:
    AdoptParents(const AdoptLevel& coarse, const AdoptLevel& fine) : parent(fine.value.size(), -1) {
        std::vector<std::int64_t> size(coarse.value.size(), 0);
        std::vector<std::pair<Index, Index>> pairs;
        for (std::size_t i = 0; i < fine.code.size(); ++i) {
            if (coarse.code[i] < 0) continue;
            ++size[static_cast<std::size_t>(coarse.code[i])];
            if (fine.code[i] >= 0) pairs.emplace_back(fine.code[i], coarse.code[i]);
        }
        std::sort(pairs.begin(), pairs.end());
        std::vector<std::int64_t> votes(fine.value.size(), 0);
        for (std::size_t p = 0; p < pairs.size();) {
            const Index node = pairs[p].first;
            const Index under = pairs[p].second;
            std::int64_t count = 0;
            for (const auto pair = pairs[p]; p < pairs.size() && pairs[p] == pair; ++p) ++count;
            const auto at = static_cast<std::size_t>(node);
            const auto better = [&] {
                if (parent[at] < 0 || count != votes[at]) return count > votes[at];
                return size[static_cast<std::size_t>(under)] > size[static_cast<std::size_t>(parent[at])];
            };
            if (parent[at] >= 0) torn = true;
            if (!better()) continue;
            votes[at] = count;
            parent[at] = under;
        }
    }

    std::vector<Index> parent;  ///< -1 without any
    bool torn = false;          ///< some label has several
};

inline void adopt_check(const std::vector<std::vector<Index>>& labels, const std::vector<std::string>& names,
                        const AdoptOptions& options) {
    const std::string_view where = "hierarchy_from_labels";
    if (labels.empty()) throw_shape(where, "no level given", "pass at least one list of labels");
    if (names.size() != labels.size()) {
        throw_shape(where,
                    std::to_string(labels.size()) + " levels of labels but " + std::to_string(names.size()) +
                        " level names",
                    "give one name per level, coarse to fine");
    }
    const std::size_t n = labels.front().size();
    for (std::size_t level = 0; level < labels.size(); ++level) {
        if (labels[level].size() != n) {
            throw_shape(where,
                        "level '" + names[level] + "' has " + std::to_string(labels[level].size()) +
                            " labels, level '" + names.front() + "' has " + std::to_string(n),
                        "every level needs one label per item, -1 for none");
        }
        for (std::size_t i = 0; options.noise == NoiseRule::Reject && i < n; ++i) {
            if (labels[level][i] < 0) {
                adopt_bad("item " + std::to_string(i) + " has no node at level '" + names[level] +
                              "' (label " + std::to_string(labels[level][i]) + ")",
                          "place such items with noise = nearest or rest", static_cast<std::int64_t>(i));
            }
        }
    }
}

[[noreturn]] inline void adopt_torn(const AdoptLevel& coarse, const AdoptLevel& fine,
                                    const std::string& coarse_name, const std::string& fine_name) {
    std::vector<Index> first(fine.value.size(), -1);
    for (std::size_t i = 0; i < fine.code.size(); ++i) {
        if (fine.code[i] < 0 || coarse.code[i] < 0) continue;
        Index& other = first[static_cast<std::size_t>(fine.code[i])];
        if (other < 0) other = static_cast<Index>(i);
        if (coarse.code[static_cast<std::size_t>(other)] == coarse.code[i]) continue;
        const auto value = [](const AdoptLevel& level, std::size_t item) {
            return std::to_string(level.value[static_cast<std::size_t>(level.code[item])]);
        };
        adopt_bad("item " + std::to_string(i) + ": label " + value(fine, i) + " of level '" + fine_name +
                      "' lies under label " + value(coarse, i) + " of level '" + coarse_name +
                      "', but item " + std::to_string(other) + " has it under " +
                      value(coarse, static_cast<std::size_t>(other)),
                  "repair it with repair = majority or split", static_cast<std::int64_t>(i));
    }
    throw Error(ErrorCode::Internal, {}, "a torn label was counted but not found");
}

/// Steps 1 and 2: every item that has a label at one level has one at all coarser levels.
inline void adopt_lift(std::vector<AdoptLevel>& levels, const std::vector<std::string>& names,
                       const AdoptOptions& options, const TreeVectors* vectors) {
    for (std::size_t l = levels.size() - 1; l-- > 0;) {
        AdoptLevel& coarse = levels[l];
        const AdoptLevel& fine = levels[l + 1];
        AdoptParents found(coarse, fine);
        if (found.torn && options.repair == NestingRepair::Reject)
            adopt_torn(coarse, fine, names[l], names[l + 1]);
        for (std::size_t i = 0; i < fine.code.size(); ++i) {
            if (fine.code[i] < 0) continue;
            const Index parent = found.parent[static_cast<std::size_t>(fine.code[i])];
            if (parent >= 0 && (coarse.code[i] < 0 || options.repair == NestingRepair::Majority)) {
                coarse.code[i] = parent;
            }
        }
        if (std::find(found.parent.begin(), found.parent.end(), -1) == found.parent.end()) continue;
        const auto had = static_cast<Index>(coarse.value.size());
        if (options.noise == NoiseRule::Nearest && had > 0) {
            const TreeSums above = adopt_centres(*vectors, coarse.code, coarse.value.size());
            const TreeSums own = adopt_centres(*vectors, fine.code, fine.value.size());
            const auto use = [&](Index c) { return above.count[static_cast<std::size_t>(c)] > 0; };
            for (std::size_t f = 0; f < found.parent.size(); ++f) {
                if (found.parent[f] >= 0) continue;
                found.parent[f] = adopt_nearest(*vectors, own.sum.row_data(static_cast<std::int64_t>(f)),
                                                above.sum, 0, had, use);
            }
        }
        bool made = false;
        for (std::size_t i = 0; i < fine.code.size(); ++i) {
            if (fine.code[i] < 0 || coarse.code[i] >= 0) continue;
            const Index parent = found.parent[static_cast<std::size_t>(fine.code[i])];
            coarse.code[i] = parent >= 0 ? parent : had;
            made = made || parent < 0;
        }
        if (made) coarse.value.push_back(-1);
    }
}

/// Nodes of one level: a label under a parent.
struct AdoptNodes {
    std::vector<std::pair<Index, Index>> key;  ///< (parent, code), ascending: children of a parent are a run
    std::vector<Index> node;                   ///< per item, -1 = not placed yet
};

inline AdoptNodes adopt_nodes(const std::vector<Index>& parent, const std::vector<Index>& code) {
    AdoptNodes out;
    for (std::size_t i = 0; i < code.size(); ++i) {
        if (code[i] >= 0) out.key.emplace_back(parent[i], code[i]);
    }
    std::sort(out.key.begin(), out.key.end());
    out.key.erase(std::unique(out.key.begin(), out.key.end()), out.key.end());
    out.node.assign(code.size(), -1);
    for (std::size_t i = 0; i < code.size(); ++i) {
        if (code[i] < 0) continue;
        const auto at = std::lower_bound(out.key.begin(), out.key.end(), std::pair(parent[i], code[i]));
        out.node[i] = static_cast<Index>(at - out.key.begin());
    }
    return out;
}

/// Step 3 for one level: nodes for the items that have none.
inline void adopt_place(const std::vector<Index>& parent, const AdoptOptions& options,
                        const TreeVectors* vectors, AdoptNodes& nodes, std::vector<Index>& labels) {
    std::vector<Index> open;
    for (std::size_t i = 0; i < nodes.node.size(); ++i) {
        if (nodes.node[i] < 0) open.push_back(static_cast<Index>(i));
    }
    if (open.empty()) return;
    const auto had = static_cast<Index>(nodes.key.size());
    if (options.noise == NoiseRule::Nearest) {
        const TreeSums centres = adopt_centres(*vectors, nodes.node, nodes.key.size());
        std::vector<std::int64_t> size(nodes.key.size(), 0);
        for (const Index node : nodes.node) {
            if (node >= 0) ++size[static_cast<std::size_t>(node)];
        }
        const auto use = [&](Index c) { return centres.count[static_cast<std::size_t>(c)] > 0; };
        parallel_for(
            static_cast<std::int64_t>(open.size()), 64, options.num_threads,
            [&](std::int64_t begin, std::int64_t end) {
                std::vector<double> row(static_cast<std::size_t>(vectors->cols()));
                for (std::int64_t o = begin; o < end; ++o) {
                    const Index item = open[static_cast<std::size_t>(o)];
                    const Index under = parent[static_cast<std::size_t>(item)];
                    const auto from =
                        std::lower_bound(nodes.key.begin(), nodes.key.end(), std::pair(under, Index{0}));
                    const auto to = std::lower_bound(from, nodes.key.end(), std::pair(under + 1, Index{0}));
                    const auto first = static_cast<Index>(from - nodes.key.begin());
                    const auto last = static_cast<Index>(to - nodes.key.begin());
                    Index best = -1;
                    if (vectors->valid(item)) {
                        vectors->copy_row(item, row.data());
                        best = adopt_nearest(*vectors, row.data(), centres.sum, first, last, use);
                    }
                    if (best < 0 && first < last) {
                        best = static_cast<Index>(
                            std::max_element(size.begin() + first, size.begin() + last) - size.begin());
                    }
                    nodes.node[static_cast<std::size_t>(item)] = best;
                }
            });
    }
    // What is left makes a node of its own under each parent.
    std::vector<Index> rest;
    for (const Index item : open) {
        if (nodes.node[static_cast<std::size_t>(item)] < 0)
            rest.push_back(parent[static_cast<std::size_t>(item)]);
    }
    std::sort(rest.begin(), rest.end());
    rest.erase(std::unique(rest.begin(), rest.end()), rest.end());
    for (const Index item : open) {
        Index& node = nodes.node[static_cast<std::size_t>(item)];
        if (node >= 0) continue;
        const auto at = std::lower_bound(rest.begin(), rest.end(), parent[static_cast<std::size_t>(item)]);
        node = had + static_cast<Index>(at - rest.begin());
    }
    labels.resize(labels.size() + rest.size(), -1);
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(NestingRepair repair) noexcept {
    switch (repair) {
        case NestingRepair::Reject: break;
        case NestingRepair::Majority: return "majority";
        case NestingRepair::Split: return "split";
    }
    return "reject";
}

FILMATLAS_INLINE NestingRepair nesting_repair_from_string(std::string_view name) {
    for (const NestingRepair repair :
         {NestingRepair::Reject, NestingRepair::Majority, NestingRepair::Split}) {
        if (name == to_string(repair)) return repair;
    }
    throw_invalid("hierarchy_from_labels", "repair", "is '" + std::string(name) + "'",
                  "use reject, majority or split");
}

FILMATLAS_INLINE std::string_view to_string(NoiseRule rule) noexcept {
    switch (rule) {
        case NoiseRule::Reject: break;
        case NoiseRule::Nearest: return "nearest";
        case NoiseRule::Rest: return "rest";
    }
    return "reject";
}

FILMATLAS_INLINE NoiseRule noise_rule_from_string(std::string_view name) {
    for (const NoiseRule rule : {NoiseRule::Reject, NoiseRule::Nearest, NoiseRule::Rest}) {
        if (name == to_string(rule)) return rule;
    }
    throw_invalid("hierarchy_from_labels", "noise", "is '" + std::string(name) + "'",
                  "use reject, nearest or rest");
}

FILMATLAS_INLINE void validate(const AdoptOptions& options) {
    if (options.num_threads < 0) {
        throw_invalid("hierarchy_from_labels", "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
}

FILMATLAS_INLINE AdoptedHierarchy adopt_labels(const std::vector<std::vector<Index>>& labels,
                                               std::vector<std::string> level_names,
                                               const AdoptOptions& options, MatrixView<const float> X) {
    validate(options);
    detail::adopt_check(labels, level_names, options);
    const std::size_t n = labels.front().size();
    const std::size_t count = labels.size();
    bool open = false;
    for (const auto& level : labels) {
        open = open || std::any_of(level.begin(), level.end(), [](Index label) { return label < 0; });
    }
    const bool near = open && options.noise == NoiseRule::Nearest;
    if (near && X.rows != static_cast<std::int64_t>(n)) {
        throw_shape("hierarchy_from_labels",
                    std::to_string(X.rows) + " vectors for " + std::to_string(n) +
                        " items, some of which have no label",
                    "pass the items' vectors, or noise = rest");
    }
    const detail::TreeVectors rows(near ? X : MatrixView<const float>{}, options.metric, options.num_threads);
    const detail::TreeVectors* vectors = near ? &rows : nullptr;

    std::vector<detail::AdoptLevel> levels;
    for (const auto& level : labels) levels.push_back(detail::adopt_codes(level));
    detail::adopt_lift(levels, level_names, options, vectors);

    std::vector<std::vector<Index>> node(count);
    std::vector<std::vector<Index>> label_of(count);  // per node of the level
    std::vector<Index> parent(n, 0);
    for (std::size_t l = 0; l < count; ++l) {
        detail::AdoptNodes nodes = detail::adopt_nodes(parent, levels[l].code);
        for (const auto& key : nodes.key)
            label_of[l].push_back(levels[l].value[static_cast<std::size_t>(key.second)]);
        detail::adopt_place(parent, options, vectors, nodes, label_of[l]);
        parent = nodes.node;
        node[l] = std::move(nodes.node);
    }

    AdoptedHierarchy out;
    std::vector<char> moved(n, 0);
    std::vector<char> placed(n, 0);
    for (std::size_t l = 0; l < count; ++l) {
        out.moved_at.push_back(0);
        out.placed_at.push_back(0);
        for (std::size_t i = 0; i < n; ++i) {
            if (labels[l][i] < 0) {
                placed[i] = 1;
                ++out.placed_at.back();
            } else if (label_of[l][static_cast<std::size_t>(node[l][i])] != labels[l][i]) {
                moved[i] = 1;
                ++out.moved_at.back();
            }
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (moved[i] != 0) out.moved.push_back(static_cast<Index>(i));
        if (placed[i] != 0) out.placed.push_back(static_cast<Index>(i));
    }
    out.hierarchy = hierarchy_from_labels(node, std::move(level_names));
    for (const HierarchyNode& made : out.hierarchy.nodes) {
        const auto level = static_cast<std::size_t>(made.level);
        const Index item = out.hierarchy.order[static_cast<std::size_t>(made.begin)];
        out.node_label.push_back(
            label_of[level][static_cast<std::size_t>(node[level][static_cast<std::size_t>(item)])]);
    }
    return out;
}

FILMATLAS_INLINE Hierarchy hierarchy_from_linkage(const LinkageTree& tree, std::span<const int> n_clusters,
                                                  std::vector<std::string> level_names) {
    const std::string_view where = "hierarchy_from_linkage";
    validate(tree);
    if (n_clusters.empty())
        throw_invalid(where, "n_clusters", "holds no count", "give one per level, coarse to fine");
    for (std::size_t l = 0; l < n_clusters.size(); ++l) {
        if (n_clusters[l] < 1 || n_clusters[l] > tree.num_items) {
            throw_invalid(where, "n_clusters",
                          "entry " + std::to_string(l) + " is " + std::to_string(n_clusters[l]),
                          "use 1 .. " + std::to_string(tree.num_items) + " for this tree");
        }
        if (l > 0 && n_clusters[l] < n_clusters[l - 1]) {
            throw_invalid(
                where, "n_clusters",
                "falls from " + std::to_string(n_clusters[l - 1]) + " to " + std::to_string(n_clusters[l]),
                "order the counts coarse to fine");
        }
    }
    return hierarchy_from_labels(cut_linkage(tree, n_clusters), std::move(level_names));
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_HIERARCHY_SOURCES_IMPL_HPP
