// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/scores.hpp"

#include "filmatlas/cluster/detail/scores_impl.hpp"
