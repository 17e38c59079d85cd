// SPDX-License-Identifier: MIT
#include "filmatlas/neighbors/knn_index.hpp"

#include "filmatlas/neighbors/detail/knn_index_impl.hpp"
