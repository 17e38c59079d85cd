// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_COMPONENTS_HPP
#define FILMATLAS_LINALG_COMPONENTS_HPP

#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file components.hpp
/// @brief Connected components of a graph given as a sparse matrix.

namespace filmatlas {

struct Components {
    std::vector<Index> ids;    ///< component of each vertex, numbered by lowest member; shape (n,)
    std::vector<Index> sizes;  ///< members of each component
    Index count() const noexcept { return static_cast<Index>(sizes.size()); }
};

/// Components of the square matrix's graph: entries other than 0 join their row and column, in either
/// direction.
/// @throws Error (Shape) when not square.
Components connected_components(const CsrMatrix<float>& graph);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/linalg/detail/components_impl.hpp"
#endif
#endif  // FILMATLAS_LINALG_COMPONENTS_HPP
