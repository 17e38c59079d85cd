// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_QUERY_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_QUERY_IMPL_HPP

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/neighbors/detail/knn_screen_impl.hpp"
#include "filmatlas/neighbors/detail/knn_shortlist_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

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
        KnnRowReader reader(space);
        const std::int64_t end = std::min(space.size(), (chunk + 1) * chunk_rows);
        for (std::int64_t j = chunk * chunk_rows; j < end; ++j) {
            const float distance = space.distance(kernel, query, factor, reader.second(j), space.factor_of(j));
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

/// Whether a query has distances, and what scales it.
inline bool knn_query_factor(const KnnSpace& space, const float* query, float& factor) {
    double squared = 0;
    const KnnRowState state = knn_check_row(space.metric, query, space.dim(), squared);
    factor = space.metric == Metric::Cosine && state == KnnRowState::Valid ? knn_row_factor(squared) : space.scale;
    return knn_usable(state);
}

/// Progress of tasks that are long: told from inside them where that is the calling thread (worker 0), and when it
/// cancels, the other tasks end at their next step.
class KnnQueryProgress {
public:
    KnnQueryProgress(const Progress& progress, const char* stage, std::int64_t total)
        : progress_(progress), stage_(stage), total_(total) {}

    /// False: stop.
    bool step(int worker) {
        const std::int64_t done = done_.fetch_add(1, std::memory_order_relaxed) + 1;
        if (worker == 0 && progress_ && done < total_) {
            try {
                progress_(stage_, done, total_);
            } catch (...) {
                stop_.store(true, std::memory_order_relaxed);
                throw;
            }
        }
        return !stop_.load(std::memory_order_relaxed);
    }
    void finish() const {
        if (progress_) progress_(stage_, total_, total_);
    }

private:
    const Progress& progress_;
    const char* stage_;
    std::int64_t total_;
    std::atomic<std::int64_t> done_{0};
    std::atomic<bool> stop_{false};
};

/// Batches of queries, each screened against all rows.
class KnnScreenedQueries {
public:
    KnnScreenedQueries(const KnnSpace& space, const KnnScreen& screen, const VectorRows& queries, Matrix<Index>& ids,
                       Matrix<float>& distances)
        : space_(space),
          screen_(screen),
          queries_(queries),
          ids_(ids),
          distances_(distances),
          kernel_(kernels()),
          // Many queries share each pass over the rows; few are spread over the threads.
          batch_(queries.rows() >= 4096 ? 256 : queries.rows() >= 1024 ? 128 : 32) {}

    void run(const char* stage, int num_threads, const Progress& progress) {
        const std::int64_t batches = (queries_.rows() + batch_ - 1) / batch_;
        const std::int64_t steps = (screen_.panels() + step_panels - 1) / step_panels;
        KnnQueryProgress watched(progress, stage, batches * steps);
        parallel_blocks(batches, num_threads,
                        [&](std::int64_t b, int worker) { run_batch(b * batch_, worker, watched); });
        watched.finish();
    }

private:
    static constexpr std::int64_t panel_rows = 16;
    static constexpr std::int64_t slice = 6;              // panels of rows per call of the kernel
    static constexpr std::int64_t step_panels = 64 * slice;  // per step of the progress: some milliseconds

    /// Distances of the queries of a batch to the rows.
    struct Measure {
        const KnnSpace& space;
        const Kernels& kernel;
        std::span<const float* const> query;
        std::span<const float> factor;

        float operator()(std::int64_t i, std::int64_t j) const {
            const auto at = static_cast<std::size_t>(i);
            return space.distance(kernel, query[at], factor[at], space.direct_row(j), space.factor_of(j));
        }
        void prefetch(std::int64_t j) const { prefetch_values(space.direct_row(j), space.dim()); }
    };

    void run_batch(std::int64_t first, int worker, KnnQueryProgress& watched) {
        const std::int64_t last = std::min(queries_.rows(), first + batch_);
        std::vector<float> converted(queries_.direct() ? 0 : static_cast<std::size_t>((last - first) * space_.dim()));
        std::vector<std::int64_t> row;
        std::vector<const float*> query;
        std::vector<float> factor;
        for (std::int64_t q = first; q < last; ++q) {
            float* scratch = converted.data() + (converted.empty() ? 0 : (q - first) * space_.dim());
            const float* values = queries_.row(q, scratch);
            float scale = 1;
            if (!knn_query_factor(space_, values, scale)) continue;
            row.push_back(q);
            query.push_back(values);
            factor.push_back(scale);
        }
        if (row.empty()) return;
        const auto count = static_cast<std::int64_t>(row.size());
        const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
        const KnnScreen packed = screen_.pack_queries(
            count, [&](std::int64_t i) { return query[at(i)]; }, [&](std::int64_t i) { return factor[at(i)]; });
        const std::int64_t slots = std::min<std::int64_t>(ids_.cols(), space_.size());
        KnnShortlists lists(screen_, packed.spread(), count, slots);
        const Measure measure{space_, kernel_, query, factor};
        if (!screen(packed, count, lists, measure, worker, watched)) return;
        for (std::int64_t i = 0; i < count; ++i) {
            const auto ids = ids_.row(row[at(i)]);
            const auto distances = distances_.row(row[at(i)]);
            if (!(std::abs(packed.add()[at(i)]) < 1e30F)) {
                knn_query_direct(space_, kernel_, query[at(i)], factor[at(i)], ids, distances, 1);
                continue;
            }
            lists.finish(i, measure);
            knn_write(space_, lists.neighbors(i), ids, distances);
        }
    }

    bool screen(const KnnScreen& packed, std::int64_t count, KnnShortlists& lists, const Measure& measure, int worker,
                KnnQueryProgress& watched) {
        const auto words = static_cast<std::size_t>(screen_.words());
        const auto panels = static_cast<std::size_t>(packed.panels());
        std::vector<KnnScreenLine> arranged;
        const void* left = packed.left_panels(0, packed.panels(), arranged);
        std::vector<float> gaps(packed.add().begin(), packed.add().end());
        // Rows of the index look for nothing: no product reaches their gap.
        const std::vector<float> closed(static_cast<std::size_t>(slice * panel_rows),
                                        std::numeric_limits<float>::infinity());
        std::vector<ScreenHit> hits(gaps.size() * closed.size());
        for (std::int64_t base = 0; base < screen_.panels(); base += slice) {
            if (base % step_panels == 0 && !watched.step(worker)) return false;
            for (std::int64_t i = 0; i < count; ++i) {
                gaps[static_cast<std::size_t>(i)] = packed.add()[static_cast<std::size_t>(i)] - lists.limit(i);
            }
            const auto width = static_cast<std::size_t>(std::min(slice, screen_.panels() - base));
            const ScreenRows a{left, panels, packed.add().data(), gaps.data()};
            const ScreenRows b{screen_.panel(base), width, screen_.add().data() + base * panel_rows, closed.data()};
            const std::size_t found = screen_.kernel().screen_block(a, b, words, hits.data());
            for (std::size_t h = 0; h < found; ++h) {
                lists.offer(hits[h].row, hits[h].key, static_cast<Index>(base * panel_rows + hits[h].col), measure);
            }
        }
        return true;
    }

    const KnnSpace& space_;
    const KnnScreen& screen_;
    const VectorRows& queries_;
    Matrix<Index>& ids_;
    Matrix<float>& distances_;
    const Kernels& kernel_;
    std::int64_t batch_;
};

/// Fills the rows of `ids` and `distances`, which hold -1 and +inf. The space's rows must be direct.
inline void knn_query_exact(const char* stage, const KnnSpace& space, const KnnScreen& screen,
                            const VectorRows& queries, Matrix<Index>& ids, Matrix<float>& distances, int num_threads,
                            const Progress& progress) {
    constexpr std::int64_t few = 4;  // packing them would cost as much as measuring every distance
    if (space.screens() && queries.rows() > few) {
        KnnScreenedQueries(space, screen, queries, ids, distances).run(stage, num_threads, progress);
        return;
    }
    const Kernels& kernel = kernels();
    const auto direct = [&](std::int64_t q, int threads) {
        std::vector<float> scratch(queries.direct() ? 0 : static_cast<std::size_t>(space.dim()));
        const float* query = queries.row(q, scratch.data());
        float factor = 1;
        if (!knn_query_factor(space, query, factor)) return;
        knn_query_direct(space, kernel, query, factor, ids.row(q), distances.row(q), threads);
    };
    if (queries.rows() > few) {
        parallel_blocks(
            queries.rows(), num_threads, [&](std::int64_t q, int) { direct(q, 1); }, progress, stage);
        return;
    }
    for (std::int64_t q = 0; q < queries.rows(); ++q) {
        direct(q, num_threads);
        if (progress) progress(stage, q + 1, queries.rows());
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_QUERY_IMPL_HPP
