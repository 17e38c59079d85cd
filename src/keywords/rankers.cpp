// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/rankers.hpp"

#include "filmatlas/keywords/detail/rankers_impl.hpp"
