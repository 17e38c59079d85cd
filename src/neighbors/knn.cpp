// SPDX-License-Identifier: MIT
#include "filmatlas/neighbors/knn.hpp"

#include "filmatlas/neighbors/detail/knn_impl.hpp"
