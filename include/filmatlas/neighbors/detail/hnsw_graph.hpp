// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_HNSW_GRAPH_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_HNSW_GRAPH_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/neighbors/detail/hnsw_rows.hpp"

namespace filmatlas::detail {

/// Links of places 0 .. size - 1, one list after the other.
struct HnswLinks {
    std::vector<std::uint64_t> begin{0};  ///< places + 1
    std::vector<std::uint32_t> to;        ///< places

    std::size_t size() const { return begin.size() - 1; }
    std::span<const std::uint32_t> of(std::size_t place) const {
        return {to.data() + begin[place], static_cast<std::size_t>(begin[place + 1] - begin[place])};
    }
    /// Adds the next place's.
    void append(std::span<const std::uint32_t> list) {
        to.insert(to.end(), list.begin(), list.end());
        begin.push_back(to.size());
    }
    /// The same links from their other ends; lists ascend.
    HnswLinks reversed() const {
        HnswLinks out;
        out.begin.assign(size() + 1, 0);
        for (const std::uint32_t place : to) ++out.begin[place + 1];
        for (std::size_t i = 0; i < size(); ++i) out.begin[i + 1] += out.begin[i];
        out.to.resize(to.size());
        std::vector<std::uint64_t> next(out.begin.begin(), out.begin.end() - 1);
        for (std::size_t i = 0; i < size(); ++i) {
            for (const std::uint32_t place : of(i)) out.to[next[place]++] = static_cast<std::uint32_t>(i);
        }
        return out;
    }
};

/// One layer: nodes by their place among its members.
struct HnswLayer {
    std::vector<std::uint32_t> members;  ///< place -> node, ascending; empty on the base layer, where place = node
    std::vector<std::uint32_t> below;    ///< place -> place on the layer below
    HnswLinks links;

    std::uint32_t node(std::uint32_t place) const { return members.empty() ? place : members[place]; }
    std::uint32_t place(std::uint32_t node) const {
        if (members.empty()) return node;
        return static_cast<std::uint32_t>(std::lower_bound(members.begin(), members.end(), node) - members.begin());
    }
};

/// Memory of one worker's searches.
class HnswScratch {
public:
    HnswQuery query;
    /// Nearest first; the lowest bit says whether the node's links have been followed.
    std::vector<std::uint64_t> pool;
    std::vector<std::uint32_t> fresh;
    std::vector<std::uint32_t> nodes;
    std::vector<std::int32_t> products;
    std::vector<float> distances;

    /// Starts a search on a layer of this size.
    void forget(std::size_t size) {
        if (stamp_.size() < size) stamp_.resize(size, 0);
        if (++epoch_ == 0) {
            std::fill(stamp_.begin(), stamp_.end(), static_cast<std::uint16_t>(0));
            epoch_ = 1;
        }
    }
    bool visit(std::uint32_t place) {
        if (stamp_[place] == epoch_) return false;
        stamp_[place] = epoch_;
        return true;
    }

private:
    std::vector<std::uint16_t> stamp_;
    std::uint16_t epoch_ = 0;
};

/// The layers and the search in them.
class HnswGraph {
public:
    HnswRows rows;
    std::vector<HnswLayer> layers;  ///< base first

    explicit HnswGraph(HnswRows given) : rows(std::move(given)) {}

    /// Fills `scratch.pool` with the nearest nodes found for the scratch's query, at most `ef` of them. `hidden` is
    /// not seen on any layer (no_node = all are).
    void search(HnswScratch& scratch, std::size_t ef, std::uint32_t hidden = no_node) const {
        scratch.pool.clear();
        for (std::size_t level = layers.size(); level-- > 0;) {
            const HnswLayer& layer = layers[level];
            scratch.forget(layer.links.size());
            scratch.nodes.clear();
            if (scratch.pool.empty()) {
                // The topmost layer is small: start from all of it.
                for (std::uint32_t place = 0; place < layer.links.size() && place < top_starts; ++place) {
                    scratch.nodes.push_back(place);
                }
            } else {
                for (const std::uint64_t key : scratch.pool) {
                    scratch.nodes.push_back(layers[level + 1].below[place_of(key)]);
                }
            }
            beam(scratch, layer, level == 0 ? ef : upper_ef, hidden);
        }
    }

    static constexpr std::uint32_t no_node = ~std::uint32_t{0};
    static std::uint32_t place_of(std::uint64_t key) { return static_cast<std::uint32_t>(key) >> 1; }

    static constexpr std::size_t upper_ef = 4;
    static constexpr std::uint32_t top_starts = 64;

private:
    /// From the places in `scratch.nodes`.
    void beam(HnswScratch& scratch, const HnswLayer& layer, std::size_t ef, std::uint32_t hidden) const {
        auto& pool = scratch.pool;
        pool.clear();
        std::size_t next = 0;  // all before it have been followed
        const auto measure = [&] {
            auto& fresh = scratch.fresh;
            fresh.clear();
            for (const std::uint32_t place : scratch.nodes) {
                if (!scratch.visit(place)) continue;
                const std::uint32_t node = layer.node(place);
                if (node == hidden) continue;
                rows.prefetch(node);
                fresh.push_back(place);
            }
            if (fresh.empty()) return;
            scratch.nodes.clear();
            for (const std::uint32_t place : fresh) scratch.nodes.push_back(layer.node(place));
            scratch.distances.resize(fresh.size());
            rows.distances(scratch.query, scratch.nodes, scratch.products, scratch.distances.data());
            for (std::size_t f = 0; f < fresh.size(); ++f) {
                const std::uint64_t key = knn_key(scratch.distances[f], static_cast<Index>(fresh[f] << 1));
                if (pool.size() == ef) {
                    if (key >= pool.back()) continue;
                    pool.pop_back();
                }
                const auto at = std::upper_bound(pool.begin(), pool.end(), key);
                next = std::min(next, static_cast<std::size_t>(at - pool.begin()));
                pool.insert(at, key);
            }
        };
        measure();
        while (next < pool.size()) {
            if ((pool[next] & 1) != 0) {
                ++next;
                continue;
            }
            pool[next] |= 1;
            const auto links = layer.links.of(place_of(pool[next]));
            scratch.nodes.assign(links.begin(), links.end());
            ++next;
            if (next < pool.size()) {  // as good as certain to be followed soon
                prefetch_values(layer.links.of(place_of(pool[next])).data(), 32);
            }
            measure();
        }
    }
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_HNSW_GRAPH_HPP
