// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/neighbors/detail/knn_exact_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"
#include "filmatlas/neighbors/detail/knn_tree_impl.hpp"
#include "filmatlas/neighbors/knn.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::int64_t knn_tree_max_dim = 16;

inline bool knn_euclidean_family(Metric metric) {
    return metric == Metric::Euclidean || metric == Metric::SqEuclidean;
}

struct KnnChoice {
    KnnMethod method;
    std::string reason;
};

inline KnnChoice knn_choose(std::int64_t n, std::int64_t d, const KnnOptions& options) {
    if (options.method == KnnMethod::KdTree) {
        if (!knn_euclidean_family(options.metric)) {
            throw_invalid("knn_graph", "method",
                          "kd_tree does not know the metric " + std::string(to_string(options.metric)),
                          "use exact, or the euclidean metric");
        }
        if (d > knn_tree_max_dim) {
            throw_invalid("knn_graph", "method",
                          "kd_tree is for at most 16 dimensions, the vectors have " + std::to_string(d),
                          "use exact");
        }
        return {KnnMethod::KdTree, "asked for"};
    }
    if (options.method == KnnMethod::Exact) return {KnnMethod::Exact, "asked for"};
    if (knn_euclidean_family(options.metric) && d <= 8 && n > 2000) {
        return {KnnMethod::KdTree,
                std::to_string(d) + " dimensions are few enough for a tree of boxes, which is exact"};
    }
    return {KnnMethod::Exact, "exact search is affordable: " + std::to_string(n) + " rows of " +
                                  std::to_string(d) + " dimensions, each pair once"};
}

/// One query against all positions, without products: the way for few queries, and for those beyond the
/// screen's range.
inline void knn_query_direct(const KnnSpace& space, const Kernels& kernel, const float* query, float factor,
                             std::span<Index> ids, std::span<float> distances, int num_threads) {
    constexpr std::int64_t chunk_rows = 4096;
    const std::int64_t slots = std::min<std::int64_t>(static_cast<std::int64_t>(ids.size()), space.size());
    const std::int64_t chunks = (space.size() + chunk_rows - 1) / chunk_rows;
    std::vector<std::vector<std::uint64_t>> parts(static_cast<std::size_t>(chunks));
    parallel_blocks(chunks, num_threads, [&](std::int64_t chunk, int) {
        std::vector<std::uint64_t> heap(static_cast<std::size_t>(slots), knn_no_key);
        const std::int64_t end = std::min(space.size(), (chunk + 1) * chunk_rows);
        for (std::int64_t j = chunk * chunk_rows; j < end; ++j) {
            const float distance = space.distance(kernel, query, factor, space.row(j), space.factor_of(j));
            const std::uint64_t key = knn_key(distance, static_cast<Index>(j));
            if (key < heap.front()) knn_heap_replace(heap.data(), heap.size(), key);
        }
        parts[static_cast<std::size_t>(chunk)] = std::move(heap);
    });
    std::vector<std::uint64_t> all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    std::sort(all.begin(), all.end());
    for (std::size_t slot = 0; slot < static_cast<std::size_t>(slots); ++slot) {
        if (all[slot] == knn_no_key) break;
        ids[slot] = space.valid[static_cast<std::size_t>(knn_key_id(all[slot]))];
        distances[slot] = knn_key_distance(all[slot]);
    }
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(KnnMethod method) noexcept {
    switch (method) {
        case KnnMethod::Auto: return "auto";
        case KnnMethod::Exact: return "exact";
        case KnnMethod::KdTree: return "kd_tree";
    }
    return "unknown";
}

FILMATLAS_INLINE KnnMethod knn_method_from_string(std::string_view name) {
    for (const KnnMethod method : {KnnMethod::Auto, KnnMethod::Exact, KnnMethod::KdTree}) {
        if (to_string(method) == name) return method;
    }
    throw_invalid("knn_method_from_string", "method", "is '" + std::string(name) + "'",
                  "use one of auto, exact, kd_tree");
}

FILMATLAS_INLINE void validate(const KnnOptions& options) {
    if (options.k < 1) throw_invalid("knn_graph", "k", "is " + std::to_string(options.k), "use at least 1");
    if (options.num_threads < 0) {
        throw_invalid("knn_graph", "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
    if (options.memory_limit && *options.memory_limit < 1) {
        throw_invalid("knn_graph", "memory_limit", "is " + std::to_string(*options.memory_limit) + " bytes",
                      "use a positive number, or leave it unset");
    }
}

FILMATLAS_INLINE std::int64_t knn_graph_bytes(std::int64_t n, std::int64_t d, const KnnOptions& options) {
    const std::int64_t per_row =
        32 + 16 * static_cast<std::int64_t>(options.k);  // row states, heaps and the result
    const bool tree = detail::knn_choose(n, d, options).method == KnnMethod::KdTree;
    const bool packs = !tree && options.metric != Metric::Manhattan;
    return n * per_row + (packs ? PackedRows<float>::bytes(n, d) : tree ? n * 64 : 0);
}

FILMATLAS_INLINE KnnGraph knn_graph(MatrixView<const float> vectors, const KnnOptions& options,
                                    const Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    validate(options);
    if (vectors.rows < 1) throw_invalid("knn_graph", "vectors", "has no rows", "give at least one vector");
    if (vectors.cols < 1) throw_shape("knn_graph", "the vectors have no columns");
    detail::KnnChoice choice = detail::knn_choose(vectors.rows, vectors.cols, options);
    const std::int64_t bytes = knn_graph_bytes(vectors.rows, vectors.cols, options);
    if (options.memory_limit && bytes > *options.memory_limit) {
        throw Error(ErrorCode::Memory, ErrorContext{"knn_graph", {}, -1, {}, -1},
                    "needs about " + std::to_string(bytes) + " bytes beside the vectors, the limit is " +
                        std::to_string(*options.memory_limit),
                    "raise memory_limit or lower k");
    }

    const bool tree = choice.method == KnnMethod::KdTree;
    const detail::KnnSpace space =
        detail::knn_make_space("knn_graph", vectors, options.metric, !tree, options.num_threads);
    const std::int64_t n = vectors.rows;
    const std::int64_t slots = std::min<std::int64_t>(options.k, std::max<std::int64_t>(space.size() - 1, 0));
    KnnGraph graph;
    graph.metric = options.metric;
    graph.method = std::string(to_string(choice.method));
    graph.reason = std::move(choice.reason);
    graph.invalid_rows = space.invalid;
    graph.indices = Matrix<Index>(n, options.k);
    graph.distances = Matrix<float>(n, options.k);
    std::fill(graph.indices.values().begin(), graph.indices.values().end(), -1);
    std::fill(graph.distances.values().begin(), graph.distances.values().end(),
              std::numeric_limits<float>::infinity());
    if (slots < options.k) {
        graph.run.warnings.push_back("knn_graph: k = " + std::to_string(options.k) + " but a row has only " +
                                     std::to_string(slots) + " valid others; rows are padded with -1");
    }
    if (!space.invalid.empty()) {
        graph.run.warnings.push_back("knn_graph: " + std::to_string(space.invalid.size()) + " of " +
                                     std::to_string(n) +
                                     " rows have no valid vector and no neighbours (see invalid_rows)");
    }
    if (slots > 0 && tree) {
        detail::knn_tree(space, slots, graph.indices, graph.distances, options.num_threads, progress);
    } else if (slots > 0) {
        detail::KnnHeaps heaps(space, space.size(), slots);
        detail::KnnAllPairs(space, heaps).run(options.num_threads, progress);
        parallel_for(space.size(), 1024, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const Index row = space.valid[static_cast<std::size_t>(i)];
                heaps.write(i, graph.indices.row(row), graph.distances.row(row));
            }
        });
    }
    graph.run.iterations = 1;
    graph.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return graph;
}

FILMATLAS_INLINE KnnIndex::KnnIndex(MatrixView<const float> vectors, Metric metric, int num_threads)
    : vectors_(vectors.rows, vectors.cols) {
    for (std::int64_t i = 0; i < vectors.rows; ++i)
        std::copy_n(vectors.row_data(i), vectors.cols, vectors_.row_data(i));
    const MatrixView<const float> own = std::as_const(vectors_).view();
    space_ = std::make_unique<detail::KnnSpace>(
        detail::knn_make_space("KnnIndex", own, metric, true, num_threads));
}
FILMATLAS_INLINE KnnIndex::~KnnIndex() = default;
FILMATLAS_INLINE KnnIndex::KnnIndex(KnnIndex&&) noexcept = default;
FILMATLAS_INLINE KnnIndex& KnnIndex::operator=(KnnIndex&&) noexcept = default;
FILMATLAS_INLINE std::int64_t KnnIndex::size() const noexcept { return vectors_.rows(); }
FILMATLAS_INLINE std::int64_t KnnIndex::dim() const noexcept { return vectors_.cols(); }
FILMATLAS_INLINE Metric KnnIndex::metric() const noexcept { return space_->metric; }

FILMATLAS_INLINE KnnIndex::Result KnnIndex::query(MatrixView<const float> queries, int k, int num_threads,
                                                  const Progress& progress) const {
    constexpr const char* stage = "KnnIndex::query";
    if (k < 1) throw_invalid(stage, "k", "is " + std::to_string(k), "use at least 1");
    if (queries.cols != dim()) {
        throw_shape(stage, "the queries have " + std::to_string(queries.cols) + " columns, the index has " +
                               std::to_string(dim()));
    }
    const detail::KnnSpace& space = *space_;
    const Kernels& kernel = kernels();
    Result result{Matrix<Index>(queries.rows, k), Matrix<float>(queries.rows, k)};
    std::fill(result.indices.values().begin(), result.indices.values().end(), -1);
    std::fill(result.distances.values().begin(), result.distances.values().end(),
              std::numeric_limits<float>::infinity());
    if (space.size() == 0 || queries.rows == 0) return result;

    constexpr std::int64_t panel = PackedRows<float>::panel_rows;
    constexpr std::int64_t few = 4;  // a packed panel costs as much as this many direct queries
    constexpr std::int64_t batch =
        4 * panel;  // queries per task: each block of the index is read once for them
    constexpr std::int64_t block_panels = 16;
    const auto check = [&](std::int64_t q, float& factor) {
        double squared = 0;
        const auto state = detail::knn_check_row(space.metric, queries.row_data(q), dim(), squared);
        factor = space.metric == Metric::Cosine && state == detail::KnnRowState::Valid
                     ? detail::knn_row_factor(squared)
                     : space.scale;
        return state != detail::KnnRowState::Invalid;
    };
    const auto direct = [&](std::int64_t q, int threads) {
        float factor = 1;
        if (!check(q, factor)) return;
        detail::knn_query_direct(space, kernel, queries.row_data(q), factor, result.indices.row(q),
                                 result.distances.row(q), threads);
    };
    if (queries.rows <= few) {
        for (std::int64_t q = 0; q < queries.rows; ++q) {
            direct(q, num_threads);
            if (progress) progress(stage, q + 1, queries.rows);
        }
        return result;
    }
    const std::int64_t slots = std::min<std::int64_t>(k, space.size());
    const auto run_batch = [&](std::int64_t begin, std::int64_t end) {
        if (!space.screens()) {
            for (std::int64_t q = begin; q < end; ++q) direct(q, 1);
            return;
        }
        std::vector<std::int64_t> screened;
        std::vector<float> factors;
        std::vector<float> adds;
        std::vector<float> scratch(static_cast<std::size_t>(dim()));
        for (std::int64_t q = begin; q < end; ++q) {
            float factor = 1;
            if (!check(q, factor)) continue;
            const float add = space.pack(queries.row_data(q), factor, scratch.data());
            if (!(std::abs(add) < 1e30F)) {
                direct(q, 1);
                continue;
            }
            screened.push_back(q);
            factors.push_back(factor);
            adds.push_back(add);
        }
        if (screened.empty()) return;
        const auto count = static_cast<std::int64_t>(screened.size());
        const PackedRows<float> packed(count, dim(), 1, [&](std::int64_t i, float* out) {
            space.pack(queries.row_data(screened[static_cast<std::size_t>(i)]),
                       factors[static_cast<std::size_t>(i)], out);
        });
        detail::KnnHeaps heaps(space, count, slots);
        std::vector<float> strip(static_cast<std::size_t>(panel * block_panels * panel));
        std::vector<std::uint32_t> hits(strip.size());
        const std::vector<float> no_limit(static_cast<std::size_t>(block_panels * panel),
                                          -std::numeric_limits<float>::infinity());
        for (std::int64_t base = 0; base < space.packed.panels(); base += block_panels) {
            const std::int64_t panels = std::min(block_panels, space.packed.panels() - base);
            const std::int64_t col_base = base * panel;
            for (std::int64_t p = 0; p < packed.panels(); ++p) {
                kernel.block_product_loose(packed.panel(p), space.packed.panel(base),
                                           static_cast<std::size_t>(dim()), static_cast<std::size_t>(panels),
                                           strip.data(), static_cast<std::size_t>(block_panels * panel));
                const std::int64_t rows = std::min(panel, count - p * panel);
                const std::size_t found = kernel.scan_pairs(
                    strip.data(), static_cast<std::size_t>(block_panels * panel),
                    static_cast<std::size_t>(rows), static_cast<std::size_t>(panels * panel),
                    adds.data() + p * panel, space.add.data() + col_base, space.product_scale,
                    heaps.limits() + p * panel, no_limit.data(), hits.data());
                for (std::size_t h = 0; h < found; ++h) {
                    const std::int64_t r = hits[h] >> 16;
                    const std::int64_t c = hits[h] & 0xFFFFU;
                    const auto i = static_cast<std::size_t>(p * panel + r);
                    const std::int64_t j = col_base + c;
                    const float key =
                        (adds[i] + space.add[static_cast<std::size_t>(j)]) -
                        space.product_scale * strip[static_cast<std::size_t>(r * block_panels * panel + c)];
                    if (!(key <= heaps.limit(p * panel + r))) continue;
                    const float distance = space.distance(kernel, queries.row_data(screened[i]), factors[i],
                                                          space.row(j), space.factor_of(j));
                    heaps.offer(p * panel + r, detail::knn_key(distance, static_cast<Index>(j)));
                }
            }
        }
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t q = screened[static_cast<std::size_t>(i)];
            heaps.write(i, result.indices.row(q), result.distances.row(q));
        }
    };
    parallel_for(queries.rows, batch, num_threads, run_batch, progress, stage);
    return result;
}

FILMATLAS_INLINE double recall(const KnnGraph& graph, const KnnGraph& truth) {
    if (graph.size() != truth.size()) {
        throw_shape("recall", "the graphs have " + std::to_string(graph.size()) + " and " +
                                  std::to_string(truth.size()) + " rows");
    }
    const std::int64_t k = std::min(graph.k(), truth.k());
    std::int64_t wanted = 0;
    std::int64_t found = 0;
    std::vector<Index> ids;
    for (std::int64_t i = 0; i < truth.size(); ++i) {
        ids.assign(graph.indices.row_data(i), graph.indices.row_data(i) + k);
        std::sort(ids.begin(), ids.end());
        for (std::int64_t slot = 0; slot < k; ++slot) {
            const Index id = truth.indices(i, slot);
            if (id < 0) break;
            ++wanted;
            found += std::binary_search(ids.begin(), ids.end(), id);
        }
    }
    return wanted == 0 ? 1.0 : static_cast<double>(found) / static_cast<double>(wanted);
}

}  // namespace filmatlas
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_IMPL_HPP
