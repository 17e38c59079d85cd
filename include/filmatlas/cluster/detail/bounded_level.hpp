// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_BOUNDED_LEVEL_HPP
#define FILMATLAS_CLUSTER_DETAIL_BOUNDED_LEVEL_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/nested_levels.hpp"
#include "filmatlas/cluster/detail/tree_vectors.hpp"
#include "filmatlas/cluster/hierarchy_update.hpp"

// Splits what is too large and joins what is too small: the work of `bound_sizes`.

namespace filmatlas::detail {

/// Groups of the children of a node that is too large, no heavier than `cap` where that can be.
inline std::vector<Index> bounded_groups(const Matrix<double>& centres, const std::vector<double>& weight,
                                         double cap, bool unit, int num_threads) {
    const double total = std::accumulate(weight.begin(), weight.end(), 0.0);
    const int most = static_cast<int>(weight.size());
    const int count = std::min(most, static_cast<int>(std::ceil(total / cap)));
    std::vector<Index> best;
    // More groups than the sum of the sizes asks for can be needed where the children do not pack.
    for (int groups = count; groups <= most; ++groups) {
        NestedMerger merger(centres, weight, LinkageMethod::Ward, num_threads);
        const std::vector<NestedMerge> merges = merger.merge_to(groups, cap);
        std::vector<Index> label = nested_apply(most, merges, merges.size());
        std::vector<Index> used = label;
        std::sort(used.begin(), used.end());
        used.erase(std::unique(used.begin(), used.end()), used.end());
        for (Index& l : label)
            l = static_cast<Index>(std::lower_bound(used.begin(), used.end(), l) - used.begin());
        NestedGroups moves(centres, weight, cap, unit, label, static_cast<int>(used.size()));
        moves.keep_cap();
        std::vector<double> size(used.size(), 0.0);
        for (std::size_t c = 0; c < label.size(); ++c) size[static_cast<std::size_t>(label[c])] += weight[c];
        best = std::move(label);
        if (*std::max_element(size.begin(), size.end()) <= cap) break;
    }
    return best;
}

/// Pieces of a finest node that is too large: k-means, again while a piece is too large.
inline std::vector<std::vector<Index>> bounded_pieces(const TreeVectors& vectors, std::vector<Index> items,
                                                      std::int64_t max, int num_threads) {
    std::vector<std::vector<Index>> pieces = {std::move(items)};
    for (std::size_t p = 0; p < pieces.size(); ++p) {
        const auto size = static_cast<std::int64_t>(pieces[p].size());
        if (size <= max) continue;
        const std::vector<Index> valid = tree_valid(vectors, pieces[p]);
        const auto k = static_cast<int>(
            std::min<std::int64_t>((size + max - 1) / max, static_cast<std::int64_t>(valid.size())));
        if (k < 2) continue;
        const KMeansResult cut = tree_parts(vectors, valid, k, num_threads);
        if (cut.sizes[1] == 0) continue;  // the same item many times
        std::vector<std::vector<Index>> parts(static_cast<std::size_t>(k));
        for (std::size_t r = 0; r < valid.size(); ++r)
            parts[static_cast<std::size_t>(cut.labels[r])].push_back(valid[r]);
        const auto largest = std::max_element(
            parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
        for (const Index item : pieces[p]) {
            if (!vectors.valid(item)) largest->push_back(item);
        }
        pieces[p] = std::move(parts.front());
        for (std::size_t c = 1; c < parts.size(); ++c) {
            if (!parts[c].empty()) pieces.push_back(std::move(parts[c]));
        }
        --p;  // what stands here now may still be too large
    }
    return pieces;
}

/// One level of bound_sizes: groups inside parents while they are split and joined.
class BoundedLevel {
public:
    struct Part {
        Index parent = 0;
        Index previous = -1;
        std::vector<Index> items;
    };
    BoundedLevel(const TreeVectors& vectors, SizeBounds bounds) : vectors_(vectors), bounds_(bounds) {}

    std::vector<Part> parts;

    bool too_large(const Part& part) const {
        return bounds_.max > 0 && static_cast<std::int64_t>(part.items.size()) > bounds_.max;
    }
    bool too_small(const Part& part) const {
        return static_cast<std::int64_t>(part.items.size()) < bounds_.min;
    }

    /// Joins parts that are too small to siblings, the smallest first. @return how many
    std::int64_t join() {
        const std::int64_t d = vectors_.cols();
        Matrix<double> sum(static_cast<std::int64_t>(parts.size()), d);
        std::vector<std::int64_t> count(parts.size(), 0);
        const auto add = [&](std::size_t p) {
            std::fill(sum.row(static_cast<std::int64_t>(p)).begin(),
                      sum.row(static_cast<std::int64_t>(p)).end(), 0.0);
            count[p] = vectors_.add(parts[p].items, sum.row_data(static_cast<std::int64_t>(p)));
            vectors_.finish(sum.row_data(static_cast<std::int64_t>(p)), count[p]);
        };
        for (std::size_t p = 0; p < parts.size(); ++p) add(p);
        std::int64_t joined = 0;
        std::vector<char> alone(parts.size(), 0);
        while (true) {
            std::size_t small = parts.size();
            for (std::size_t p = 0; p < parts.size(); ++p) {
                if (parts[p].items.empty() || alone[p] != 0 || !too_small(parts[p])) continue;
                if (small == parts.size() || parts[p].items.size() < parts[small].items.size()) small = p;
            }
            if (small == parts.size()) break;
            std::size_t to = parts.size();
            double nearest = 0;
            bool to_fits = false;
            for (std::size_t p = 0; p < parts.size(); ++p) {
                if (p == small || parts[p].items.empty() || parts[p].parent != parts[small].parent) continue;
                const auto together =
                    static_cast<std::int64_t>(parts[p].items.size() + parts[small].items.size());
                const bool fits = bounds_.max == 0 || together <= bounds_.max;
                const double distance = vectors_.distance(sum.row_data(static_cast<std::int64_t>(small)),
                                                          sum.row_data(static_cast<std::int64_t>(p)));
                if (to == parts.size() || (fits && !to_fits) || (fits == to_fits && distance < nearest)) {
                    to = p;
                    nearest = distance;
                    to_fits = fits;
                }
            }
            if (to == parts.size()) {
                alone[small] = 1;
                continue;
            }
            parts[to].items.insert(parts[to].items.end(), parts[small].items.begin(),
                                   parts[small].items.end());
            std::sort(parts[to].items.begin(), parts[to].items.end());
            parts[small].items.clear();
            add(to);
            ++joined;
        }
        std::erase_if(parts, [](const Part& part) { return part.items.empty(); });
        return joined;
    }

private:
    const TreeVectors& vectors_;
    SizeBounds bounds_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_BOUNDED_LEVEL_HPP
