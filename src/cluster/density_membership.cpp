// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/density_membership.hpp"

#include "filmatlas/cluster/detail/density_membership_impl.hpp"
