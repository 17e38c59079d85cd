// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_INDEX_TRIAL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_INDEX_TRIAL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/detail/knn_index_search.hpp"

namespace filmatlas::detail {

/// Measures searches on sampled groups that are hidden from their own search, and chooses the shortest one that
/// finds enough.
class KnnIndexTrial {
public:
    KnnIndexTrial(const KnnIndexEngine& engine, MatrixView<const Index> neighbors, bool exact, int k,
                  const KnnIndexOptions& options, const Progress& progress)
        : engine_(engine), k_(k), options_(options), progress_(progress) {
        const std::int64_t groups = engine.groups.size();
        const std::int64_t rows = std::min<std::int64_t>(groups, exact ? 1000 : 250);
        for (std::int64_t s = 0; s < rows; ++s) {
            const std::int64_t first = s * groups / rows;
            const auto width = static_cast<std::uint64_t>((s + 1) * groups / rows - first);
            RandomStream stream(options.seed, "knn index trial", static_cast<std::uint64_t>(s));
            sample_.push_back(static_cast<Index>(first + static_cast<std::int64_t>(stream.below(width))));
        }
        truth_ = Matrix<Index>(rows, k);
        std::fill(truth_.values().begin(), truth_.values().end(), -1);
        const auto know = [&](std::int64_t s, int) {
            if (exact) {
                std::copy_n(neighbors.row_data(sample_[static_cast<std::size_t>(s)]),
                            std::min<std::int64_t>(k, neighbors.cols), truth_.row_data(s));
            } else {
                measure_truth(s);
            }
        };
        parallel_blocks(rows, options.num_threads, know, progress, "knn index: measure");
    }

    KnnIndexQuality choose() const {
        if (options_.ef) return measure(*options_.ef);
        KnnIndexQuality quality;
        for (const int ef : {16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256, 384, 512, 768, 1024}) {
            if (ef < k_ && ef < 1024) continue;
            quality = measure(ef);
            if (quality.low >= options_.target_recall) break;
        }
        return quality;
    }

private:
    /// Where the neighbours may lack some: from all distances.
    void measure_truth(std::int64_t s) {
        const KnnSpace& space = engine_.space;
        const Index group = sample_[static_cast<std::size_t>(s)];
        const Index position = engine_.groups.first(group);
        const Kernels& kernel = kernels();
        std::vector<std::uint64_t> heap(static_cast<std::size_t>(k_), knn_no_key);
        for (Index other = 0; other < engine_.groups.size(); ++other) {
            if (other == group) continue;
            const Index at = engine_.groups.first(other);
            const std::uint64_t key =
                knn_key(space.distance(kernel, space.direct_row(position), space.factor_of(position),
                                       space.direct_row(at), space.factor_of(at)),
                        other);
            if (key < heap.front()) knn_heap_replace(heap.data(), heap.size(), key);
        }
        std::sort(heap.begin(), heap.end());
        for (std::size_t slot = 0; slot < heap.size() && heap[slot] != knn_no_key; ++slot) {
            truth_(s, static_cast<std::int64_t>(slot)) = knn_key_id(heap[slot]);
        }
    }

    KnnIndexQuality measure(int ef) const {
        const auto rows = static_cast<std::int64_t>(sample_.size());
        std::vector<double> share(sample_.size(), 1.0);
        KnnIndexSearches searches(engine_, options_.num_threads);
        const auto one = [&](std::int64_t s, int worker) {
            const auto at = static_cast<std::size_t>(s);
            const Index position = engine_.groups.first(sample_[at]);
            std::vector<std::uint64_t> found;
            if (!searches.of(worker).find(engine_.space.direct_row(position), engine_.space.factor_of(position),
                                          static_cast<std::size_t>(k_), static_cast<std::size_t>(ef),
                                          static_cast<std::uint32_t>(sample_[at]), found)) {
                return;  // answered exactly
            }
            std::vector<Index> ids;
            for (std::size_t f = 0; f < std::min(found.size(), static_cast<std::size_t>(k_)); ++f) {
                ids.push_back(knn_key_id(found[f]));
            }
            int wanted = 0;
            int hits = 0;
            for (const Index id : truth_.row(s)) {
                if (id < 0) break;
                ++wanted;
                hits += std::find(ids.begin(), ids.end(), id) != ids.end() ? 1 : 0;
            }
            if (wanted > 0) share[at] = static_cast<double>(hits) / wanted;
        };
        parallel_blocks(rows, options_.num_threads, one, progress_, "knn index: measure");
        KnnIndexQuality quality;
        quality.ef = ef;
        quality.k = k_;
        quality.rows = rows;
        double sum = 0;
        for (const double value : share) sum += value;
        quality.recall = sum / static_cast<double>(rows);
        double squares = 0;
        for (const double value : share) squares += (value - quality.recall) * (value - quality.recall);
        const auto count = static_cast<double>(rows);
        // Of the mean over rows, for a row's neighbours are found or missed together; where none is missed, the rule
        // of three.
        const double half = squares > 0 ? 1.96 * std::sqrt(squares / (count * std::max(1.0, count - 1)))
                                        : 3.0 / (count * static_cast<double>(k_));
        quality.low = std::max(0.0, quality.recall - half);
        quality.high = std::min(1.0, quality.recall + half);
        return quality;
    }

    const KnnIndexEngine& engine_;
    int k_;
    const KnnIndexOptions& options_;
    const Progress& progress_;
    std::vector<Index> sample_;
    Matrix<Index> truth_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_INDEX_TRIAL_HPP
