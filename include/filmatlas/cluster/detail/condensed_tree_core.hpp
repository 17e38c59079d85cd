// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_CONDENSED_TREE_CORE_HPP
#define FILMATLAS_CLUSTER_DETAIL_CONDENSED_TREE_CORE_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/condensed_tree.hpp"
#include "filmatlas/cluster/detail/density_sort.hpp"
#include "filmatlas/cluster/detail/linkage_tree_core.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas::detail {

[[noreturn]] inline void throw_condensed(std::int64_t entry, std::string what_happened) {
    throw Error(ErrorCode::Format, ErrorContext{"condensed_tree", {}, entry, {}, -1},
                std::move(what_happened));
}

/// lambda of a height; finite for height 0.
class LambdaScale {
public:
    explicit LambdaScale(const std::vector<double>& ascending_heights) {
        for (const double h : ascending_heights) {
            if (h > 0 && std::isfinite(1 / h)) {
                largest_ = 1 / h;
                break;
            }
        }
    }
    double operator()(double height) const noexcept {
        return height > 0 ? std::min(1 / height, largest_) : largest_;
    }

private:
    double largest_ = 1;
};

/// Where tied merges, made two at a time, could give other clusters than made at once.
struct TieDoubts {
    std::vector<Index> splits;  ///< (c,) merges below which a cluster goes on, but whose small parts can be one
    std::vector<double> after;  ///< (c,) most stability of a cluster that begins at such a merge
    std::vector<char> end;      ///< (c,) whether it ends in a merge of more parts than two that can be grouped
    std::vector<char> item;     ///< (n,) whether the item falls out at a merge of either kind
};

/// Condenses without recursion: follows each cluster down from its top node to where it splits or dissolves. With
/// `doubts`, merges of equal height count as one whatever the tree says.
class TreeCondenser {
public:
    TreeCondenser(const SingleLinkageTree& tree, double min_cluster_size, TieDoubts* doubts = nullptr)
        : tree_(tree),
          least_(min_cluster_size),
          lambda_(tree.height),
          many_(tree.ties == TieRule::Canonical || doubts != nullptr),
          doubts_(doubts) {
        const auto n = static_cast<std::size_t>(tree.num_items);
        out_.point_cluster.assign(n, -1);
        out_.point_lambda.assign(n, 0.0);
        out_.point_weight = tree.weight;
        out_.min_cluster_size = min_cluster_size;
        if (doubts != nullptr) doubts->item.assign(n, 0);
    }

    CondensedTree run() {
        double total = 0;
        for (const Index root : tree_.roots) total += tree_.weight_of(root);
        add_cluster(-1, 0.0, total, tree_.roots.size() == 1 ? tree_.roots.front() : Index{-1});
        for (std::size_t c = 0; c < top_.size(); ++c) follow(static_cast<Index>(c));
        return std::move(out_);
    }

private:
    void add_cluster(Index parent, double birth, double size, Index top) {
        out_.cluster_parent.push_back(parent);
        out_.cluster_birth.push_back(birth);
        out_.cluster_size.push_back(size);
        out_.cluster_stability.push_back(0);
        out_.cluster_death.push_back(0);
        top_.push_back(top);
        if (doubts_ != nullptr) {
            doubts_->splits.push_back(0);
            doubts_->after.push_back(0);
            doubts_->end.push_back(0);
        }
    }

    /// Of the merge whose parts are known. `small`: weight of the parts that are not large.
    void doubt(std::size_t cluster, double small) {
        const bool follows = large_.size() == 1;
        const bool can_differ = follows           ? small >= least_
                                : large_.empty() ? small >= 2 * least_
                                                 : true;
        if (parts_.size() < 3 || !can_differ) return;
        if (follows) {
            ++doubts_->splits[cluster];
        } else {
            doubts_->end[cluster] = 1;
        }
        doubtful_ = true;
    }

    /// The parts of a merge; one of many parts when merges of equal height count as one.
    void parts_of(Index node) {
        parts_.clear();
        stack_.assign(1, node);
        const std::size_t merge = tree_.merge_of(node);
        const double height = tree_.height[merge];
        // Heights ascend: when the merge before is not as high, no part is, and most lie far away in memory.
        const bool tied = many_ && merge > 0 && tree_.height[merge - 1] == height;
        while (!stack_.empty()) {
            const std::size_t m = tree_.merge_of(stack_.back());
            stack_.pop_back();
            for (const Index part : {tree_.right[m], tree_.left[m]}) {
                const bool same = tied && !tree_.is_item(part) && tree_.height[tree_.merge_of(part)] == height;
                (same ? stack_ : parts_).push_back(part);
            }
        }
    }

    /// An item alone is a cluster from its core distance on, if it weighs enough.
    bool large(Index part, double height) const {
        if (tree_.weight_of(part) < least_) return false;
        if (!tree_.is_item(part)) return true;
        return !tree_.core.empty() && tree_.core[static_cast<std::size_t>(part)] < height;
    }

    void fall_out(Index cluster, Index part, double lambda) {
        const auto put = [&](Index item) {
            out_.point_cluster[static_cast<std::size_t>(item)] = cluster;
            out_.point_lambda[static_cast<std::size_t>(item)] = lambda;
            if (doubtful_) doubts_->item[static_cast<std::size_t>(item)] = 1;
        };
        if (tree_.is_item(part)) {
            put(part);
            return;
        }
        const auto begin = static_cast<std::size_t>(tree_.begin[tree_.merge_of(part)]);
        const auto end = begin + static_cast<std::size_t>(tree_.size[tree_.merge_of(part)]);
        for (std::size_t p = begin; p < end; ++p) put(tree_.order[p]);
    }

    void follow(Index cluster) {
        const auto c = static_cast<std::size_t>(cluster);
        Index node = top_[c];
        double stability = 0;
        double first_doubt = std::numeric_limits<double>::infinity();
        const double birth = out_.cluster_birth[c];
        while (true) {
            double height = std::numeric_limits<double>::infinity();
            double lambda = 0;
            if (node < 0) {  // a forest's root: its trees part at an infinite distance
                parts_ = tree_.roots;
            } else if (tree_.is_item(node)) {
                parts_.assign(1, node);
                const bool known = !tree_.core.empty();
                height = known ? tree_.core[static_cast<std::size_t>(node)] : 0.0;
                lambda = std::max(birth, lambda_(height));
            } else {
                parts_of(node);
                height = tree_.height[tree_.merge_of(node)];
                lambda = lambda_(height);
            }
            large_.clear();
            double leaving = 0;
            for (const Index part : parts_) {
                if (part != node && large(part, height)) {
                    large_.push_back(part);
                } else {
                    leaving += tree_.weight_of(part);
                }
            }
            doubtful_ = false;
            if (doubts_ != nullptr && node >= 0) doubt(c, leaving);
            const bool follows = large_.size() == 1;
            if (!follows) {
                for (const Index part : large_) leaving += tree_.weight_of(part);
            }
            stability += (lambda - birth) * leaving;
            if (follows && doubtful_) first_doubt = std::min(first_doubt, lambda);
            if (lambda > first_doubt) doubts_->after[c] += (lambda - first_doubt) * leaving;
            if (leaving > 0) out_.cluster_death[c] = std::max(out_.cluster_death[c], lambda);
            if (large_.empty() && node >= 0) {
                fall_out(cluster, node, lambda);
                break;
            }
            for (const Index part : parts_) {
                if (!large(part, height)) fall_out(cluster, part, lambda);
            }
            if (large_.empty()) break;
            if (follows) {
                node = large_.front();
                continue;
            }
            std::sort(large_.begin(), large_.end(),
                      [this](Index a, Index b) { return linkage_tree_before(tree_, a, b); });
            for (const Index part : large_) add_cluster(cluster, lambda, tree_.weight_of(part), part);
            break;
        }
        out_.cluster_stability[c] = stability;
    }

    const SingleLinkageTree& tree_;
    double least_;
    LambdaScale lambda_;
    CondensedTree out_;
    std::vector<Index> top_;  ///< node each cluster starts at; -1 = all trees of a forest
    std::vector<Index> parts_;
    std::vector<Index> stack_;
    std::vector<Index> large_;
    bool many_;
    TieDoubts* doubts_;
    bool doubtful_ = false;  ///< the merge that is followed just now
};

/// Sets stability and death of every cluster, adding the items in ascending order of lambda.
inline void condensed_measure(CondensedTree& tree) {
    const auto c = static_cast<std::size_t>(tree.num_clusters());
    tree.cluster_stability.assign(c, 0.0);
    tree.cluster_death.assign(c, 0.0);
    const auto leave = [&](Index from, double lambda, double weight) {
        const auto at = static_cast<std::size_t>(from);
        tree.cluster_stability[at] += (lambda - tree.cluster_birth[at]) * weight;
        tree.cluster_death[at] = std::max(tree.cluster_death[at], lambda);
    };
    for (const Index i : density_order(tree.point_lambda)) {
        const auto at = static_cast<std::size_t>(i);
        if (tree.point_cluster[at] >= 0)
            leave(tree.point_cluster[at], tree.point_lambda[at], tree.weight_of(i));
    }
    for (std::size_t k = 1; k < c; ++k)
        leave(tree.cluster_parent[k], tree.cluster_birth[k], tree.cluster_size[k]);
}

/// The largest lambda anywhere inside each cluster.
inline std::vector<double> condensed_peaks(const CondensedTree& tree) {
    std::vector<double> peak = tree.cluster_death;
    for (std::size_t c = peak.size(); c-- > 1;) {
        double& above = peak[static_cast<std::size_t>(tree.cluster_parent[c])];
        above = std::max(above, peak[c]);
    }
    return peak;
}

/// Children of each cluster, ascending: `list[begin[c] .. begin[c + 1]]`.
struct ClusterChildren {
    std::vector<std::size_t> begin;
    std::vector<Index> list;
    std::span<const Index> of(std::size_t c) const {
        return {list.data() + begin[c], begin[c + 1] - begin[c]};
    }
};
inline ClusterChildren cluster_children(const std::vector<Index>& parent) {
    ClusterChildren out;
    out.begin.assign(parent.size() + 1, 0);
    for (std::size_t c = 1; c < parent.size(); ++c) ++out.begin[static_cast<std::size_t>(parent[c]) + 1];
    for (std::size_t c = 0; c < parent.size(); ++c) out.begin[c + 1] += out.begin[c];
    out.list.resize(parent.empty() ? 0 : parent.size() - 1);
    std::vector<std::size_t> next(out.begin.begin(), out.begin.end() - 1);
    for (std::size_t c = 1; c < parent.size(); ++c) {
        out.list[next[static_cast<std::size_t>(parent[c])]++] = static_cast<Index>(c);
    }
    return out;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_CONDENSED_TREE_CORE_HPP
