// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_INDEX_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_INDEX_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "filmatlas/neighbors/detail/hnsw_build.hpp"
#include "filmatlas/neighbors/detail/knn_index_trial.hpp"
#include "filmatlas/neighbors/detail/knn_query_impl.hpp"
#include "filmatlas/neighbors/detail/knn_repeats_impl.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "filmatlas/neighbors/knn_index.hpp"

namespace filmatlas {
namespace detail {

inline constexpr const char* knn_index_stage = "KnnIndex";
/// Neighbours per row among which links are chosen.
inline constexpr int knn_index_candidates = 48;

inline bool knn_index_knows(Metric metric, std::int64_t d) {
    return (metric == Metric::Cosine || metric == Metric::Euclidean || metric == Metric::SqEuclidean) &&
           d <= static_cast<std::int64_t>(int8_max_row);
}

inline std::pair<KnnIndexMethod, std::string> knn_index_choose(std::int64_t n, std::int64_t d,
                                                               const KnnIndexOptions& options) {
    const bool known = knn_index_knows(options.metric, d);
    if (options.method == KnnIndexMethod::Hnsw && !known) {
        throw_invalid(knn_index_stage, "method",
                      "hnsw does not know the metric " + std::string(to_string(options.metric)) + " in " +
                          std::to_string(d) + " dimensions",
                      "use exact; hnsw takes cosine, euclidean and sqeuclidean in up to " +
                          std::to_string(int8_max_row) + " dimensions");
    }
    if (options.method != KnnIndexMethod::Auto) return {options.method, "asked for"};
    constexpr std::int64_t affordable = 200'000 * 512;
    const std::string size = std::to_string(n) + " rows of " + std::to_string(d) + " dimensions";
    if (n * d <= affordable) return {KnnIndexMethod::Exact, "exact search is affordable: " + size};
    if (!known) {
        return {KnnIndexMethod::Exact,
                "no graph search knows the metric " + std::string(to_string(options.metric))};
    }
    return {KnnIndexMethod::Hnsw, size + " are many to compare with every query"};
}

inline std::int64_t knn_index_bytes(std::int64_t n, std::int64_t d, const KnnIndexOptions& options) {
    const std::int64_t vectors = n * d * 4;
    if (options.method == KnnIndexMethod::Exact) {
        return vectors + n * 16 + (options.metric == Metric::Manhattan ? 0 : KnnScreen::bytes(n, d));
    }
    KnnOptions graph;
    graph.k = knn_index_candidates;
    graph.metric = options.metric;
    const std::int64_t links = n * (knn_index_candidates * 4 + options.links * 16 + 32);
    return vectors + links + std::max(HnswCodes::bytes(n, d), knn_graph_bytes(n, d, graph));
}

/// Neighbours of the rows at `positions` among each other, by their place in it.
inline KnnGraph knn_index_neighbors(const KnnSpace& space, std::span<const Index> positions, std::uint64_t seed,
                                    int num_threads, const Progress& progress) {
    KnnOptions options;
    options.k = static_cast<int>(std::clamp<std::int64_t>(static_cast<std::int64_t>(positions.size()) - 1, 1,
                                                          knn_index_candidates));
    options.metric = space.metric;
    options.seed = seed;
    options.num_threads = num_threads;
    if (static_cast<std::int64_t>(positions.size()) == space.rows.rows()) return knn_graph(space.rows, options, progress);
    Matrix<float> rows(static_cast<std::int64_t>(positions.size()), space.dim());
    for (std::size_t p = 0; p < positions.size(); ++p) {
        std::copy_n(space.direct_row(positions[p]), space.dim(), rows.row_data(static_cast<std::int64_t>(p)));
    }
    return knn_graph(std::as_const(rows).view(), options, progress);
}

/// Chooses links from the neighbours of the groups.
inline void knn_index_link(KnnIndexEngine& engine, MatrixView<const Index> neighbors, bool full,
                           const KnnIndexOptions& options, const Progress& progress) {
    const KnnSpace& space = engine.space;
    HnswRows rows(space, engine.groups, full, options.num_threads, progress);
    const auto among = [&](const std::vector<std::uint32_t>& nodes) {
        std::vector<Index> positions;
        for (const std::uint32_t node : nodes) positions.push_back(engine.groups.first(node));
        return knn_index_neighbors(space, positions, options.seed, options.num_threads, progress).indices;
    };
    engine.graph = std::make_unique<HnswGraph>(hnsw_build(std::move(rows), neighbors, options.links, options.seed,
                                                          options.num_threads, progress, among));
}

[[noreturn]] inline void knn_index_fail(std::int64_t row, std::string what) {
    throw Error(ErrorCode::Format, ErrorContext{knn_index_stage, {}, row, {}, -1}, std::move(what));
}

/// Lists of distinct others, padded at the end.
inline void knn_index_check(MatrixView<const Index> neighbors, std::int64_t groups) {
    if (neighbors.rows != groups) {
        knn_index_fail(-1, "the neighbours of " + std::to_string(neighbors.rows) + " rows are kept, the vectors have " +
                               std::to_string(groups) + " distinct valid rows");
    }
    std::vector<Index> sorted;
    for (std::int64_t i = 0; i < neighbors.rows; ++i) {
        sorted.assign(neighbors.row_data(i), neighbors.row_data(i) + neighbors.cols);
        while (!sorted.empty() && sorted.back() == -1) sorted.pop_back();
        std::sort(sorted.begin(), sorted.end());
        const bool outside = !sorted.empty() && (sorted.front() < 0 || sorted.back() >= groups);
        const bool twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
        if (outside || twice || std::binary_search(sorted.begin(), sorted.end(), static_cast<Index>(i))) {
            knn_index_fail(i, outside ? "a neighbour's id is outside [0, " + std::to_string(groups) + ")"
                              : twice ? "a neighbour occurs twice"
                                      : "the row is its own neighbour");
        }
    }
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(KnnIndexMethod method) noexcept {
    switch (method) {
        case KnnIndexMethod::Auto: return "auto";
        case KnnIndexMethod::Exact: return "exact";
        case KnnIndexMethod::Hnsw: return "hnsw";
    }
    return "unknown";
}

FILMATLAS_INLINE KnnIndexMethod knn_index_method_from_string(std::string_view name) {
    for (const auto method : {KnnIndexMethod::Auto, KnnIndexMethod::Exact, KnnIndexMethod::Hnsw}) {
        if (to_string(method) == name) return method;
    }
    throw_invalid("knn_index_method_from_string", "method", "is '" + std::string(name) + "'",
                  "use one of auto, exact, hnsw");
}

FILMATLAS_INLINE void validate(const KnnIndexOptions& options) {
    constexpr const char* stage = detail::knn_index_stage;
    if (options.links < 4 || options.links > 64) {
        throw_invalid(stage, "links", "is " + std::to_string(options.links), "use 4 to 64");
    }
    if (!(options.target_recall > 0) || !(options.target_recall < 1)) {
        throw_invalid(stage, "target_recall", "is " + to_text(options.target_recall),
                      "use a number between 0 and 1, or method exact for all");
    }
    if (options.target_k < 1 || options.target_k > detail::knn_index_candidates) {
        throw_invalid(stage, "target_k", "is " + std::to_string(options.target_k),
                      "use 1 to " + std::to_string(detail::knn_index_candidates));
    }
    if (options.ef && *options.ef < 1) {
        throw_invalid(stage, "ef", "is " + std::to_string(*options.ef), "use at least 1, or leave it unset");
    }
    if (options.memory_limit && *options.memory_limit < 1) {
        throw_invalid(stage, "memory_limit", "is " + std::to_string(*options.memory_limit) + " bytes",
                      "use a positive number, or leave it unset");
    }
    if (options.num_threads < 0) {
        throw_invalid(stage, "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
}

FILMATLAS_INLINE KnnIndex::KnnIndex(const VectorRows& vectors, const KnnIndexOptions& options,
                                    const Progress& progress) {
    validate(options);
    state_.options = options;
    std::tie(state_.options.method, reason_) = detail::knn_index_choose(vectors.rows(), vectors.cols(), options);
    const std::int64_t bytes = detail::knn_index_bytes(vectors.rows(), vectors.cols(), state_.options);
    if (options.memory_limit && bytes > *options.memory_limit) {
        throw Error(ErrorCode::Memory, ErrorContext{detail::knn_index_stage, {}, -1, {}, -1},
                    "needs about " + std::to_string(bytes) + " bytes, the limit is " +
                        std::to_string(*options.memory_limit),
                    "raise memory_limit");
    }
    engine_ = std::make_unique<detail::KnnIndexEngine>();
    engine_->space = detail::knn_make_space(detail::knn_index_stage, vectors, options.metric,
                                            options.num_threads, progress);
    state_.vectors = vectors.to_matrix(options.num_threads);
    prepare(progress);
}

FILMATLAS_INLINE KnnIndex::KnnIndex(const VectorRows& vectors, Metric metric, int num_threads)
    : KnnIndex(vectors,
               KnnIndexOptions{.metric = metric, .method = KnnIndexMethod::Exact, .num_threads = num_threads}) {}

FILMATLAS_INLINE KnnIndex::KnnIndex(KnnIndexState state, const Progress& progress) : state_(std::move(state)) {
    validate(state_.options);
    if (state_.options.method == KnnIndexMethod::Auto) detail::knn_index_fail(-1, "the method is not resolved");
    reason_ = detail::knn_index_choose(state_.vectors.rows(), state_.vectors.cols(), state_.options).second;
    const KnnIndexQuality& quality = state_.quality;
    if (state_.options.method == KnnIndexMethod::Hnsw &&
        (quality.ef < 0 || quality.k < 0 || quality.rows < 0 || !(quality.low <= quality.recall) ||
         !(quality.recall <= quality.high) || !(quality.low >= 0) || !(quality.high <= 1))) {
        detail::knn_index_fail(-1, "the measured recall contradicts itself");
    }
    engine_ = std::make_unique<detail::KnnIndexEngine>();
    engine_->space = detail::knn_make_space(detail::knn_index_stage, std::as_const(state_.vectors).view(),
                                            state_.options.metric, state_.options.num_threads, progress);
    prepare(progress);
}

FILMATLAS_INLINE void KnnIndex::prepare(const Progress& progress) {
    detail::KnnIndexEngine& engine = *engine_;
    const KnnIndexOptions& options = state_.options;
    engine.space.rows = std::as_const(state_.vectors).view();
    if (options.method == KnnIndexMethod::Exact) {
        if (engine.space.screens()) engine.screen = detail::KnnScreen(engine.space, options.num_threads, progress);
        return;
    }
    engine.groups = detail::knn_find_repeats(engine.space, options.num_threads, progress, "knn index: repeats");
    const std::int64_t groups = engine.groups.size();
    if (groups == 0) return;
    if (!state_.neighbors.empty()) {
        detail::knn_index_check(std::as_const(state_.neighbors).view(), groups);
        detail::knn_index_link(engine, std::as_const(state_.neighbors).view(), state_.full_precision, options,
                               progress);
        return;
    }
    std::vector<Index> positions;
    for (std::int64_t g = 0; g < groups; ++g) positions.push_back(engine.groups.first(g));
    KnnGraph graph =
        detail::knn_index_neighbors(engine.space, positions, options.seed, options.num_threads, progress);
    const bool exact = graph.exact();
    state_.neighbors = std::move(graph.indices);
    graph = {};
    const MatrixView<const Index> neighbors = std::as_const(state_.neighbors).view();
    detail::knn_index_link(engine, neighbors, false, options, progress);
    const int k = static_cast<int>(std::clamp<std::int64_t>(groups - 1, 1, options.target_k));
    const detail::KnnIndexTrial trial(engine, neighbors, exact, k, options, progress);
    state_.quality = trial.choose();
    // Long searches mean hard data, or neighbours that differ by less than the codes can tell.
    if (state_.quality.low >= options.target_recall && state_.quality.ef <= 256) return;
    auto coded = std::move(engine.graph);
    detail::knn_index_link(engine, neighbors, true, options, progress);
    const KnnIndexQuality full = trial.choose();
    state_.full_precision = full.low >= options.target_recall ? full.ef < state_.quality.ef || state_.quality.low < options.target_recall
                                                              : full.recall > state_.quality.recall + 0.02;
    if (state_.full_precision) {
        state_.quality = full;
    } else {
        engine.graph = std::move(coded);
    }
}

FILMATLAS_INLINE KnnIndex::~KnnIndex() = default;
FILMATLAS_INLINE KnnIndex::KnnIndex(KnnIndex&&) noexcept = default;
FILMATLAS_INLINE KnnIndex& KnnIndex::operator=(KnnIndex&&) noexcept = default;
FILMATLAS_INLINE std::int64_t KnnIndex::size() const noexcept { return state_.vectors.rows(); }
FILMATLAS_INLINE std::int64_t KnnIndex::dim() const noexcept { return state_.vectors.cols(); }
FILMATLAS_INLINE Metric KnnIndex::metric() const noexcept { return state_.options.metric; }
FILMATLAS_INLINE KnnIndexMethod KnnIndex::method() const noexcept { return state_.options.method; }
FILMATLAS_INLINE const std::string& KnnIndex::reason() const noexcept { return reason_; }
FILMATLAS_INLINE const KnnIndexQuality& KnnIndex::quality() const noexcept { return state_.quality; }
FILMATLAS_INLINE const KnnIndexState& KnnIndex::state() const noexcept { return state_; }

FILMATLAS_INLINE KnnIndex::Result KnnIndex::query(const VectorRows& queries, int k, int num_threads,
                                                  const Progress& progress, int ef) const {
    constexpr const char* stage = "KnnIndex::query";
    if (k < 1) throw_invalid(stage, "k", "is " + std::to_string(k), "use at least 1");
    if (ef < 0) throw_invalid(stage, "ef", "is " + std::to_string(ef), "use 0 (the index's) or a positive number");
    if (queries.cols() != dim()) {
        throw_shape(stage, "the queries have " + std::to_string(queries.cols()) + " columns, the index has " +
                               std::to_string(dim()));
    }
    Result result{Matrix<Index>(queries.rows(), k), Matrix<float>(queries.rows(), k)};
    std::fill(result.indices.values().begin(), result.indices.values().end(), -1);
    std::fill(result.distances.values().begin(), result.distances.values().end(),
              std::numeric_limits<float>::infinity());
    if (engine_->space.size() == 0 || queries.rows() == 0) return result;
    if (method() == KnnIndexMethod::Exact) {
        detail::knn_query_exact(stage, engine_->space, engine_->screen, queries, result.indices, result.distances,
                                num_threads, progress);
        return result;
    }
    std::int64_t keep = ef;
    if (ef == 0) {
        // Longer lists need longer searches; the measured length is for `quality().k`.
        const std::int64_t measured = std::max(state_.quality.k, 1);
        keep = state_.quality.ef * std::max<std::int64_t>(1, (k + measured - 1) / measured);
    }
    keep = std::min<std::int64_t>(std::max<std::int64_t>(keep, k), engine_->groups.size());
    detail::knn_query_hnsw(stage, *engine_, queries, static_cast<std::size_t>(keep), result, num_threads, progress);
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_INDEX_IMPL_HPP
