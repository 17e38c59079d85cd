// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/kmeans.hpp"

#include "filmatlas/cluster/detail/kmeans_impl.hpp"
