// SPDX-License-Identifier: MIT
#include "filmatlas/validate/layout_quality.hpp"

#include "filmatlas/validate/detail/layout_quality_impl.hpp"
