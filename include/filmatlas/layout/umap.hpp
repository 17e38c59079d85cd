// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_UMAP_HPP
#define FILMATLAS_LAYOUT_UMAP_HPP

#include <cstdint>
#include <optional>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/layout/run.hpp"
#include "filmatlas/layout/start.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file umap.hpp
/// @brief UMAP, parallel and deterministic at once: same bytes for any number of threads and instruction set.
///
/// Source: McInnes, Healy & Melville (2018). Where umap-learn moves both ends of an edge one edge after the
/// other, here the items are dealt into 16 fixed groups; the items of a group move at once, each reading the
/// frozen positions of all others and working through its own forces in order; then the next group moves.
/// Draws are keyed by (seed, epoch, item, number), so nothing depends on how the work was divided. Edge
/// schedule, curve and clamps are umap-learn's.

namespace filmatlas {

/// @brief Options of `umap()`.
struct UmapOptions {
    /// Neighbours per item, itself counted, as in umap-learn; at least 2. Larger shows more of the whole and
    /// less detail.
    int n_neighbors = 15;
    /// Least distance of points on the map; in [0, spread]. Smaller packs clusters more tightly.
    double min_dist = 0.1;
    /// Scale of the map's similarity; > 0.
    double spread = 1;
    /// Columns of the result; 1 to 16.
    int n_components = 2;
    /// Rounds; >= 0. Unset: `default_umap_epochs()`.
    std::optional<int> n_epochs = std::nullopt;
    /// First step size, falling linearly to 0; > 0. Unset: `default_umap_learning_rate()`.
    ///
    /// umap-learn's 1 loses more of the start's order: on film embeddings
    /// and posts a tenth and 300 rounds end with more neighbours kept, trust and rank correlation (.129 / .829 / .325
    /// and .216 / .928 / .355 against .119 / .819 / .317 and .210 / .925 / .328 with 1 and 200). Less keeps more triplets
    /// still, down to .07 (digits .629, a tenth .626), then fewer neighbours.
    /// More than 50,000 items have farther to go: 117,592 titles end at .174 / .921 / .278 with .5 and 150 rounds, at
    /// .164 / .917 / .275 with .07 and 300, at .187 / .934 / .265 with 1 and 200.
    std::optional<double> learning_rate = std::nullopt;
    /// Random items that repel, per attraction; >= 0.
    int negative_sample_rate = 5;
    /// Weight of repulsion; >= 0.
    double repulsion_strength = 1;
    /// Start. Spectral and Pca make their own; Given takes `given`.
    LayoutInit init = LayoutInit::Spectral;
    /// Seed of the start and of the repelling items.
    std::uint64_t seed = 42;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
    /// (n, n_components) finite; read when init is Given.
    Matrix<float> given = {};
    /// Nearest neighbours assumed to be fully connected, see FuzzyGraphOptions.
    double local_connectivity = 1;
    /// 1 = fuzzy union, 0 = intersection, see FuzzyGraphOptions.
    double set_op_mix_ratio = 1;
    /// Neighbours at this distance or farther are none, see FuzzyGraphOptions.
    std::optional<double> disconnection_distance = std::nullopt;
    /// (n,) in [0, 1]: share of every step that an item takes; 0 pins it to its start. Empty: all of it.
    std::vector<float> mobility = {};
    /// (n,) known classes that draw together, negative = unknown; empty = none. See `pull_to_classes()`.
    std::vector<Index> labels = {};
    /// In [0, 1]; 0 = the labels change nothing.
    double target_weight = 0.5;
    /// (n, L) groups of the items, coarse to fine, that draw together; empty = none. See `pull_to_hierarchy()`.
    Matrix<Index> levels = {};
    /// >= 0; 0 = the levels change nothing.
    double hierarchy_pull = 0;
    /// Dense places stay dense on the map and sparse ones sparse: densMAP (Narayan, Berger & Cho, 2021). The local radii
    /// of the map are drawn to correlate with those of the full space, for 200 rounds more when `n_epochs` is unset.
    bool densmap = false;
    /// Weight of the densities; >= 0, 0 = plain UMAP.
    double dens_lambda = 2;
    /// Share of the rounds, the last ones, in which densities count; in [0, 1].
    double dens_frac = 0.3;
    /// Added to the variance of the map's log radii, against divisions by nearly nothing; >= 0.
    double dens_var_shift = 0.1;
    /// (n,) `log_local_radii()` of the full space, read by `umap_optimize()` with `densmap`; `umap()` makes its own.
    std::vector<double> log_radii = {};
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const UmapOptions& options);

/// Lays the items out.
///
/// @param X      (n, d) the vectors that the graph was made of; read for the start only.
/// @param graph  n rows; see UmapOptions::n_neighbors for the columns used.
/// @return coordinates (n, n_components), centred, otherwise in UMAP's own scale; rows of invalid items are
///         NaN. The sign of each axis is fixed: the item with the largest absolute value is positive.
/// @throws Error (InvalidArgument), (Shape), (Cancelled).
/// Cost, plain: about 40 ns per attraction with its 5 repulsions and thread; O(n k) memory.
Layout umap(MatrixView<const float> X, const KnnGraph& graph, const UmapOptions& options = {},
            const Progress& progress = {});

/// `umap()` that stops between rounds.
class UmapRun : public LayoutRun {
public:
    /// Graph and start; no rounds yet. @throws Error as `umap()` does.
    UmapRun(MatrixView<const float> X, const KnnGraph& graph, const UmapOptions& options = {},
            const Progress& progress = {});
};

/// Moves `coordinates` by the weights' attraction and sampled repulsion: the optimiser alone, resumable.
///
/// Runs the epochs [first_epoch, last_epoch) of `total_epochs`; running 0..200 and then 200..500 gives the
/// same bytes as 0..500.
/// @param weights      (n, n) symmetric, in (0, 1]; edges below max / total_epochs are left out.
/// @param coordinates  (n, c) finite; moved in place.
void umap_optimize(const CsrMatrix<float>& weights, Matrix<float>& coordinates, int first_epoch,
                   int last_epoch, int total_epochs, const UmapOptions& options,
                   const Progress& progress = {});

/// Rounds that `umap()` runs for n items when `n_epochs` is unset and `densmap` off.
/// @return 500 up to 5,000 items, 300 up to 50,000, else 150.
int default_umap_epochs(std::int64_t n) noexcept;

/// First step size that `umap()` takes for n items when `learning_rate` is unset.
/// @return 0.07 up to 50,000 items, else 0.5.
double default_umap_learning_rate(std::int64_t n) noexcept;

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/umap_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_UMAP_HPP
