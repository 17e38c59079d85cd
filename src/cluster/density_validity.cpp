// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/density_validity.hpp"

#include "filmatlas/cluster/detail/density_validity_impl.hpp"
