// SPDX-License-Identifier: MIT
// Before the guard: header-only, this includes the bodies, which need what follows.
#include "filmatlas/cluster/nested.hpp"

#ifndef FILMATLAS_CLUSTER_DETAIL_NESTED_LEVELS_HPP
#define FILMATLAS_CLUSTER_DETAIL_NESTED_LEVELS_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/linkage_core.hpp"

/// @file nested_levels.hpp
/// @brief The levels above the finest: capped merges, moves between groups, the choice of counts.

namespace filmatlas::detail {

/// One merge of two groups, by the representatives they had.
struct NestedMerge {
    Index from;
    Index to;
    double height;
};

/// What a merge of two nodes costs. Ward's: of weighted centroids; average: their squared distance.
inline double nested_merge_cost(const Matrix<double>& centroids, const std::vector<double>& weight,
                                LinkageMethod method, std::int64_t i, std::int64_t j) {
    const double distance = linkage_distance(centroids.row_data(i), centroids.row_data(j), centroids.cols(),
                                             Metric::SqEuclidean);
    if (method == LinkageMethod::Average) return distance;
    const double a = weight[static_cast<std::size_t>(i)];
    const double b = weight[static_cast<std::size_t>(j)];
    return std::sqrt(2.0 * a * b / (a + b) * distance);
}

/// Size-weighted merges from the given nodes down to `target` groups, none heavier than `cap` while another
/// merge is left.
class NestedMerger {
public:
    NestedMerger(const Matrix<double>& centroids, std::vector<double> weights, LinkageMethod method,
                 int num_threads)
        : m_(centroids.rows()),
          method_(method),
          weight_(std::move(weights)),
          alive_(weight_.size(), 1),
          nearest_(weight_.size(), -1) {
        if (m_ < 2) return;
        distance_ = linkage_condensed(m_, num_threads, Progress(), [&](std::int64_t i, std::int64_t j) {
            return nested_merge_cost(centroids, weight_, method_, i, j);
        });
    }

    std::vector<NestedMerge> merge_to(int target, double cap) {
        std::vector<NestedMerge> merges;
        for (Index i = 0; i < m_; ++i) search(i, cap);
        for (std::int64_t left = m_; left > target; --left) {
            Index x = -1;
            for (Index i = 0; i < m_; ++i) {
                if (alive_[at(i)] == 0 || nearest_[at(i)] < 0) continue;
                if (x < 0 || value(i, nearest_[at(i)]) < value(x, nearest_[at(x)])) x = i;
            }
            Index y = x < 0 ? -1 : nearest_[at(x)];
            if (x < 0) lightest_pair(x, y);
            if (x > y) std::swap(x, y);
            const double height = value(x, y);
            merges.push_back({y, x, height});
            const double n_x = weight_[at(x)];
            const double n_y = weight_[at(y)];
            alive_[at(y)] = 0;
            weight_[at(x)] = n_x + n_y;
            for (Index i = 0; i < m_; ++i) {
                if (alive_[at(i)] == 0 || i == x) continue;
                double& to_x = distance_[linkage_at(m_, i, x)];
                to_x = linkage_update(method_, to_x, value(i, y), height, n_x, n_y, weight_[at(i)]);
            }
            for (Index i = 0; i < m_; ++i) {
                if (alive_[at(i)] == 0 || i == x) continue;
                Index& guess = nearest_[at(i)];
                if (guess == x || guess == y) {
                    search(i, cap);
                } else if (weight_[at(i)] + weight_[at(x)] <= cap &&
                           (guess < 0 || value(i, x) < value(i, guess) ||
                            (value(i, x) == value(i, guess) && x < guess))) {
                    guess = x;
                }
            }
            search(x, cap);
        }
        return merges;
    }

private:
    static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
    double value(Index i, Index j) const { return distance_[linkage_at(m_, i, j)]; }

    /// The nearest group it may join, -1 when there is none.
    void search(Index i, double cap) {
        Index best = -1;
        for (Index j = 0; j < m_; ++j) {
            if (j == i || alive_[at(j)] == 0 || weight_[at(i)] + weight_[at(j)] > cap) continue;
            if (best < 0 || value(i, j) < value(i, best)) best = j;
        }
        nearest_[at(i)] = best;
    }

    /// When every merge breaks the cap: the pair that breaks it least.
    void lightest_pair(Index& x, Index& y) const {
        std::vector<std::pair<double, Index>> by_weight;
        for (Index i = 0; i < m_; ++i) {
            if (alive_[at(i)] != 0) by_weight.emplace_back(weight_[at(i)], i);
        }
        std::partial_sort(by_weight.begin(), by_weight.begin() + 2, by_weight.end());
        x = by_weight[0].second;
        y = by_weight[1].second;
    }

    std::int64_t m_;
    LinkageMethod method_;
    std::vector<double> weight_;
    std::vector<char> alive_;
    std::vector<Index> nearest_;
    CondensedDistances distance_;
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

/// The groups of a level while nodes move between them.
class NestedGroups {
public:
    NestedGroups(const Matrix<double>& nodes, const std::vector<double>& weight, double cap, bool unit,
                 std::vector<Index>& group, int count)
        : nodes_(nodes),
          weight_(weight),
          cap_(cap),
          unit_(unit),
          group_(group),
          mean_(count, nodes.cols()),
          total_(static_cast<std::size_t>(count), 0.0),
          members_(static_cast<std::size_t>(count), 0) {}

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
                    if (g == group_[i] || total_[at(g)] + weight_[i] > cap_) continue;
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
                        if (h == g || total_[at(h)] + weight_[i] > cap_) continue;
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
