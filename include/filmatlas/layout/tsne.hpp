// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_TSNE_HPP
#define FILMATLAS_LAYOUT_TSNE_HPP

#include <cstdint>
#include <optional>
#include <string_view>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/layout/run.hpp"
#include "filmatlas/layout/start.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file tsne.hpp
/// @brief t-SNE, its repulsion by a tree or on a grid; same bytes for any number of threads and instruction set.
///
/// Source: van der Maaten & Hinton (2008), van der Maaten (2014); learning rate and late exaggeration as in
/// Belkina et al. (2019) and Böhm, Berens & Kobak (2022). The tree is a balanced k-d tree with tight boxes;
/// neighbouring items walk it together (Barnes, 1990), so that the forces of 16 items are computed side by
/// side. The grid follows Linderman et al. (2019).

namespace filmatlas {

/// How the items' repulsion is summed.
enum class TsneRepulsion {
    Auto,  ///< in every round what is cheaper for the map's size; the tree where theta is 0
    Tree,  ///< Barnes-Hut
    Grid,  ///< convolution on a grid; maps in the plane only, and no wider than 2,000
};
/// "auto", "tree", "grid".
std::string_view to_string(TsneRepulsion repulsion) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
TsneRepulsion tsne_repulsion_from_string(std::string_view name);

/// @brief Options of `tsne()`.
struct TsneOptions {
    /// Effective number of neighbours; > 1. Uses the graph's first 3 * perplexity columns. A graph of fewer
    /// columns is used whole (said in run.warnings): similarities become flatter, and uniform when the
    /// perplexity reaches k. Uniform weights over 15 neighbours keep local structure well (Böhm, Berens &
    /// Kobak, 2022).
    double perplexity = 30;
    /// Columns of the result; 2 or 3.
    int n_components = 2;
    /// Rounds after the early exaggeration; >= 0.
    int n_iter = 500;
    /// Rounds with `early_exaggeration`; >= 0. Ignored when init is Given and this is unset: then 0.
    std::optional<int> early_exaggeration_iter = std::nullopt;
    /// Factor on attraction in the early rounds; >= 1.
    double early_exaggeration = 12;
    /// Factor on attraction in the later rounds; > 0. The dial between detail (1) and compact clusters (4 is
    /// near UMAP).
    double exaggeration = 1;
    /// Step size; unset: max(n / exaggeration of the phase, 50).
    std::optional<double> learning_rate = std::nullopt;
    /// Opening angle of the tree; in [0, 1]; 0 = exact. Larger is faster and coarser.
    double theta = 0.5;
    /// Start. Spectral and Pca are scaled to a standard deviation of 1e-4 first; Given is taken as it is.
    LayoutInit init = LayoutInit::Pca;
    /// Seed of the start.
    std::uint64_t seed = 42;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
    /// (n, n_components) finite; read when init is Given.
    Matrix<float> given = {};
    TsneRepulsion repulsion = TsneRepulsion::Auto;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const TsneOptions& options);

/// Symmetric joint probabilities p_ij = (p_j|i + p_i|j) / (2 n), adding up to 1; shape (n, n), columns
/// ascending.
///
/// Gaussian similarities of the given perplexity over the first columns of the graph. Cosine distances count
/// as squared Euclidean distances of unit vectors (2 d), so that both metrics give one map on unit rows.
/// @param perplexity_used  receives the perplexity after lowering, when not null.
CsrMatrix<float> tsne_affinities(const KnnGraph& graph, double perplexity = 30, int num_threads = 0,
                                 double* perplexity_used = nullptr);

/// Lays the items out.
/// @param X  (n, d) the vectors that the graph was made of; read for the start only.
/// @return coordinates (n, n_components), centred; rows of invalid items are NaN; axes' signs fixed as in
///         `umap()`.
/// @throws Error (InvalidArgument), (Shape), (Cancelled).
/// Cost: O(n log n) per round (about 0.6 us per item and thread); O(n k) memory.
Layout tsne(MatrixView<const float> X, const KnnGraph& graph, const TsneOptions& options = {},
            const Progress& progress = {});

/// `tsne()` that stops between rounds, those of the early exaggeration included.
class TsneRun : public LayoutRun {
public:
    /// Similarities and start; no rounds yet. @throws Error as `tsne()` does.
    TsneRun(MatrixView<const float> X, const KnnGraph& graph, const TsneOptions& options = {},
            const Progress& progress = {});
};

/// Repulsion of every item and the normaliser: row i receives sum_j (1 + |y_i - y_j|^2)^-2 (y_i - y_j).
/// @param theta  0 = every pair.
/// @return the sum over ordered pairs of (1 + |y_i - y_j|^2)^-1.
double tsne_repulsion(const Matrix<float>& coordinates, double theta, Matrix<float>& forces, int num_threads = 0,
                      TsneRepulsion repulsion = TsneRepulsion::Tree);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/tsne_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_TSNE_HPP
