// SPDX-License-Identifier: MIT
#include "filmatlas/linalg/pca.hpp"

#include "filmatlas/linalg/detail/pca_impl.hpp"
