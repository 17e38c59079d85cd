// SPDX-License-Identifier: MIT
#include "filmatlas/core/error.hpp"

#include "filmatlas/core/detail/error_impl.hpp"
