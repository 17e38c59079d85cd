// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_INDEX_SEARCH_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_INDEX_SEARCH_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/neighbors/detail/hnsw_graph.hpp"
#include "filmatlas/neighbors/detail/knn_query_impl.hpp"
#include "filmatlas/neighbors/detail/knn_repeats_impl.hpp"
#include "filmatlas/neighbors/knn_index.hpp"

namespace filmatlas::detail {

struct KnnIndexEngine {
    KnnSpace space;
    KnnScreen screen;                  ///< exact
    KnnRepeats groups;                 ///< hnsw: equal rows are one node
    std::unique_ptr<HnswGraph> graph;  ///< hnsw; null without valid rows
};

/// One worker's searches.
class KnnIndexSearch {
public:
    explicit KnnIndexSearch(const KnnIndexEngine& engine)
        : engine_(engine),
          values_(static_cast<std::size_t>(engine.space.dim())),
          code_(engine.graph->rows.codes().stride()) {}

    /// (distance, group) of the nearest groups found, in order; false where the query is beyond the codes' range.
    bool find(const float* query, float factor, std::size_t k, std::size_t ef, std::uint32_t hidden,
              std::vector<std::uint64_t>& found) {
        const KnnSpace& space = engine_.space;
        const HnswRows& rows = engine_.graph->rows;
        scratch_.query = {query, factor, code_.data(), {}};
        if (!rows.full()) {
            rows.values(query, factor, values_.data());
            scratch_.query.measures = rows.codes().encode(values_.data(), code_.data());
            if (!(scratch_.query.measures.squared < 1e37F)) return false;
        }
        engine_.graph->search(scratch_, std::max(ef, k), hidden);
        // The codes' error can swap rows of nearly the same distance: some more than k are measured again.
        const std::size_t count = std::min(scratch_.pool.size(), std::max(2 * k + 10, ef / 2));
        found.clear();
        for (std::size_t p = 0; p < count; ++p) {
            const auto group = static_cast<Index>(HnswGraph::place_of(scratch_.pool[p]));
            const Index position = engine_.groups.first(group);
            found.push_back(knn_key(space.distance(kernel_, query, factor, space.direct_row(position),
                                                   space.factor_of(position)),
                                    group));
        }
        std::sort(found.begin(), found.end());
        return true;
    }

private:
    const KnnIndexEngine& engine_;
    const Kernels& kernel_ = kernels();
    HnswScratch scratch_;
    std::vector<float> values_;
    std::vector<std::int8_t> code_;
};

/// Searches, one worker's memory each.
class KnnIndexSearches {
public:
    KnnIndexSearches(const KnnIndexEngine& engine, int num_threads)
        : engine_(engine), searches_(static_cast<std::size_t>(resolve_num_threads(num_threads))) {}
    KnnIndexSearch& of(int worker) {
        auto& search = searches_[static_cast<std::size_t>(worker)];
        if (!search) search = std::make_unique<KnnIndexSearch>(engine_);
        return *search;
    }

private:
    const KnnIndexEngine& engine_;
    std::vector<std::unique_ptr<KnnIndexSearch>> searches_;
};

inline void knn_query_hnsw(const char* stage, const KnnIndexEngine& engine, const VectorRows& queries, std::size_t ef,
                           KnnIndex::Result& result, int num_threads, const Progress& progress) {
    constexpr std::int64_t batch = 32;
    const KnnSpace& space = engine.space;
    const auto k = static_cast<std::size_t>(result.indices.cols());
    const std::size_t wanted = std::min(k, static_cast<std::size_t>(space.size()));
    KnnIndexSearches searches(engine, num_threads);
    const auto run_batch = [&](std::int64_t b, int worker) {
        KnnIndexSearch& search = searches.of(worker);
        std::vector<float> scratch(queries.direct() ? 0 : static_cast<std::size_t>(space.dim()));
        std::vector<std::uint64_t> found;
        std::vector<std::uint64_t> keys;
        for (std::int64_t q = b * batch; q < std::min(queries.rows(), (b + 1) * batch); ++q) {
            const float* query = queries.row(q, scratch.data());
            float factor = 1;
            if (!knn_query_factor(space, query, factor)) continue;
            keys.clear();
            if (search.find(query, factor, k, ef, HnswGraph::no_node, found)) {
                for (std::size_t f = 0; f < std::min(k, found.size()); ++f) {
                    const auto members = engine.groups.group(knn_key_id(found[f]));
                    for (const Index member : members.first(std::min(k, members.size()))) {
                        keys.push_back(knn_key(knn_key_distance(found[f]), member));
                    }
                }
                std::sort(keys.begin(), keys.end());
            }
            if (keys.size() >= wanted) {
                knn_write(space, {keys.data(), wanted}, result.indices.row(q), result.distances.row(q));
            } else {
                knn_query_direct(space, kernels(), query, factor, result.indices.row(q), result.distances.row(q), 1);
            }
        }
    };
    parallel_blocks((queries.rows() + batch - 1) / batch, num_threads, run_batch, progress, stage);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_INDEX_SEARCH_HPP
