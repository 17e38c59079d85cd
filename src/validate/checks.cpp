// SPDX-License-Identifier: MIT
#include "filmatlas/validate/checks.hpp"

#include "filmatlas/validate/detail/checks_impl.hpp"
