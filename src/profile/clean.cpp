// SPDX-License-Identifier: MIT
#include "filmatlas/profile/clean.hpp"

#include "filmatlas/profile/detail/clean_impl.hpp"
