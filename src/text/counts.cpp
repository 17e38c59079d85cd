// SPDX-License-Identifier: MIT
#include "filmatlas/text/counts.hpp"

#include "filmatlas/text/detail/counts_impl.hpp"
