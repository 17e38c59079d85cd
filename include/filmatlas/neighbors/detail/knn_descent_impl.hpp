// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_DESCENT_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_DESCENT_IMPL_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/detail/knn_candidates_impl.hpp"
#include "filmatlas/neighbors/detail/knn_forest_impl.hpp"

namespace filmatlas::detail {

/// Who names whom: for each item the items whose frozen lists hold it, with the entry's flag.
class KnnReverse {
public:
    void build(const std::vector<std::uint32_t>& frozen, std::int64_t items, std::size_t slots,
               int num_threads) {
        const auto n = static_cast<std::size_t>(items);
        if (!next_) next_ = std::make_unique<std::atomic<std::int64_t>[]>(n + 1);
        for (std::size_t i = 0; i <= n; ++i) next_[i].store(0, std::memory_order_relaxed);
        parallel_for(items, 4096, num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (auto e = static_cast<std::size_t>(begin) * slots; e < static_cast<std::size_t>(end) * slots;
                 ++e) {
                if (frozen[e] != KnnCandidates::no_candidate)
                    next_[frozen[e] >> 1].fetch_add(1, std::memory_order_relaxed);
            }
        });
        std::int64_t sum = 0;
        for (std::size_t i = 0; i <= n; ++i)
            sum += next_[i].exchange(sum, std::memory_order_relaxed);
        entries_.resize(static_cast<std::size_t>(next_[n].load(std::memory_order_relaxed)));
        parallel_for(items, 4096, num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                for (std::size_t s = 0; s < slots; ++s) {
                    const std::uint32_t entry = frozen[i * slots + s];
                    if (entry == KnnCandidates::no_candidate) break;
                    const std::int64_t at = next_[entry >> 1].fetch_add(1, std::memory_order_relaxed);
                    entries_[static_cast<std::size_t>(at)] = static_cast<std::uint32_t>(i) << 1 | (entry & 1);
                }
            }
        });
    }

    /// In no particular order: the workers race for the places.
    std::span<const std::uint32_t> of(std::int64_t item) const {
        const auto at = static_cast<std::size_t>(item);
        const std::int64_t begin = at == 0 ? 0 : next_[at - 1].load(std::memory_order_relaxed);
        const std::int64_t end = next_[at].load(std::memory_order_relaxed);
        return {entries_.data() + begin, static_cast<std::size_t>(end - begin)};
    }

private:
    std::unique_ptr<std::atomic<std::int64_t>[]> next_;
    std::vector<std::uint32_t> entries_;
};

struct KnnDescentPlan {
    int n_trees;
    int leaf_size;
    int slots;           ///< candidates kept per item
    int max_candidates;  ///< of each kind (new or old) and direction
    int max_rounds;
    double delta;
    std::uint64_t seed;
    int num_threads;
};

/// Neighbour-of-neighbour descent (Dong, Charikar & Li, 2011) on top of a forest.
///
/// A round freezes all lists, and joins for each item those that it names or is named by: new ones with each
/// other and with the old ones. Offers go to the live lists; their limits only ever fall, so which pairs are
/// skipped does not matter, and the lists after a round are the best of all pairs of the round.
template <class Rows>
class KnnDescent {
public:
    using Workspace = typename Rows::Workspace;

    /// `rows` are brought into the order of the first tree, which keeps neighbours near in memory.
    KnnDescent(Rows& rows, const KnnDescentPlan& plan)
        : rows_(rows),
          plan_(plan),
          work_(static_cast<std::size_t>(resolve_num_threads(plan.num_threads))),
          order_(static_cast<std::size_t>(rows.size())) {}

    /// Former position of each row in the new order.
    const std::vector<std::uint32_t>& order() const { return order_; }
    const KnnCandidates& candidates() const { return *candidates_; }
    std::int64_t rounds() const { return rounds_; }
    bool converged() const { return converged_; }

    /// `phase(p)` gives the progress of phase p: one per tree, then one per round. Returns false where the rows
    /// turn out too coarse for these data; then there is no result.
    template <class Phase>
    bool run(Phase&& phase) {
        std::iota(order_.begin(), order_.end(), 0U);
        KnnTree<Rows>(rows_, plan_.leaf_size, plan_.seed, 0)
            .grow(order_, work_, plan_.num_threads, [](std::span<const std::uint32_t>, Workspace&) {},
                  phase(0), "knn_graph");
        rows_.reorder(order_, plan_.num_threads);
        candidates_.emplace(rows_.size(), plan_.slots);
        KnnCandidates& candidates = *candidates_;
        const auto join_leaf = [&](std::span<const std::uint32_t> items, Workspace& work) {
            rows_.join(items, items.size(), work, candidates);
        };
        join_first_leaves(join_leaf);
        std::vector<std::uint32_t> items(order_.size());
        for (int tree = 1; tree < plan_.n_trees; ++tree) {
            std::iota(items.begin(), items.end(), 0U);
            KnnTree<Rows>(rows_, plan_.leaf_size, plan_.seed, static_cast<std::uint64_t>(tree))
                .grow(items, work_, plan_.num_threads, join_leaf, phase(tree), "knn_graph");
        }
        items = {};
        if (rows_.too_coarse(candidates)) return false;
        descend(candidates, phase);
        return true;
    }

private:
    struct Sets {
        std::vector<std::uint32_t> fresh, old, items;
        std::vector<std::pair<std::uint64_t, std::uint32_t>> ranked;
        std::size_t left = 0;
    };

    /// The first tree's leaves are halves of halves of the whole order.
    template <class JoinLeaf>
    void join_first_leaves(JoinLeaf&& join_leaf) {
        std::vector<std::pair<std::size_t, std::size_t>> leaves;
        std::vector<std::pair<std::size_t, std::size_t>> open = {{0, order_.size()}};
        while (!open.empty()) {
            const auto [begin, end] = open.back();
            open.pop_back();
            if (end - begin <= static_cast<std::size_t>(plan_.leaf_size)) {
                leaves.emplace_back(begin, end);
                continue;
            }
            const std::size_t middle = begin + (end - begin) / 2;
            open.emplace_back(middle, end);
            open.emplace_back(begin, middle);
        }
        parallel_blocks(static_cast<std::int64_t>(leaves.size()), plan_.num_threads,
                        [&](std::int64_t leaf, int worker) {
                            const auto [begin, end] = leaves[static_cast<std::size_t>(leaf)];
                            std::vector<std::uint32_t> items(end - begin);
                            std::iota(items.begin(), items.end(), static_cast<std::uint32_t>(begin));
                            join_leaf(std::span<const std::uint32_t>(items),
                                      work_[static_cast<std::size_t>(worker)]);
                        });
    }

    template <class Phase>
    void descend(KnnCandidates& candidates, Phase&& phase) {
        std::vector<std::uint32_t> frozen;
        KnnReverse reverse;
        std::vector<Sets> sets(2 * work_.size());
        const std::int64_t enough = static_cast<std::int64_t>(
            plan_.delta * static_cast<double>(rows_.size()) * static_cast<double>(candidates.slots()));
        for (;;) {
            const std::int64_t fresh = candidates.freeze(frozen, plan_.num_threads);
            converged_ = fresh <= enough;
            if (converged_ || rounds_ == plan_.max_rounds) return;
            reverse.build(frozen, rows_.size(), candidates.slots(), plan_.num_threads);
            constexpr std::int64_t grain = 256;
            const auto join_block = [&](std::int64_t block, int worker) {
                const std::int64_t begin = block * grain;
                const std::int64_t end = std::min(rows_.size(), begin + grain);
                Sets* own = sets.data() + 2 * worker;
                choose(begin, frozen, reverse, own[0]);
                for (std::int64_t i = begin; i < end; ++i) {
                    Sets& now = own[(i - begin) % 2];
                    if (i + 1 < end) choose(i + 1, frozen, reverse, own[(i + 1 - begin) % 2]);
                    if (now.left > 0) {
                        rows_.join(now.items, now.left, work_[static_cast<std::size_t>(worker)], candidates);
                    }
                }
            };
            parallel_blocks((rows_.size() + grain - 1) / grain, plan_.num_threads, join_block,
                            phase(plan_.n_trees + static_cast<int>(rounds_)), "knn_graph");
            ++rounds_;
        }
    }

    /// What is joined for one item: the new ones first. Where too many name it, a fixed random choice stands
    /// for them.
    void choose(std::int64_t item, const std::vector<std::uint32_t>& frozen, const KnnReverse& reverse,
                Sets& sets) const {
        const auto slots = static_cast<std::size_t>(plan_.slots);
        const auto most = static_cast<std::size_t>(plan_.max_candidates);
        sets.fresh.clear();
        sets.old.clear();
        const std::uint32_t* own = frozen.data() + static_cast<std::size_t>(item) * slots;
        for (std::size_t s = 0; s < slots && own[s] != KnnCandidates::no_candidate; ++s) {
            auto& kind = (own[s] & 1) != 0 ? sets.old : sets.fresh;
            if (kind.size() < most) kind.push_back(own[s] >> 1);
        }
        const auto named_by = reverse.of(item);
        for (const std::uint32_t flag : {0U, 1U}) {
            auto& kind = flag != 0 ? sets.old : sets.fresh;
            sets.ranked.clear();
            for (const std::uint32_t entry : named_by) {
                if ((entry & 1) != flag) continue;
                const std::uint64_t pair = static_cast<std::uint64_t>(entry >> 1) << 32 ^
                                           static_cast<std::uint64_t>(item) ^
                                           static_cast<std::uint64_t>(rounds_) << 60;
                sets.ranked.emplace_back(mix64(pair ^ plan_.seed), entry >> 1);
            }
            if (sets.ranked.size() > most) {
                std::nth_element(sets.ranked.begin(), sets.ranked.begin() + static_cast<std::ptrdiff_t>(most),
                                 sets.ranked.end());
                sets.ranked.resize(most);
            }
            for (const auto& [rank, id] : sets.ranked) kind.push_back(id);
        }
        const auto unique = [](std::vector<std::uint32_t>& ids) {
            std::sort(ids.begin(), ids.end());
            ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        };
        unique(sets.fresh);
        unique(sets.old);
        sets.items = sets.fresh;
        sets.left = sets.fresh.size();
        if (sets.left == 0) return;
        std::set_difference(sets.old.begin(), sets.old.end(), sets.fresh.begin(), sets.fresh.end(),
                            std::back_inserter(sets.items));
        for (const std::uint32_t id : sets.items) rows_.prefetch(id);
    }

    Rows& rows_;
    KnnDescentPlan plan_;
    std::vector<Workspace> work_;
    std::vector<std::uint32_t> order_;
    std::optional<KnnCandidates> candidates_;
    std::int64_t rounds_ = 0;
    bool converged_ = false;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_DESCENT_IMPL_HPP
