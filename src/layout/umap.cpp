// SPDX-License-Identifier: MIT
#include "filmatlas/layout/umap.hpp"

#include "filmatlas/layout/detail/umap_impl.hpp"
