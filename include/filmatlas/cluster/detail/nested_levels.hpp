// SPDX-License-Identifier: MIT
// Before the guard: header-only, this includes the bodies, which need what follows.
#include "filmatlas/cluster/nested.hpp"

#ifndef FILMATLAS_CLUSTER_DETAIL_NESTED_LEVELS_HPP
#define FILMATLAS_CLUSTER_DETAIL_NESTED_LEVELS_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/cluster/detail/linkage_distances.hpp"

/// @file nested_levels.hpp
/// @brief The levels above the finest: capped merges, moves between groups, the choice of counts.

namespace filmatlas::detail {

/// One merge of two groups, by the representatives they had.
struct NestedMerge {
    Index from;
    Index to;
    double height;
};

/// What a merge costs: the squared distance d2 of two centroids times a power of a b / (a + b), their weights.
enum class NestedLink {
    Ward,         ///< power 1: the growth of the sum of squares
    WardThree,    ///< power 3/4: between the two, large nodes are hindered less
    WardHalf,     ///< power 1/2
    Average,      ///< power 0 and the mean of the squared distances instead of that of the centroids
};
inline constexpr NestedLink kNestedLinks[] = {NestedLink::Ward, NestedLink::WardThree, NestedLink::WardHalf,
                                              NestedLink::Average};
inline std::string_view nested_link_name(NestedLink link) {
    switch (link) {
        case NestedLink::Ward: break;
        case NestedLink::WardThree: return "ward^0.75";
        case NestedLink::WardHalf: return "ward^0.5";
        case NestedLink::Average: return "average";
    }
    return "ward";
}

/// Squared distances of all pairs of nodes.
inline CondensedDistances nested_square(const Matrix<double>& centroids, int num_threads) {
    if (centroids.rows() < 2) return {};
    return linkage_measure<double>(centroids, Metric::SqEuclidean, num_threads, Progress());
}

inline CondensedDistances nested_copy(const CondensedDistances& square, std::int64_t nodes) {
    if (nodes < 2) return {};
    CondensedDistances out(nodes);
    std::copy_n(square.values.get(), square.count, out.data());
    return out;
}

/// Size-weighted merges from the given nodes down to `target` groups, none heavier than `cap` while another
/// merge is left, and none across parents.
class NestedMerger {
public:
    /// @param square  squared distances of the nodes
    /// @param parents of the nodes; empty when all may be merged
    NestedMerger(CondensedDistances square, std::vector<double> weights, NestedLink link,
                 std::vector<Index> parents = {})
        : m_(static_cast<std::int64_t>(weights.size())),
          link_(link),
          parents_(std::move(parents)),
          weight_(std::move(weights)),
          alive_(weight_.size(), 1),
          nearest_(weight_.size(), kNone),
          least_(weight_.size(), 0.0),
          square_(std::move(square)) {
        if (m_ < 2) return;
        if (parents_.empty()) parents_.assign(weight_.size(), 0);
        families_.resize(static_cast<std::size_t>(*std::max_element(parents_.begin(), parents_.end())) + 1);
        for (Index i = 0; i < m_; ++i) family(i).push_back(i);
    }
    /// @param method Ward or Average
    NestedMerger(const Matrix<double>& centroids, std::vector<double> weights, LinkageMethod method,
                 int num_threads)
        : NestedMerger(nested_square(centroids, num_threads), std::move(weights),
                       method == LinkageMethod::Average ? NestedLink::Average : NestedLink::Ward) {}

    std::vector<NestedMerge> merge_to(int target, double cap) {
        std::vector<NestedMerge> merges;
        if (m_ < 2) return merges;
        search_all(cap);
        for (std::int64_t left = m_; left > target; --left) {
            Index x = cheapest(cap);
            Index y = x < 0 ? -1 : nearest_[at(x)];
            if (x < 0 && !lightest_pair(x, y)) break;
            if (x > y) std::swap(x, y);
            merges.push_back({y, x, height(x, y)});
            join(x, y, cap);
        }
        return merges;
    }

private:
    static constexpr Index kNone = -1;    ///< nothing to join within the cap
    static constexpr Index kUnsure = -2;  ///< to be searched; `least_` is a lower bound

    static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
    /// The groups left under the parent of a node, ascending.
    std::vector<Index>& family(Index i) { return families_[at(parents_[at(i)])]; }

    /// Rises with the cost of the merge; without roots.
    double cost(Index i, Index j) const {
        const double square = square_[linkage_at(m_, i, j)];
        if (link_ == NestedLink::Average) return square;
        const double a = weight_[at(i)];
        const double b = weight_[at(j)];
        const double size = a * b / (a + b);
        const double whole = square * size;
        if (link_ == NestedLink::Ward) return whole;
        return link_ == NestedLink::WardHalf ? whole * square : whole * whole * whole * square;
    }

    /// Ward's as in SciPy, the root of 2 a b / (a + b) d2; the others' squared distance.
    double height(Index i, Index j) const {
        return link_ == NestedLink::Ward ? std::sqrt(2.0 * cost(i, j)) : square_[linkage_at(m_, i, j)];
    }

    /// Lance and Williams' update of the squared distances to the union, which takes the place of x.
    void join(Index x, Index y, double cap) {
        const double n_x = weight_[at(x)];
        const double n_y = weight_[at(y)];
        const double total = n_x + n_y;
        const double between =
            link_ == NestedLink::Average ? 0.0 : n_x * n_y * square_[linkage_at(m_, x, y)] / (total * total);
        alive_[at(y)] = 0;
        std::vector<Index>& others = family(x);
        others.erase(std::lower_bound(others.begin(), others.end(), y));
        weight_[at(x)] = total;
        nearest_[at(x)] = kNone;
        for (const Index i : others) {
            if (i == x) continue;
            double& to_x = square_[linkage_at(m_, i, x)];
            const double to_y = square_[linkage_at(m_, i, y)];
            to_x = std::max(0.0, (n_x * to_x + n_y * to_y) / total - between);
        }
        for (const Index i : others) {
            if (i != x) compare(i, x, y, cap);
        }
    }

    /// Updates what a group and the union x of x and y know as their cheapest partners. A group that lost its own is
    /// searched only when its turn comes: no other partner is cheaper than the lost one was.
    void compare(Index i, Index x, Index y, double cap) {
        Index& nearest = nearest_[at(i)];
        if (nearest == x || nearest == y) nearest = kUnsure;
        if (weight_[at(i)] + weight_[at(x)] > cap) return;
        const double value = cost(i, x);
        double& least = least_[at(i)];
        if (nearest == kNone || value < least || (value == least && nearest > x)) {
            nearest = x;
            least = value;
        }
        offer(x, i, value);
    }

    /// The group whose next merge is the cheapest, -1 when the cap allows none.
    Index cheapest(double cap) {
        while (true) {
            Index best = -1;
            for (Index i = 0; i < m_; ++i) {
                if (alive_[at(i)] == 0 || nearest_[at(i)] == kNone) continue;
                if (best < 0 || least_[at(i)] < least_[at(best)]) best = i;
            }
            if (best < 0 || nearest_[at(best)] != kUnsure) return best;
            search(best, cap);
        }
    }

    /// Partners come in ascending order: the first of equal ones stays.
    void offer(Index i, Index partner, double value) {
        if (nearest_[at(i)] != kNone && !(value < least_[at(i)])) return;
        nearest_[at(i)] = partner;
        least_[at(i)] = value;
    }

    /// The first search of every group, reading the triangle of distances in its order.
    void search_all(double cap) {
        std::fill(nearest_.begin(), nearest_.end(), kNone);
        for (const std::vector<Index>& members : families_) {
            for (std::size_t a = 0; a < members.size(); ++a) {
                for (std::size_t b = a + 1; b < members.size(); ++b) {
                    if (weight_[at(members[a])] + weight_[at(members[b])] > cap) continue;
                    const double value = cost(members[a], members[b]);
                    offer(members[a], members[b], value);
                    offer(members[b], members[a], value);
                }
            }
        }
    }

    void search(Index i, double cap) {
        nearest_[at(i)] = kNone;
        for (const Index j : family(i)) {
            if (j != i && weight_[at(i)] + weight_[at(j)] <= cap) offer(i, j, cost(i, j));
        }
    }

    /// When every merge breaks the cap: the pair that breaks it least.
    bool lightest_pair(Index& x, Index& y) const {
        std::vector<std::tuple<Index, double, Index>> nodes;  // by parent, then weight
        for (Index i = 0; i < m_; ++i) {
            if (alive_[at(i)] != 0) nodes.emplace_back(parents_[at(i)], weight_[at(i)], i);
        }
        std::sort(nodes.begin(), nodes.end());
        double least = 0;
        for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
            const auto& [parent, weight, node] = nodes[i];
            const auto& [next_parent, next_weight, next] = nodes[i + 1];
            if (parent != next_parent || (x >= 0 && !(weight + next_weight < least))) continue;
            least = weight + next_weight;
            x = node;
            y = next;
        }
        return x >= 0;
    }

    std::int64_t m_;
    NestedLink link_;
    std::vector<Index> parents_;
    std::vector<std::vector<Index>> families_;  ///< by parent
    std::vector<double> weight_;
    std::vector<char> alive_;
    std::vector<Index> nearest_;  ///< the cheapest group that each may join
    std::vector<double> least_;   ///< what that costs
    CondensedDistances square_;  ///< of the centroids
};

/// Groups after the first `count` merges, one label per node, by first node.
inline std::vector<Index> nested_apply(std::int64_t nodes, const std::vector<NestedMerge>& merges,
                                       std::size_t count) {
    std::vector<Index> group(static_cast<std::size_t>(nodes));
    std::iota(group.begin(), group.end(), Index{0});
    // Merges name representatives that are still alive, so going backwards every target is final already.
    for (std::size_t i = count; i-- > 0;) {
        group[static_cast<std::size_t>(merges[i].from)] = group[static_cast<std::size_t>(merges[i].to)];
    }
    return group;
}

/// The groups of a level while nodes move between them, never to another parent.
class NestedGroups {
public:
    NestedGroups(const Matrix<double>& nodes, const std::vector<double>& weight, double cap, bool unit,
                 std::vector<Index>& group, int count, const std::vector<Index>& parents = {})
        : nodes_(nodes),
          weight_(weight),
          cap_(cap),
          unit_(unit),
          group_(group),
          mean_(count, nodes.cols()),
          total_(static_cast<std::size_t>(count), 0.0),
          members_(static_cast<std::size_t>(count), 0) {
        if (parents.empty()) return;
        parent_.assign(static_cast<std::size_t>(count), 0);
        for (std::size_t i = 0; i < group_.size(); ++i) parent_[at(group_[i])] = parents[i];
    }

    /// Keeps the cap where merges had to break it, and moves nothing else.
    void keep_cap() {
        take_means();
        relieve();
    }

    /// Moves nodes to the group whose centroid is nearest while that lowers the sum of squares and keeps the
    /// cap: repairs what the merges, which never look back, got wrong.
    void refine() {
        for (int round = 0; round < 20; ++round) {
            take_means();
            bool moved = relieve();
            for (std::size_t i = 0; i < group_.size(); ++i) {
                if (members_[at(group_[i])] < 2) continue;
                Index best = group_[i];
                double nearest = distance(i, best);
                for (Index g = 0; g < mean_.rows(); ++g) {
                    if (g == group_[i] || !related(g, group_[i]) || total_[at(g)] + weight_[i] > cap_) continue;
                    if (const double value = distance(i, g); value < nearest) {
                        nearest = value;
                        best = g;
                    }
                }
                if (best == group_[i]) continue;
                move(i, best);
                moved = true;
            }
            if (!moved) break;
        }
    }

private:
    static std::size_t at(Index g) { return static_cast<std::size_t>(g); }
    bool related(Index g, Index h) const { return parent_.empty() || parent_[at(g)] == parent_[at(h)]; }
    double distance(std::size_t i, Index g) const {
        return linkage_distance(nodes_.row_data(static_cast<std::int64_t>(i)), mean_.row_data(g),
                                nodes_.cols(), Metric::SqEuclidean);
    }
    void move(std::size_t i, Index to) {
        total_[at(group_[i])] -= weight_[i];
        --members_[at(group_[i])];
        total_[at(to)] += weight_[i];
        ++members_[at(to)];
        group_[i] = to;
    }
    void take_means() {
        std::fill(mean_.values().begin(), mean_.values().end(), 0.0);
        std::fill(total_.begin(), total_.end(), 0.0);
        std::fill(members_.begin(), members_.end(), 0);
        for (std::size_t i = 0; i < group_.size(); ++i) {
            const Index g = group_[i];
            total_[at(g)] += weight_[i];
            ++members_[at(g)];
            const double* node = nodes_.row_data(static_cast<std::int64_t>(i));
            for (std::int64_t j = 0; j < nodes_.cols(); ++j) mean_(g, j) += weight_[i] * node[j];
        }
        for (Index g = 0; g < mean_.rows(); ++g) {
            double norm2 = 0;
            for (const double value : mean_.row(g)) norm2 += value * value;
            const double norm = unit_ ? std::sqrt(norm2) : total_[at(g)];
            for (double& value : mean_.row(g)) value = norm > 0 ? value / norm : value;
        }
    }
    /// Takes nodes out of groups that merges had to make heavier than the cap, the cheapest first, as long as
    /// another group has room.
    bool relieve() {
        bool moved = false;
        for (Index g = 0; g < mean_.rows(); ++g) {
            while (total_[at(g)] > cap_ && members_[at(g)] > 1) {
                std::size_t node = group_.size();
                Index to = -1;
                double cheapest = 0;
                for (std::size_t i = 0; i < group_.size(); ++i) {
                    if (group_[i] != g) continue;
                    const double own = distance(i, g);
                    for (Index h = 0; h < mean_.rows(); ++h) {
                        if (h == g || !related(g, h) || total_[at(h)] + weight_[i] > cap_) continue;
                        const double cost = weight_[i] * (distance(i, h) - own);
                        if (to < 0 || cost < cheapest) {
                            cheapest = cost;
                            node = i;
                            to = h;
                        }
                    }
                }
                if (to < 0) break;
                move(node, to);
                moved = true;
            }
        }
        return moved;
    }

    const Matrix<double>& nodes_;
    const std::vector<double>& weight_;
    double cap_;
    bool unit_;
    std::vector<Index>& group_;
    std::vector<Index> parent_;  ///< of the groups; empty when nodes may go anywhere
    Matrix<double> mean_;
    std::vector<double> total_;
    std::vector<int> members_;
};

/// Counts to search, coarse to fine, for `finest` finest nodes.
inline std::vector<LevelRange> nested_default_ranges(int levels, int finest) {
    std::vector<LevelRange> ranges(static_cast<std::size_t>(levels));
    LevelRange top;
    top.max = std::clamp(finest / 2, 1, 14);
    top.min = std::min(top.max, std::max(2, top.max * 3 / 7));
    const double from = 0.5 * (top.min + top.max);
    const double ratio = std::max(1.0, finest / from);
    for (int level = 0; level < levels; ++level) {
        LevelRange& range = ranges[static_cast<std::size_t>(level)];
        if (level == levels - 1) {
            range = {finest, finest};
        } else if (level == 0) {
            range = top;
        } else {
            const double middle = from * std::pow(ratio, static_cast<double>(level) / (levels - 1));
            const LevelRange& above = ranges[static_cast<std::size_t>(level) - 1];
            range.max = std::clamp(static_cast<int>(std::lround(1.4 * middle)), above.max, finest);
            range.min = std::clamp(static_cast<int>(std::lround(0.7 * middle)), above.max, range.max);
        }
    }
    return ranges;
}

/// The count inside the range at which the next merge is dearest relative to the one before.
inline std::pair<int, double> nested_choose_count(const std::vector<NestedMerge>& merges, int nodes,
                                                  LevelRange range) {
    std::vector<double> height;  // never falling: the cap can make a dear merge come before a cheap one
    for (const NestedMerge& merge : merges) {
        height.push_back(height.empty() ? merge.height : std::max(height.back(), merge.height));
    }
    int best = std::min(nodes, range.max);
    double best_gap = -1;
    for (int count = std::min(nodes - 1, range.max); count >= range.min; --count) {
        const auto next = static_cast<std::size_t>(nodes - count);
        if (next >= height.size() || !(height[next - 1] > 0)) continue;
        const double gap = height[next] / height[next - 1] - 1.0;
        if (gap > best_gap) {
            best_gap = gap;
            best = count;
        }
    }
    return {best, std::max(0.0, best_gap)};
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_NESTED_LEVELS_HPP
