// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_HNSW_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_HNSW_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/int8_kernels.hpp"
#include "filmatlas/neighbors/detail/knn_repeats_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

// A navigable graph in layers, as in Malkov & Yashunin, "Efficient and robust approximate nearest neighbor search
// using hierarchical navigable small world graphs" (2018), but built from the neighbour graph instead of by
// insertion: each node's links are chosen among its true neighbours by their heuristic (algorithm 4), all nodes at
// once. So the build parallelises without locks and its bytes depend on the data and the seed alone.

namespace filmatlas::detail {

/// Rows as 8-bit numbers around a common centre: rows that are close in few steps of the search are told apart by
/// these, a quarter of the memory traffic of float32; what is found is measured again by the exact kernel.
class HnswCodes {
public:
    HnswCodes() : stride_(0) {}
    /// `fill(i, out)` writes row i in float32, as distances see it.
    template <class Fill>
    HnswCodes(std::int64_t rows, std::int64_t cols, int num_threads, const Progress& progress, Fill&& fill)
        : stride_((static_cast<std::size_t>(cols) + int8_row_unit - 1) / int8_row_unit * int8_row_unit),
          centre_(static_cast<std::size_t>(cols)),
          codes_(static_cast<std::size_t>(rows) * stride_),
          measures_(static_cast<std::size_t>(rows)) {
        // The mean of a sample in a fixed order. It only sharpens the codes: distances between rows do not move.
        const std::int64_t samples = std::min<std::int64_t>(rows, 2048);
        std::vector<float> row(static_cast<std::size_t>(cols));
        std::vector<double> sum(static_cast<std::size_t>(cols), 0.0);
        for (std::int64_t s = 0; s < samples; ++s) {
            fill(s * rows / samples, row.data());
            for (std::size_t k = 0; k < row.size(); ++k) sum[k] += static_cast<double>(row[k]);
        }
        for (std::size_t k = 0; k < row.size(); ++k) {
            centre_[k] = static_cast<float>(sum[k] / static_cast<double>(samples));
        }
        const auto encode_rows = [&](std::int64_t begin, std::int64_t end) {
            std::vector<float> values(static_cast<std::size_t>(cols));
            for (std::int64_t i = begin; i < end; ++i) {
                const auto at = static_cast<std::size_t>(i);
                fill(i, values.data());
                measures_[at] = encode(values.data(), codes_.data() + at * stride_);
            }
        };
        parallel_for(rows, 256, num_threads, encode_rows, progress, "knn index: codes");
    }

    /// What a distance takes beside the product of codes.
    struct Measures {
        float scale = 0;    ///< of the code's unit
        float squared = 0;  ///< norm, from the centre
    };

    std::size_t size() const { return measures_.size(); }
    std::size_t stride() const { return stride_; }
    const std::int8_t* row(std::size_t i) const { return codes_.data() + i * stride_; }
    const std::int8_t* data() const { return codes_.data(); }

    /// Code of a row or query: `out` has `stride()` places. Changes `values`.
    Measures encode(float* values, std::int8_t* out) const {
        float largest = 0;
        double norm = 0;
        for (std::size_t k = 0; k < centre_.size(); ++k) {
            values[k] -= centre_[k];
            largest = std::max(largest, std::abs(values[k]));
            norm += static_cast<double>(values[k]) * static_cast<double>(values[k]);
        }
        const float scale = largest / 127.0F;
        const float inverse = scale > 0 ? 1.0F / scale : 0.0F;
        for (std::size_t k = 0; k < centre_.size(); ++k) {
            // To nearest; the clamp covers the division's rounding, and infinite inverses.
            const float value = std::clamp(values[k] * inverse, -127.0F, 127.0F);
            out[k] = static_cast<std::int8_t>(value < 0 ? value - 0.5F : value + 0.5F);
        }
        std::fill(out + centre_.size(), out + stride_, static_cast<std::int8_t>(0));
        return {scale, static_cast<float>(norm)};
    }

    /// Squared distance of row i and a row or query of these measures, from the product of the codes.
    float distance(const Measures& other, std::size_t i, std::int32_t product) const {
        const Measures& own = measures_[i];
        return (other.squared + own.squared) - 2.0F * (other.scale * own.scale) * static_cast<float>(product);
    }
    const Measures& measures(std::size_t i) const { return measures_[i]; }

    /// Bytes for (n, d).
    static std::int64_t bytes(std::int64_t rows, std::int64_t cols) {
        constexpr auto unit = static_cast<std::int64_t>(int8_row_unit);
        return rows * ((cols + unit - 1) / unit * unit + static_cast<std::int64_t>(sizeof(Measures)));
    }

private:
    std::size_t stride_;
    std::vector<float> centre_;
    std::vector<std::int8_t> codes_;
    std::vector<Measures> measures_;
};

/// A row or query as distances want it.
struct HnswQuery {
    const float* row = nullptr;
    float factor = 1;
    const std::int8_t* code = nullptr;
    HnswCodes::Measures measures;
};

/// The nodes of the graph: groups of equal rows, seen through their codes or, where those are too coarse to tell
/// neighbours apart, in full.
class HnswRows {
public:
    HnswRows(const KnnSpace& space, const KnnRepeats& groups, bool full, int num_threads, const Progress& progress)
        : space_(&space), groups_(&groups) {
        if (full) return;
        const auto fill = [this](std::int64_t node, float* out) {
            values(row(static_cast<std::uint32_t>(node)), factor(static_cast<std::uint32_t>(node)), out);
        };
        codes_ = HnswCodes(groups.size(), space.dim(), num_threads, progress, fill);
    }

    std::size_t size() const { return static_cast<std::size_t>(groups_->size()); }
    bool full() const { return codes_.size() == 0; }
    const HnswCodes& codes() const { return codes_; }
    const float* row(std::uint32_t node) const { return space_->direct_row(position(node)); }
    float factor(std::uint32_t node) const { return space_->factor_of(position(node)); }

    HnswQuery query(std::uint32_t node) const {
        if (full()) return {row(node), factor(node), nullptr, {}};
        return {nullptr, 1, codes_.row(node), codes_.measures(node)};
    }
    /// A row as distances see it.
    void values(const float* row, float factor, float* out) const {
        for (std::int64_t k = 0; k < space_->dim(); ++k) out[k] = row[k] * factor;
    }

    /// Squared distances (up to a factor) to some nodes. `products` is scratch.
    void distances(const HnswQuery& query, std::span<const std::uint32_t> nodes, std::vector<std::int32_t>& products,
                   float* out) const {
        if (full()) {
            for (std::size_t i = 0; i < nodes.size(); ++i) {
                out[i] = space_->distance(*kernel_, query.row, query.factor, row(nodes[i]), factor(nodes[i]));
                if (space_->metric == Metric::Euclidean) out[i] *= out[i];
            }
            return;
        }
        products.resize(nodes.size());
        int8_kernel_->project(codes_.data(), nodes.data(), nodes.size(), query.code, codes_.stride(),
                              products.data());
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            out[i] = codes_.distance(query.measures, nodes[i], products[i]);
        }
    }

    /// Rows lie anywhere in memory; those of all links are fetched at once (into the second-level cache, which
    /// waits for more lines at a time than the first).
    void prefetch(std::uint32_t node) const {
        if (full()) {
            knn_prefetch<second_level>(row(node), space_->dim());
        } else {
            knn_prefetch<second_level>(codes_.row(node), static_cast<std::int64_t>(codes_.stride()));
            knn_prefetch(&codes_.measures(node), 1);
        }
    }

private:
    Index position(std::uint32_t node) const { return groups_->first(node); }
    static constexpr int second_level = 2;

    const KnnSpace* space_;
    const KnnRepeats* groups_;
    const Kernels* kernel_ = &kernels();
    const Int8Kernels* int8_kernel_ = &int8_kernels();
    HnswCodes codes_;
};

/// Links of one layer: nodes by their place among the layer's members.
struct HnswLayer {
    std::vector<std::uint32_t> members;  ///< place -> node, ascending; empty on the base layer, where place = node
    std::vector<std::uint32_t> below;    ///< place -> place on the layer below
    std::vector<std::uint64_t> begin;    ///< places + 1
    std::vector<std::uint32_t> links;    ///< places

    std::size_t size() const { return begin.size() - 1; }
    std::uint32_t node(std::uint32_t place) const { return members.empty() ? place : members[place]; }
    std::span<const std::uint32_t> of(std::uint32_t place) const {
        return {links.data() + begin[place], static_cast<std::size_t>(begin[place + 1] - begin[place])};
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
            scratch.forget(layer.size());
            scratch.nodes.clear();
            if (scratch.pool.empty()) {
                // The topmost layer is small: start from all of it.
                for (std::uint32_t place = 0; place < layer.size() && place < top_starts; ++place) {
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
            const auto links = layer.of(place_of(pool[next]));
            scratch.nodes.assign(links.begin(), links.end());
            ++next;
            if (next < pool.size()) {  // as good as certain to be followed soon
                const std::uint32_t* soon = layer.links.data() + layer.begin[place_of(pool[next])];
                knn_prefetch(soon, 32);
            }
            measure();
        }
    }
};

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

inline constexpr const char* hnsw_link_stage = "knn index: links";

/// Links of a layer from its members' neighbour lists (`neighbours` in places, -1 = none): chosen, mirrored, and
/// chosen again where that makes more than `most`.
inline void hnsw_link(HnswLayer& layer, const HnswRows& rows, MatrixView<const Index> neighbours, std::size_t most,
                      int num_threads, const Progress& progress) {
    const auto size = static_cast<std::size_t>(neighbours.rows);
    const std::size_t width = most;
    std::vector<std::uint32_t> chosen(size * width);
    std::vector<std::uint32_t> count(size);
    const auto node_key_to_place = [&](std::uint32_t node) {
        if (layer.members.empty()) return node;
        const auto at = std::lower_bound(layer.members.begin(), layer.members.end(), node);
        return static_cast<std::uint32_t>(at - layer.members.begin());
    };
    const auto forward = [&](std::int64_t begin, std::int64_t end) {
        HnswChooser chooser(rows);
        std::vector<std::uint32_t> nodes;
        std::vector<std::uint64_t> keys;
        for (std::int64_t i = begin; i < end; ++i) {
            nodes.clear();
            for (const Index place : neighbours.row(i)) {
                if (place >= 0) nodes.push_back(layer.node(static_cast<std::uint32_t>(place)));
            }
            chooser.keys(layer.node(static_cast<std::uint32_t>(i)), nodes, keys);
            const auto& taken = chooser.choose(keys, width);
            const auto at = static_cast<std::size_t>(i);
            count[at] = static_cast<std::uint32_t>(taken.size());
            for (std::size_t t = 0; t < taken.size(); ++t) chosen[at * width + t] = node_key_to_place(taken[t]);
        }
    };
    parallel_for(static_cast<std::int64_t>(size), 256, num_threads, forward, progress, hnsw_link_stage);

    std::vector<std::uint64_t> back_begin(size + 1, 0);
    for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t t = 0; t < count[i]; ++t) ++back_begin[chosen[i * width + t] + 1];
    }
    for (std::size_t i = 0; i < size; ++i) back_begin[i + 1] += back_begin[i];
    std::vector<std::uint32_t> back(back_begin[size]);
    {
        std::vector<std::uint64_t> at(back_begin.begin(), back_begin.end() - 1);
        for (std::size_t i = 0; i < size; ++i) {
            for (std::size_t t = 0; t < count[i]; ++t) {
                back[at[chosen[i * width + t]]++] = static_cast<std::uint32_t>(i);
            }
        }
    }
    std::vector<std::uint32_t> merged(size * width);
    std::vector<std::uint32_t> merged_count(size);
    const auto merge = [&](std::int64_t begin, std::int64_t end) {
        HnswChooser chooser(rows);
        std::vector<std::uint32_t> nodes;
        std::vector<std::uint64_t> keys;
        for (std::int64_t i = begin; i < end; ++i) {
            const auto at = static_cast<std::size_t>(i);
            nodes.assign(chosen.begin() + static_cast<std::ptrdiff_t>(at * width),
                         chosen.begin() + static_cast<std::ptrdiff_t>(at * width + count[at]));
            nodes.insert(nodes.end(), back.begin() + static_cast<std::ptrdiff_t>(back_begin[at]),
                         back.begin() + static_cast<std::ptrdiff_t>(back_begin[at + 1]));
            std::sort(nodes.begin(), nodes.end());
            nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
            std::size_t used = 0;
            if (nodes.size() > width) {
                for (std::uint32_t& place : nodes) place = layer.node(place);
                chooser.keys(layer.node(static_cast<std::uint32_t>(i)), nodes, keys);
                for (const std::uint32_t node : chooser.choose(keys, width)) {
                    merged[at * width + used++] = node_key_to_place(node);
                }
            } else {
                for (const std::uint32_t place : nodes) merged[at * width + used++] = place;
            }
            merged_count[at] = static_cast<std::uint32_t>(used);
        }
    };
    parallel_for(static_cast<std::int64_t>(size), 256, num_threads, merge, progress, hnsw_link_stage);
    layer.begin.assign(size + 1, 0);
    for (std::size_t i = 0; i < size; ++i) layer.begin[i + 1] = layer.begin[i] + merged_count[i];
    layer.links.resize(layer.begin[size]);
    for (std::size_t i = 0; i < size; ++i) {
        std::copy_n(merged.begin() + static_cast<std::ptrdiff_t>(i * width), merged_count[i],
                    layer.links.begin() + static_cast<std::ptrdiff_t>(layer.begin[i]));
    }
}

/// Makes every place of a layer reachable from every other: places that the first one cannot reach, or that cannot
/// reach it, get a link with the nearest of their neighbours that can, or of a sample of all that can.
class HnswJoiner {
public:
    HnswJoiner(HnswLayer& layer, const HnswRows& rows, MatrixView<const Index> neighbours, const Progress& progress)
        : layer_(layer), rows_(rows), neighbours_(neighbours), progress_(progress) {}

    /// Returns the number of links added.
    std::size_t join() {
        if (layer_.size() < 2) return 0;
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
        const std::size_t size = layer_.size();
        std::vector<std::uint64_t> begin;
        std::vector<std::uint32_t> links;
        if (against) transpose(begin, links);
        const auto of = [&](std::uint32_t place) {
            if (!against) return layer_.of(place);
            return std::span<const std::uint32_t>(links.data() + begin[place],
                                                  static_cast<std::size_t>(begin[place + 1] - begin[place]));
        };
        reached_.assign(size, 0);
        order_.clear();
        const auto reach = [&](std::uint32_t start) {
            std::size_t next = order_.size();
            reached_[start] = 1;
            order_.push_back(start);
            for (; next < order_.size(); ++next) {
                for (const std::uint32_t place : of(order_[next])) {
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

    void transpose(std::vector<std::uint64_t>& begin, std::vector<std::uint32_t>& links) const {
        const std::size_t size = layer_.size();
        begin.assign(size + 1, 0);
        for (const std::uint32_t to : layer_.links) ++begin[to + 1];
        for (std::size_t i = 0; i < size; ++i) begin[i + 1] += begin[i];
        links.resize(layer_.links.size());
        std::vector<std::uint64_t> at(begin.begin(), begin.end() - 1);
        for (std::uint32_t i = 0; i < size; ++i) {
            for (const std::uint32_t to : layer_.of(i)) links[at[to]++] = i;
        }
    }

    void insert(std::vector<Link>& added) {
        std::sort(added.begin(), added.end(), [](const Link& a, const Link& b) {
            return a.from != b.from ? a.from < b.from : a.to < b.to;
        });
        HnswLayer out;
        out.begin.assign(1, 0);
        std::size_t next = 0;
        for (std::uint32_t i = 0; i < layer_.size(); ++i) {
            const auto old = layer_.of(i);
            out.links.insert(out.links.end(), old.begin(), old.end());
            for (; next < added.size() && added[next].from == i; ++next) out.links.push_back(added[next].to);
            out.begin.push_back(out.links.size());
        }
        layer_.begin = std::move(out.begin);
        layer_.links = std::move(out.links);
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
    hnsw_link(graph.layers[0], graph.rows, neighbours, base_links, num_threads, progress);
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
        hnsw_link(layer, graph.rows, near.view(), static_cast<std::size_t>(links), num_threads, progress);
        HnswJoiner(layer, graph.rows, near.view(), progress).join();
        graph.layers.push_back(std::move(layer));
        if (members.size() <= HnswGraph::top_starts) break;  // a search can start from all of them
    }
    return graph;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_HNSW_IMPL_HPP
