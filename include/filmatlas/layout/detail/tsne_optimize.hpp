// SPDX-License-Identifier: MIT
// Before the guard: in header-only use this brings bodies that need what stands below.
#include "filmatlas/layout/tsne.hpp"

#ifndef FILMATLAS_LAYOUT_DETAIL_TSNE_OPTIMIZE_HPP
#define FILMATLAS_LAYOUT_DETAIL_TSNE_OPTIMIZE_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/layout/detail/engine.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/detail/tsne_repulsion.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file tsne_optimize.hpp
/// @brief Rows of similarities and the rounds of t-SNE.

namespace filmatlas::detail {

/// Perplexity that k neighbours can carry: at most k, where all of them weigh the same. On sentence
/// embeddings flat weights over 15 neighbours keep more of them, and larger regions in one piece, than a
/// Gaussian of perplexity 5 or 10 over the same 15.
inline double tsne_perplexity(double wanted, std::int64_t k) {
    return std::min(wanted, static_cast<double>(k));
}

/// Similarities of one row: p proportional to exp(-beta (d - d_0)), entropy log(perplexity); Newton's steps
/// inside a bracket, at most 200.
inline void tsne_row(const std::vector<double>& d, double perplexity, std::vector<double>& p) {
    const std::size_t m = d.size();
    p.assign(m, 1.0 / static_cast<double>(m));
    const double target = layout_log(std::min(perplexity, static_cast<double>(m)));
    if (perplexity >= static_cast<double>(m) || d[m - 1] <= d[0]) return;
    double mean = 0;
    for (const double x : d) mean += x - d[0];
    mean /= static_cast<double>(m);
    double low = 0;
    double high = std::numeric_limits<double>::infinity();
    double beta = 1.0 / mean;
    for (int round = 0; round < 200; ++round) {
        double sum = 0;
        double first = 0;
        double second = 0;
        for (std::size_t s = 0; s < m; ++s) {
            const double x = d[s] - d[0];
            const double w = layout_exp(-beta * x);
            p[s] = w;
            sum += w;
            first += w * x;
            second += w * x * x;
        }
        first /= sum;
        second /= sum;
        for (double& w : p) w /= sum;
        const double gap = layout_log(sum) + beta * first - target;  // entropy - target, falls with beta
        if (std::abs(gap) < 1e-9) break;
        if (gap > 0) {
            low = beta;
        } else {
            high = beta;
        }
        const double slope = -beta * (second - first * first);
        double next = slope < 0 ? beta - gap / slope : -1;
        if (!(next > low && next < high)) next = std::isinf(high) ? beta * 2 : (low + high) / 2;
        if (next == beta || next > 1e300) break;
        beta = next;
    }
}

/// Rounds with one exaggeration.
struct TsneRounds {
    std::string_view stage = "tsne";  ///< as progress tells it
    int count = 0;
    double exaggeration = 1;
    double learning_rate = 200;
    double momentum = 0.8;
    double theta = 0.5;
    TsneRepulsion repulsion = TsneRepulsion::Auto;
    int num_threads = 0;
    /// (n,) how far an item may go from where it starts; empty = no limit.
    std::vector<float> leash = {};
};

/// What one round's step reads and moves.
struct TsneStep {
    const CsrMatrix<float>* affinities;
    const Index* items;
    const float* y;
    float* out;
    const float* repulsion;
    float* velocity;
    float* gain;
    float inverse_normaliser;
    float exaggeration;
    float rate;
    float momentum;
    const float* anchor;  ///< where the items started
    const float* leash;   ///< null = no limit
};

/// Moves the items [begin, end) of the list by attraction, repulsion and momentum.
template <int D>
FILMATLAS_ALWAYS_INLINE void tsne_move_items(const TsneStep& s, std::int64_t begin, std::int64_t end) noexcept {
    constexpr std::size_t kLanes = 8;
    constexpr float kMaxStep = 5.0F;
    using F = LayoutVec<kLanes>::F;
    for (std::int64_t p = begin; p < end; ++p) {
        const std::int64_t i = s.items[p];
        const auto ids = s.affinities->row_indices(i);
        const auto weights = s.affinities->row_values(i);
        // Eight edges side by side; lanes without an edge stand on the item and weigh nothing.
        F sums[D] = {};
        for (std::size_t e = 0; e < ids.size(); e += kLanes) {
            alignas(32) float other[D][kLanes];
            alignas(32) float weight[kLanes];
            const std::size_t used = std::min(kLanes, ids.size() - e);
            for (std::size_t l = 0; l < kLanes; ++l) {
                const std::int64_t j = l < used ? std::int64_t{ids[e + l]} : i;
                weight[l] = l < used ? weights[e + l] : 0.0F;
                for (int d = 0; d < D; ++d) other[d][l] = s.y[j * D + d];
            }
            F delta[D];
            F distance2 = F{} + 1.0F;
            for (int d = 0; d < D; ++d) {
                F from;
                std::memcpy(&from, other[d], sizeof from);
                delta[d] = s.y[i * D + d] - from;
                distance2 += delta[d] * delta[d];
            }
            F w;
            std::memcpy(&w, weight, sizeof w);
            w /= distance2;
            for (int d = 0; d < D; ++d) sums[d] += w * delta[d];
        }
        float step2 = 0;
        for (int d = 0; d < D; ++d) {
            float force = 0;
            for (std::size_t l = 0; l < kLanes; ++l) force += sums[d][l];
            const std::int64_t k = i * D + d;
            const float gradient = s.exaggeration * force - s.inverse_normaliser * s.repulsion[k];
            float& g = s.gain[k];
            float& v = s.velocity[k];
            // Delta-bar-delta: a coordinate that keeps its direction takes longer steps.
            g = (gradient > 0) != (v > 0) ? g + 0.2F : std::max(g * 0.8F, 0.01F);
            v = s.momentum * v - s.rate * g * gradient;
            step2 += v * v;
        }
        const float shrink = step2 > kMaxStep * kMaxStep ? kMaxStep / std::sqrt(step2) : 1.0F;
        for (int d = 0; d < D; ++d) {
            const std::int64_t k = i * D + d;
            s.velocity[k] *= shrink;
            s.out[k] = s.y[k] + s.velocity[k];
        }
        if (s.leash == nullptr) continue;
        float away2 = 0;
        for (int d = 0; d < D; ++d) {
            const float gap = s.out[i * D + d] - s.anchor[i * D + d];
            away2 += gap * gap;
        }
        if (away2 <= s.leash[i] * s.leash[i]) continue;
        const float back = s.leash[i] / std::sqrt(away2);
        for (int d = 0; d < D; ++d) {
            const std::int64_t k = i * D + d;
            s.out[k] = s.anchor[k] + (s.out[k] - s.anchor[k]) * back;
            s.velocity[k] = s.out[k] - s.y[k];
        }
    }
}

using TsneMove = void (*)(const TsneStep&, std::int64_t, std::int64_t) noexcept;
template <int D>
inline void tsne_move_baseline(const TsneStep& s, std::int64_t begin, std::int64_t end) noexcept {
    tsne_move_items<D>(s, begin, end);
}
template <int D>
FILMATLAS_TARGET_AVX2 inline void tsne_move_avx2(const TsneStep& s, std::int64_t begin, std::int64_t end) noexcept {
    tsne_move_items<D>(s, begin, end);
}
template <int D>
TsneMove tsne_mover() {
    return simd_version(&tsne_move_baseline<D>, &tsne_move_avx2<D>, &tsne_move_avx2<D>);
}

/// Moves the items that have similarities; the others stand still and repel nobody. Holds references: affinities and
/// coordinates must outlive it.
template <int D>
class TsneEngine final : public LayoutEngine {
public:
    TsneEngine(const CsrMatrix<float>& affinities, Matrix<float>& coordinates, const TsneRounds& rounds)
        : LayoutEngine(0, rounds.num_threads, rounds.stage), rounds_(rounds), coordinates_(coordinates) {
        for (std::int64_t i = 0; i < coordinates.rows(); ++i) {
            if (!affinities.row_indices(i).empty()) items_.push_back(static_cast<Index>(i));
        }
        if (items_.empty()) return;
        const std::vector<float>& start = coordinates.values();
        other_ = start;
        if (!rounds.leash.empty()) anchor_ = start;
        repulsion_.assign(start.size(), 0);
        velocity_.assign(start.size(), 0);
        gain_.assign(start.size(), 1);
        repeller_.emplace(items_, rounds.theta, rounds.repulsion, repulsion_,
                          [this](std::int64_t round) { return current(round); });
        repeller_->add_phases(phases_);
        add_move(affinities);
    }

private:
    /// Rounds read one of two arrays and write the other.
    float* current(std::int64_t round) { return round % 2 == 0 ? coordinates_.data() : other_.data(); }

    void show() override {
        if (round() % 2 == 1 && !items_.empty()) std::copy(other_.begin(), other_.end(), coordinates_.data());
    }

    void add_move(const CsrMatrix<float>& affinities) {
        const TsneStep step{&affinities,
                            items_.data(),
                            nullptr,
                            nullptr,
                            repulsion_.data(),
                            velocity_.data(),
                            gain_.data(),
                            0,
                            static_cast<float>(rounds_.exaggeration),
                            static_cast<float>(rounds_.learning_rate),
                            static_cast<float>(rounds_.momentum),
                            anchor_.data(),
                            rounds_.leash.empty() ? nullptr : rounds_.leash.data()};
        const TsneMove move = tsne_mover<D>();
        const auto count = static_cast<std::int64_t>(items_.size());
        phases_.push_back({(count + kTsneItemsPerBlock - 1) / kTsneItemsPerBlock,
                           [this, step, move, count](std::int64_t round, std::int64_t block) {
                               TsneStep own = step;
                               own.y = current(round);
                               own.out = current(round + 1);
                               own.inverse_normaliser = repeller_->inverse_normaliser();
                               move(own, block * kTsneItemsPerBlock,
                                    std::min(count, (block + 1) * kTsneItemsPerBlock));
                           }});
    }

    TsneRounds rounds_;
    Matrix<float>& coordinates_;
    std::vector<Index> items_;
    std::vector<float> other_;
    std::vector<float> anchor_;  ///< where leashed items started
    std::vector<float> repulsion_;
    std::vector<float> velocity_;
    std::vector<float> gain_;
    std::optional<TsneRepeller<D>> repeller_;
};

inline std::unique_ptr<LayoutEngine> tsne_engine(const CsrMatrix<float>& affinities, Matrix<float>& coordinates,
                                                 const TsneRounds& rounds) {
    if (coordinates.cols() == 2) return std::make_unique<TsneEngine<2>>(affinities, coordinates, rounds);
    return std::make_unique<TsneEngine<3>>(affinities, coordinates, rounds);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_TSNE_OPTIMIZE_HPP
