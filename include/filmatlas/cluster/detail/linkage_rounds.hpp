// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_LINKAGE_ROUNDS_HPP
#define FILMATLAS_CLUSTER_DETAIL_LINKAGE_ROUNDS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/core/error.hpp"

/// @file linkage_rounds.hpp
/// @brief Reducible linkages in rounds: all pairs of clusters that are each other's nearest merge at once.
///
/// Where a merge never brings two other clusters nearer (single, complete, average, weighted, ward), every pair
/// of mutual nearest neighbours is merged sooner or later, whatever else is merged first (Bruynooghe 1977), so
/// that a round can merge them all. Every cluster keeps its nearest neighbour until that is merged; then its
/// old distance is still a lower bound. It is searched again when another waits for it, or when few are in that
/// state. A chain of neighbours (Murtagh 1983) is followed in this way from many ends at once, and searches
/// come in batches, for which products of blocks and sweeps over whole rows are several times faster than one
/// search at a time.

namespace filmatlas::detail {

/// Slots x < y merge; the cluster stays in slot y.
struct LinkagePair {
    Index x;
    Index y;
    double value;  ///< as the space compares them: perhaps squared
};

/// Runs the rounds over a space of clusters in slots 0 .. n - 1, which offers
///
///   search(slots, nearest, value)  for each listed slot (ascending, alive), its nearest other one alive, the lower on a
///                                  tie, and their value; nearest holds a guess or -1
///   merge(pairs)                   merges disjoint pairs
///   compact(kept)                  keeps the listed slots only, renumbered 0, 1, ... in this order
///   height(value)                  what to write down
template <class Space>
class LinkageRounds {
public:
    LinkageRounds(std::int64_t n, Space& space)
        : space_(space),
          alive_(static_cast<std::size_t>(n), 1),
          fresh_(static_cast<std::size_t>(n), 0),
          nearest_(static_cast<std::size_t>(n), -1),
          value_(static_cast<std::size_t>(n), 0.0),
          item_(static_cast<std::size_t>(n)),
          left_(n) {
        std::iota(item_.begin(), item_.end(), Index{0});
    }

    LinkageTree run(const Progress& progress) {
        const std::int64_t n = left_;
        std::vector<LinkageMerge> found = merges(progress);
        return linkage_label(n, found, true);
    }

    /// The merges in the order they were found; slots stand for themselves.
    std::vector<LinkageMerge> merges(const Progress& progress) {
        const std::int64_t n = left_;
        std::vector<LinkageMerge> merges;
        merges.reserve(static_cast<std::size_t>(n) - 1);
        bool searched_all = false;
        while (left_ > 1) {
            const std::vector<LinkagePair> pairs = mutual_pairs();
            if (pairs.empty()) {
                // Rounding or ties can hide every pair; of fresh neighbours, the lower slot on a tie, one is
                // always found.
                const std::vector<Index> wanted = searched_all ? std::vector<Index>{} : to_search();
                if (wanted.empty() && searched_all) {
                    throw Error(ErrorCode::Internal, ErrorContext{"linkage", {}, -1, {}, -1}, "no pair to merge");
                }
                searched_all = wanted.empty();
                search(searched_all ? all_alive() : wanted);
                continue;
            }
            searched_all = false;
            for (const LinkagePair& pair : pairs) {
                merges.push_back({item_[at(pair.x)], item_[at(pair.y)], space_.height(pair.value)});
            }
            merge(pairs);
            progress("linkage", static_cast<std::int64_t>(merges.size()), n - 1);
            if (left_ > 1) search(to_search());
        }
        return merges;
    }

private:
    static std::size_t at(Index slot) { return static_cast<std::size_t>(slot); }

    std::vector<LinkagePair> mutual_pairs() const {
        std::vector<LinkagePair> pairs;
        for (std::size_t i = 0; i < fresh_.size(); ++i) {
            if (fresh_[i] == 0) continue;
            const Index j = nearest_[i];
            if (static_cast<std::size_t>(j) > i && fresh_[at(j)] != 0 && nearest_[at(j)] == static_cast<Index>(i)) {
                pairs.push_back({static_cast<Index>(i), j, value_[i]});
            }
        }
        return pairs;
    }

    void merge(const std::vector<LinkagePair>& pairs) {
        space_.merge(pairs);
        std::vector<Index> into(alive_.size(), -1);
        for (const LinkagePair& pair : pairs) {
            into[at(pair.x)] = into[at(pair.y)] = pair.y;
            alive_[at(pair.x)] = 0;
            fresh_[at(pair.x)] = fresh_[at(pair.y)] = 0;
        }
        for (std::size_t i = 0; i < alive_.size(); ++i) {
            if (alive_[i] == 0 || nearest_[i] < 0) continue;
            const Index moved = into[at(nearest_[i])];
            if (moved < 0) continue;
            fresh_[i] = 0;
            nearest_[i] = moved == static_cast<Index>(i) ? -1 : moved;
        }
        merged_ = pairs;
        left_ -= static_cast<std::int64_t>(pairs.size());
        if (4 * left_ < 3 * static_cast<std::int64_t>(alive_.size())) compact();
    }

    /// The clusters just made and those that a fresh one waits for; where there are none, all that lost their
    /// neighbour.
    std::vector<Index> to_search() const {
        std::vector<Index> lost;
        std::vector<char> wanted(alive_.size(), 0);
        for (std::size_t i = 0; i < alive_.size(); ++i) {
            if (alive_[i] != 0 && fresh_[i] == 0) lost.push_back(static_cast<Index>(i));
            if (fresh_[i] != 0) wanted[at(nearest_[i])] = 1;
        }
        for (const LinkagePair& pair : merged_) wanted[at(pair.y)] = 1;
        std::vector<Index> some;
        std::copy_if(lost.begin(), lost.end(), std::back_inserter(some), [&](Index i) { return wanted[at(i)] != 0; });
        return some.empty() ? lost : some;
    }

    std::vector<Index> all_alive() const {
        std::vector<Index> slots;
        for (std::size_t i = 0; i < alive_.size(); ++i) {
            if (alive_[i] != 0) slots.push_back(static_cast<Index>(i));
        }
        return slots;
    }

    void search(const std::vector<Index>& slots) {
        if (slots.empty()) return;
        space_.search(slots, nearest_, value_);
        for (const Index i : slots) fresh_[at(i)] = 1;
    }

    void compact() {
        const std::vector<Index> kept = all_alive();
        std::vector<Index> place(alive_.size(), -1);
        for (std::size_t k = 0; k < kept.size(); ++k) place[at(kept[k])] = static_cast<Index>(k);
        for (std::size_t k = 0; k < kept.size(); ++k) {
            const std::size_t old = at(kept[k]);
            fresh_[k] = fresh_[old];
            value_[k] = value_[old];
            item_[k] = item_[old];
            nearest_[k] = nearest_[old] < 0 ? -1 : place[at(nearest_[old])];
        }
        for (LinkagePair& pair : merged_) pair.y = place[at(pair.y)];
        alive_.assign(kept.size(), 1);
        fresh_.resize(kept.size());
        value_.resize(kept.size());
        item_.resize(kept.size());
        nearest_.resize(kept.size());
        space_.compact(kept);
    }

    Space& space_;
    std::vector<char> alive_;
    std::vector<char> fresh_;  ///< `nearest` is known
    std::vector<Index> nearest_;
    std::vector<double> value_;
    std::vector<Index> item_;  ///< one item of each slot's cluster
    std::vector<LinkagePair> merged_;  ///< of the last round
    std::int64_t left_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_LINKAGE_ROUNDS_HPP
