// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/representatives.hpp"

#include "filmatlas/keywords/detail/representatives_impl.hpp"
