// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_SCORES_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_SCORES_IMPL_HPP

#include "filmatlas/cluster/detail/hierarchy_scores_impl.hpp"
#include "filmatlas/cluster/detail/partition_scores_impl.hpp"
#include "filmatlas/cluster/detail/silhouette_impl.hpp"
#include "filmatlas/cluster/detail/vector_scores_impl.hpp"

#endif  // FILMATLAS_CLUSTER_DETAIL_SCORES_IMPL_HPP
