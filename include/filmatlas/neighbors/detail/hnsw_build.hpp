// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_HNSW_BUILD_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_HNSW_BUILD_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/detail/hnsw_graph.hpp"

// A navigable graph in layers, as in Malkov & Yashunin, "Efficient and robust approximate nearest neighbor search
// using hierarchical navigable small world graphs" (2018), but built from the neighbour graph instead of by
// insertion: each node's links are chosen among its true neighbours by their heuristic (algorithm 4), all nodes at
// once. So the build parallelises without locks and its bytes depend on the data and the seed alone.

namespace filmatlas::detail {

inline constexpr const char* hnsw_link_stage = "knn index: links";

/// Chooses links among candidates that ascend by distance: one is taken unless it is much nearer to one that is
/// taken already than to the node itself, so that links spread over directions.
class HnswChooser {
public:
    explicit HnswChooser(const HnswRows& rows) : rows_(rows) {}

    /// (distance key, node) of each candidate, ascending; returns at most `most` nodes.
    const std::vector<std::uint32_t>& choose(std::span<const std::uint64_t> candidates, std::size_t most) {
        taken_.clear();
        for (const std::uint64_t key : candidates) {
            if (taken_.size() == most) break;
            const auto node = static_cast<std::uint32_t>(key);
            between_.resize(taken_.size());
            rows_.distances(rows_.query(node), taken_, products_, between_.data());
            const auto nearer = [key](float distance) { return knn_key(distance * spread, 0) >> 32 < key >> 32; };
            if (std::none_of(between_.begin(), between_.end(), nearer)) taken_.push_back(node);
        }
        return taken_;
    }

    /// Keys of `nodes` as seen from `node`, ascending.
    void keys(std::uint32_t node, std::span<const std::uint32_t> nodes, std::vector<std::uint64_t>& out) {
        between_.resize(nodes.size());
        rows_.distances(rows_.query(node), nodes, products_, between_.data());
        out.clear();
        for (std::size_t c = 0; c < nodes.size(); ++c) out.push_back(knn_key(between_[c], static_cast<Index>(nodes[c])));
        std::sort(out.begin(), out.end());
    }

private:
    /// Of squared distances. 1 is the original rule; more links and shorter searches for the same recall.
    static constexpr float spread = 1.2F;

    const HnswRows& rows_;
    std::vector<std::uint32_t> taken_;
    std::vector<std::int32_t> products_;
    std::vector<float> between_;
};

/// Links of a layer from its members' neighbour lists (`neighbours` in places, -1 = none): chosen, mirrored, and
/// chosen again where that makes more than `most`.
class HnswLinker {
public:
    HnswLinker(HnswLayer& layer, const HnswRows& rows, std::size_t most, int num_threads, const Progress& progress)
        : layer_(layer), rows_(rows), most_(most), num_threads_(num_threads), progress_(progress) {}

    void link(MatrixView<const Index> neighbours) {
        const auto size = static_cast<std::size_t>(neighbours.rows);
        const auto near = [&](std::size_t place, std::vector<std::uint32_t>& out) {
            for (const Index other : neighbours.row(static_cast<std::int64_t>(place))) {
                if (other >= 0) out.push_back(static_cast<std::uint32_t>(other));
            }
        };
        const HnswLinks forth = choose(size, 0, near);
        const HnswLinks back = forth.reversed();
        const auto both = [&](std::size_t place, std::vector<std::uint32_t>& out) {
            for (const HnswLinks* links : {&forth, &back}) {
                const auto list = links->of(place);
                out.insert(out.end(), list.begin(), list.end());
            }
            std::sort(out.begin(), out.end());
            out.erase(std::unique(out.begin(), out.end()), out.end());
        };
        layer_.links = choose(size, most_, both);
    }

private:
    /// The places that `candidates(place, out)` names, at most `most_` of them chosen where there are more than `few`.
    template <class Candidates>
    HnswLinks choose(std::size_t size, std::size_t few, Candidates&& candidates) {
        std::vector<std::uint32_t> lists(size * most_);
        std::vector<std::size_t> counts(size);
        const auto fill = [&](std::int64_t begin, std::int64_t end) {
            HnswChooser chooser(rows_);
            std::vector<std::uint32_t> nodes;
            std::vector<std::uint64_t> keys;
            for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                nodes.clear();
                candidates(i, nodes);
                std::uint32_t* list = lists.data() + i * most_;
                if (nodes.size() <= few) {
                    counts[i] = nodes.size();
                    std::copy(nodes.begin(), nodes.end(), list);
                    continue;
                }
                for (std::uint32_t& place : nodes) place = layer_.node(place);
                chooser.keys(layer_.node(static_cast<std::uint32_t>(i)), nodes, keys);
                const auto& taken = chooser.choose(keys, most_);
                counts[i] = taken.size();
                for (std::size_t t = 0; t < taken.size(); ++t) list[t] = layer_.place(taken[t]);
            }
        };
        parallel_for(static_cast<std::int64_t>(size), 256, num_threads_, fill, progress_, hnsw_link_stage);
        HnswLinks links;
        for (std::size_t i = 0; i < size; ++i) links.append({lists.data() + i * most_, counts[i]});
        return links;
    }

    HnswLayer& layer_;
    const HnswRows& rows_;
    std::size_t most_;
    int num_threads_;
    const Progress& progress_;
};

/// Makes every place of a layer reachable from every other: places that the first one cannot reach, or that cannot
/// reach it, get a link with the nearest of their neighbours that can, or of a sample of all that can.
class HnswJoiner {
public:
    HnswJoiner(HnswLayer& layer, const HnswRows& rows, MatrixView<const Index> neighbours, const Progress& progress)
        : layer_(layer), rows_(rows), neighbours_(neighbours), progress_(progress) {}

    /// Returns the number of links added.
    std::size_t join() {
        if (layer_.links.size() < 2) return 0;
        std::vector<Link> added;
        add_links(false, added);
        std::vector<Link> back;
        add_links(true, back);
        for (const Link& link : back) added.push_back({link.to, link.from});
        if (!added.empty()) insert(added);
        return added.size();
    }

private:
    struct Link {
        std::uint32_t from;
        std::uint32_t to;
    };

    /// From the first place along the links (or against them), joining what is not reached in ascending order.
    void add_links(bool against, std::vector<Link>& added) {
        const std::size_t size = layer_.links.size();
        const HnswLinks reversed = against ? layer_.links.reversed() : HnswLinks{};
        const HnswLinks& links = against ? reversed : layer_.links;
        reached_.assign(size, 0);
        order_.clear();
        const auto reach = [&](std::uint32_t start) {
            std::size_t next = order_.size();
            reached_[start] = 1;
            order_.push_back(start);
            for (; next < order_.size(); ++next) {
                for (const std::uint32_t place : links.of(order_[next])) {
                    if (reached_[place] != 0) continue;
                    reached_[place] = 1;
                    order_.push_back(place);
                }
            }
        };
        reach(0);
        for (std::uint32_t place = 1; place < size; ++place) {
            if (reached_[place] != 0) continue;
            progress_(hnsw_link_stage, place, static_cast<std::int64_t>(size));
            added.push_back({nearest_reached(place), place});
            reach(place);
        }
    }

    std::uint32_t nearest_reached(std::uint32_t place) {
        const auto near = neighbours_.row(place);
        for (const Index other : near) {
            if (other >= 0 && reached_[static_cast<std::size_t>(other)] != 0) return static_cast<std::uint32_t>(other);
        }
        const std::size_t samples = std::min<std::size_t>(order_.size(), 4096);
        std::vector<std::uint32_t> places(samples);
        std::vector<std::uint32_t> nodes(samples);
        for (std::size_t s = 0; s < samples; ++s) {
            places[s] = order_[s * order_.size() / samples];
            nodes[s] = layer_.node(places[s]);
        }
        std::vector<std::int32_t> products;
        std::vector<float> distances(samples);
        rows_.distances(rows_.query(layer_.node(place)), nodes, products, distances.data());
        std::uint64_t best = ~std::uint64_t{0};
        for (std::size_t s = 0; s < samples; ++s)
            best = std::min(best, knn_key(distances[s], static_cast<Index>(places[s])));
        return static_cast<std::uint32_t>(best);
    }

    void insert(std::vector<Link>& added) {
        std::sort(added.begin(), added.end(), [](const Link& a, const Link& b) {
            return a.from != b.from ? a.from < b.from : a.to < b.to;
        });
        HnswLinks joined;
        auto next = added.begin();
        std::vector<std::uint32_t> list;
        for (std::uint32_t i = 0; i < layer_.links.size(); ++i) {
            const auto old = layer_.links.of(i);
            list.assign(old.begin(), old.end());
            for (; next != added.end() && next->from == i; ++next) list.push_back(next->to);
            joined.append(list);
        }
        layer_.links = std::move(joined);
    }

    HnswLayer& layer_;
    const HnswRows& rows_;
    MatrixView<const Index> neighbours_;
    const Progress& progress_;
    std::vector<char> reached_;
    std::vector<std::uint32_t> order_;
};

/// Levels of nodes: each next one keeps about one in `links`. By node alone, so that they do not depend on the others.
inline int hnsw_level(std::uint64_t seed, std::uint64_t node, int links) {
    RandomStream stream(seed, "hnsw level", node);
    int level = 0;
    while (level < 16 && stream.below(static_cast<std::uint64_t>(links)) == 0) ++level;
    return level;
}

/// All layers. `neighbours`: of the base's nodes. `neighbours_among(nodes)` gives those of an upper layer's members,
/// by their place among them.
template <class NeighboursAmong>
HnswGraph hnsw_build(HnswRows rows, MatrixView<const Index> neighbours, int links, std::uint64_t seed,
                     int num_threads, const Progress& progress, NeighboursAmong&& neighbours_among) {
    HnswGraph graph(std::move(rows));
    const auto base_links = static_cast<std::size_t>(2 * links);
    graph.layers.emplace_back();
    HnswLinker(graph.layers[0], graph.rows, base_links, num_threads, progress).link(neighbours);
    HnswJoiner(graph.layers[0], graph.rows, neighbours, progress).join();
    std::vector<std::uint32_t> members(graph.rows.size());
    for (std::size_t i = 0; i < members.size(); ++i) members[i] = static_cast<std::uint32_t>(i);
    for (int level = 1;; ++level) {
        HnswLayer layer;
        for (std::size_t place = 0; place < members.size(); ++place) {
            if (hnsw_level(seed, members[place], links) < level) continue;
            layer.members.push_back(members[place]);
            layer.below.push_back(static_cast<std::uint32_t>(place));
        }
        if (layer.members.size() < 2) break;
        members = layer.members;
        const Matrix<Index> near = neighbours_among(members);
        HnswLinker(layer, graph.rows, static_cast<std::size_t>(links), num_threads, progress).link(near.view());
        HnswJoiner(layer, graph.rows, near.view(), progress).join();
        graph.layers.push_back(std::move(layer));
        if (members.size() <= HnswGraph::top_starts) break;  // a search can start from all of them
    }
    return graph;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_HNSW_BUILD_HPP
