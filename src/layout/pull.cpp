// SPDX-License-Identifier: MIT
#include "filmatlas/layout/pull.hpp"

#include "filmatlas/layout/detail/pull_impl.hpp"
