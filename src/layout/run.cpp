// SPDX-License-Identifier: MIT
#include "filmatlas/layout/run.hpp"

#include "filmatlas/layout/detail/run_impl.hpp"
