// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_FOREST_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_FOREST_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// One tree that halves the items again and again, each time at the median along a direction between two
/// groups of a node's own items, until at most `leaf_size` are left. Items of one leaf are likely neighbours.
///
/// `order` holds the items and comes back in the order of the leaves; `leaf(items, worker)` is called once for
/// each leaf. Every draw is keyed by (seed, tree, node), and every median by (value, id), so that the tree is
/// the same for any number of threads.
template <class Rows>
class KnnTree {
public:
    using Workspace = typename Rows::Workspace;

    KnnTree(const Rows& rows, std::int64_t leaf_size, std::uint64_t seed, std::uint64_t tree)
        : rows_(rows), leaf_size_(static_cast<std::size_t>(leaf_size)), seed_(mix64(seed) ^ mix64(~tree)) {}

    template <class Leaf>
    void grow(std::vector<std::uint32_t>& order, std::vector<Workspace>& work, int num_threads, Leaf&& leaf,
              const Progress& progress, std::string_view stage) const {
        const std::span<std::uint32_t> all(order);
        std::vector<std::uint64_t> keys(order.size());
        // Large nodes are cut one after another, by all workers; then each subtree is one task.
        const std::size_t large = std::max(leaf_size_ * 4, order.size() / 128);
        std::vector<Node> open = {{0, order.size(), 1}};
        std::vector<Node> subtrees;
        while (!open.empty()) {
            const Node node = open.back();
            open.pop_back();
            if (node.end - node.begin <= large) {
                subtrees.push_back(node);
                continue;
            }
            if (progress) progress(stage, 0, 1);
            const auto items = all.subspan(node.begin, node.end - node.begin);
            const auto direction = cut(items, node.id, work.front());
            constexpr std::int64_t grain = 4096;
            const auto count = static_cast<std::int64_t>(items.size());
            parallel_blocks((count + grain - 1) / grain, num_threads, [&](std::int64_t block, int worker) {
                const auto begin = static_cast<std::size_t>(block * grain);
                const auto part = items.subspan(begin, std::min<std::size_t>(grain, items.size() - begin));
                rows_.project(part, direction, work[static_cast<std::size_t>(worker)],
                              keys.data() + node.begin + begin);
            });
            halve(items, keys.data() + node.begin);
            push_halves(node, open);
        }
        std::sort(subtrees.begin(), subtrees.end(),
                  [](const Node& a, const Node& b) { return a.begin < b.begin; });
        parallel_blocks(
            static_cast<std::int64_t>(subtrees.size()), num_threads,
            [&](std::int64_t t, int worker) {
                Workspace& own = work[static_cast<std::size_t>(worker)];
                std::vector<Node> stack = {subtrees[static_cast<std::size_t>(t)]};
                while (!stack.empty()) {
                    const Node node = stack.back();
                    stack.pop_back();
                    const auto items = all.subspan(node.begin, node.end - node.begin);
                    if (items.size() <= leaf_size_) {
                        leaf(std::span<const std::uint32_t>(items), own);
                        continue;
                    }
                    rows_.project(items, cut(items, node.id, own), own, keys.data() + node.begin);
                    halve(items, keys.data() + node.begin);
                    push_halves(node, stack);
                }
            },
            progress, stage);
    }

private:
    struct Node {
        std::size_t begin, end;
        std::uint64_t id;  ///< 1 for the root, 2 id and 2 id + 1 for the halves
    };

    auto cut(std::span<const std::uint32_t> items, std::uint64_t node, Workspace& work) const {
        RandomStream stream(seed_, "knn forest", node);
        return rows_.cut(items, stream, work);
    }
    static void halve(std::span<std::uint32_t> items, std::uint64_t* keys) {
        const auto middle = static_cast<std::ptrdiff_t>(items.size() / 2);
        std::nth_element(keys, keys + middle, keys + items.size());
        for (std::size_t i = 0; i < items.size(); ++i) items[i] = static_cast<std::uint32_t>(keys[i]);
    }
    static void push_halves(const Node& node, std::vector<Node>& nodes) {
        const std::size_t middle = node.begin + (node.end - node.begin) / 2;
        nodes.push_back({middle, node.end, 2 * node.id + 1});
        nodes.push_back({node.begin, middle, 2 * node.id});
    }

    const Rows& rows_;
    std::size_t leaf_size_;
    std::uint64_t seed_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_FOREST_IMPL_HPP
