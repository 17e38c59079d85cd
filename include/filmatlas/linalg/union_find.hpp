// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_UNION_FIND_HPP
#define FILMATLAS_LINALG_UNION_FIND_HPP

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"

/// @file union_find.hpp
/// @brief Disjoint sets of items, joined one pair at a time.
///
/// Union by size with path halving: practically constant time per call, no recursion. Which member is a set's
/// root is deterministic (the larger set's root; of equal ones the lower id) but carries no meaning.

namespace filmatlas {

/// Partition of the ids 0 .. n-1.
class UnionFind {
public:
    /// n sets of one item each.
    explicit UnionFind(std::int64_t n = 0)
        : parent_(static_cast<std::size_t>(n)), size_(static_cast<std::size_t>(n), 1), num_sets_(n) {
        for (std::size_t i = 0; i < parent_.size(); ++i) parent_[i] = static_cast<Index>(i);
    }

    std::int64_t num_items() const noexcept { return static_cast<std::int64_t>(parent_.size()); }
    std::int64_t num_sets() const noexcept { return num_sets_; }

    /// Root of `item`'s set. Shortens paths as it goes; the overload for const objects does not.
    Index find(Index item) noexcept {
        while (parent(item) != item) {
            parent(item) = parent(parent(item));
            item = parent(item);
        }
        return item;
    }
    Index find(Index item) const noexcept {
        while (parent_[static_cast<std::size_t>(item)] != item)
            item = parent_[static_cast<std::size_t>(item)];
        return item;
    }

    /// Joins the sets of a and b. False when they were one already.
    bool unite(Index a, Index b) noexcept {
        a = find(a);
        b = find(b);
        if (a == b) return false;
        if (size(a) < size(b) || (size(a) == size(b) && b < a)) std::swap(a, b);
        parent(b) = a;
        size(a) += size(b);
        --num_sets_;
        return true;
    }

    /// Members of `item`'s set.
    Index set_size(Index item) const noexcept { return size_[static_cast<std::size_t>(find(item))]; }

    /// Ids 0 .. num_sets()-1 in the order of each set's lowest member. Shape (n,).
    std::vector<Index> labels() const {
        std::vector<Index> label_of_root(parent_.size(), -1);
        std::vector<Index> labels(parent_.size());
        Index next = 0;
        for (std::size_t i = 0; i < parent_.size(); ++i) {
            Index& label = label_of_root[static_cast<std::size_t>(find(static_cast<Index>(i)))];
            if (label < 0) label = next++;
            labels[i] = label;
        }
        return labels;
    }

private:
    Index& parent(Index i) noexcept { return parent_[static_cast<std::size_t>(i)]; }
    Index& size(Index i) noexcept { return size_[static_cast<std::size_t>(i)]; }

    std::vector<Index> parent_;
    std::vector<Index> size_;
    std::int64_t num_sets_ = 0;
};

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_UNION_FIND_HPP
