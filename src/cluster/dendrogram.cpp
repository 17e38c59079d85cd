// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/dendrogram.hpp"

#include "filmatlas/cluster/detail/dendrogram_impl.hpp"
