// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_EMBEDDING_DETAIL_SOURCE_SPACE_HPP
#define FILMATLAS_EMBEDDING_DETAIL_SOURCE_SPACE_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/embedding/embedding.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"

/// @file source_space.hpp
/// @brief Several unit vectors per item, products of all with all in blocks, and the nearest under any
/// weights.

namespace filmatlas::detail {

inline constexpr std::size_t kMaxLinkedSources = 16;

/// Checks sources and gives their weights with sum 1.
inline std::vector<double> source_weights(const std::vector<EmbeddingSource>& sources, const char* stage) {
    if (sources.empty()) throw_invalid(stage, "sources", "none given", "give at least one source");
    if (sources.size() > kMaxLinkedSources) {
        throw_invalid(stage, "sources", "are " + std::to_string(sources.size()),
                      "at most 16 sources are supported");
    }
    std::vector<double> weights;
    double total = 0;
    for (const EmbeddingSource& source : sources) {
        if (source.vectors.rows != sources.front().vectors.rows) {
            throw_shape(stage,
                        "source '" + source.name + "' has " + std::to_string(source.vectors.rows) +
                            " rows, source '" + sources.front().name + "' has " +
                            std::to_string(sources.front().vectors.rows),
                        "give every source one row per item, zero where an item lacks it");
        }
        if (source.vectors.cols < 1) throw_shape(stage, "source '" + source.name + "' has no columns");
        if (!std::isfinite(source.weight) || source.weight < 0) {
            throw_invalid(stage, "weight", "of source '" + source.name + "' is " + to_text(source.weight),
                          "use a finite weight of at least 0");
        }
        weights.push_back(source.weight);
        total += source.weight;
    }
    if (!(total > 0) || !std::isfinite(total)) {
        throw_invalid(stage, "weight", "of all sources sums to " + to_text(total),
                      "give at least one positive weight");
    }
    for (double& weight : weights) weight /= total;
    return weights;
}

/// Writes the unit vector of a row; false (and zeros) when it has none.
inline bool source_unit_row(const float* in, std::int64_t d, float* out) {
    double squared = 0;
    for (std::int64_t k = 0; k < d; ++k) squared += static_cast<double>(in[k]) * static_cast<double>(in[k]);
    if (!(squared > 0) || !std::isfinite(squared)) {
        std::fill_n(out, d, 0.0F);
        return false;
    }
    const double norm = std::sqrt(squared);
    for (std::int64_t k = 0; k < d; ++k) out[k] = static_cast<float>(static_cast<double>(in[k]) / norm);
    return true;
}

/// Weights that a set of sources gives a pair, by the sources that the items have.
class FusionWeights {
public:
    FusionWeights(std::span<const double> weights, std::uint32_t set, MissingRule missing)
        : missing_(missing), of_source_(weights.size(), 0), scale_(std::size_t{1} << weights.size(), 0) {
        for (std::size_t s = 0; s < weights.size(); ++s) {
            if ((set >> s & 1U) != 0) of_source_[s] = weights[s];
        }
        for (std::size_t mask = 0; mask < scale_.size(); ++mask) {
            double total = 0;
            for (std::size_t s = 0; s < weights.size(); ++s)
                total += (mask >> s & 1U) != 0 ? of_source_[s] : 0;
            if (total > 0) scale_[mask] = missing == MissingRule::Pair ? 1 / total : 1 / std::sqrt(total);
        }
    }

    double of_source(std::size_t s) const noexcept { return of_source_[s]; }
    /// What the weights of two items' common sources are multiplied by; 0 = not comparable.
    double scale(std::uint32_t a, std::uint32_t b) const noexcept {
        const double both = scale_[a & b];
        return missing_ == MissingRule::Pair || both == 0 ? both : scale_[a] * scale_[b];
    }

private:
    MissingRule missing_;
    std::vector<double> of_source_;
    std::vector<double> scale_;  // [mask]
};

/// The k best of a stream of (score, ascending id).
class BestLinks {
public:
    explicit BestLinks(std::size_t k) : scores_(k), ids_(k) {}
    void clear() noexcept { size_ = 0; }
    void offer(float score, Index id) noexcept {
        if (size_ == ids_.size()) {
            if (!(score > scores_[size_ - 1])) return;
        } else {
            ++size_;
        }
        std::size_t at = size_ - 1;
        for (; at > 0 && score > scores_[at - 1]; --at) {
            scores_[at] = scores_[at - 1];
            ids_[at] = ids_[at - 1];
        }
        scores_[at] = score;
        ids_[at] = id;
    }
    std::span<const Index> ids() const noexcept { return {ids_.data(), size_}; }

private:
    std::vector<float> scores_;
    std::vector<Index> ids_;
    std::size_t size_ = 0;
};

class SourceSpace {
public:
    SourceSpace(const std::vector<EmbeddingSource>& sources, int num_threads)
        : n_(sources.front().vectors.rows),
          num_threads_(num_threads),
          masks_(static_cast<std::size_t>(n_), 0) {
        for (std::size_t s = 0; s < sources.size(); ++s) {
            const MatrixView<const float>& view = sources[s].vectors;
            packed_.emplace_back(n_, view.cols, num_threads, [&](std::int64_t i, float* out) {
                if (source_unit_row(view.row_data(i), view.cols, out)) {
                    masks_[static_cast<std::size_t>(i)] |= 1U << s;  // one thread per row and source
                }
            });
        }
    }

    std::int64_t items() const noexcept { return n_; }
    std::size_t sources() const noexcept { return packed_.size(); }
    std::uint32_t mask(Index i) const noexcept { return masks_[static_cast<std::size_t>(i)]; }

    /// Rows per block, so that its cosines with all items take about 64 MiB; fixed by the shape alone.
    std::int64_t block_rows() const noexcept {
        const std::int64_t bytes = 4 * std::max<std::int64_t>(n_, 1) * static_cast<std::int64_t>(sources());
        return std::clamp<std::int64_t>((std::int64_t{64} << 20) / bytes / kPanel * kPanel, kPanel, 512);
    }

    double cosine(std::size_t s, Index i, Index j) const noexcept {
        const PackedRows<float>& rows = packed_[s];
        const float* x = rows.panel(i / kPanel) + i % kPanel;
        const float* y = rows.panel(j / kPanel) + j % kPanel;
        double sum = 0;
        for (std::int64_t k = 0; k < rows.cols(); ++k) {
            sum += static_cast<double>(x[k * kPanel]) * static_cast<double>(y[k * kPanel]);
        }
        return sum;
    }

    /// Cosines of some items with all, per source: out[s] is (rows, padded items).
    void cosines(std::span<const Index> rows, std::vector<Matrix<float>>& out) const {
        const Kernels& kernel = kernels();
        const auto m = static_cast<std::int64_t>(rows.size());
        out.resize(sources());
        for (std::size_t s = 0; s < sources(); ++s) {
            const PackedRows<float>& all = packed_[s];
            const std::int64_t d = all.cols();
            const PackedRows<float> left(m, d, num_threads_, [&](std::int64_t i, float* row) {
                const Index item = rows[static_cast<std::size_t>(i)];
                const float* from = all.panel(item / kPanel) + item % kPanel;
                for (std::int64_t k = 0; k < d; ++k) row[k] = from[k * kPanel];
            });
            const std::int64_t width = all.panels() * kPanel;
            if (out[s].rows() != left.panels() * kPanel || out[s].cols() != width) {
                out[s] = Matrix<float>(left.panels() * kPanel, width);
            }
            constexpr std::int64_t kGroup = 16;  // panels per call: the strip of results stays in the cache
            const std::int64_t groups = (all.panels() + kGroup - 1) / kGroup;
            parallel_for(groups, 1, num_threads_, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t g = begin; g < end; ++g) {
                    const std::int64_t panels = std::min(kGroup, all.panels() - g * kGroup);
                    for (std::int64_t p = 0; p < left.panels(); ++p) {
                        kernel.block_product(left.panel(p), all.panel(g * kGroup),
                                             static_cast<std::size_t>(d), static_cast<std::size_t>(panels),
                                             out[s].row_data(p * kPanel) + g * kGroup * kPanel,
                                             static_cast<std::size_t>(width));
                    }
                }
            });
        }
    }

    /// The best links of item i, row `row` of `cosines`, under a set of sources.
    void nearest(const std::vector<Matrix<float>>& cosines, std::int64_t row, Index i,
                 const FusionWeights& weights, std::vector<float>& scores, BestLinks& best) const {
        scores.assign(static_cast<std::size_t>(n_), 0.0F);
        for (std::size_t s = 0; s < sources(); ++s) {
            const auto weight = static_cast<float>(weights.of_source(s));
            if (weight == 0 || (mask(i) >> s & 1U) == 0) continue;
            const float* values = cosines[s].row_data(row);
            for (std::size_t j = 0; j < scores.size(); ++j) scores[j] += weight * values[j];
        }
        best.clear();
        std::vector<float> scale(std::size_t{1} << sources());
        for (std::uint32_t theirs = 0; theirs < scale.size(); ++theirs)
            scale[theirs] = static_cast<float>(weights.scale(mask(i), theirs));
        for (std::size_t j = 0; j < scores.size(); ++j) {
            const float factor = scale[masks_[j]];
            if (factor > 0 && static_cast<Index>(j) != i)
                best.offer(scores[j] * factor, static_cast<Index>(j));
        }
    }

private:
    static constexpr std::int64_t kPanel = PackedRows<float>::panel_rows;

    std::int64_t n_;
    int num_threads_;
    std::vector<std::uint32_t> masks_;
    std::vector<PackedRows<float>> packed_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_EMBEDDING_DETAIL_SOURCE_SPACE_HPP
