// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/diversity.hpp"

#include "filmatlas/keywords/detail/diversity_impl.hpp"
