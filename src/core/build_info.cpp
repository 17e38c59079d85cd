// SPDX-License-Identifier: MIT
#include "filmatlas/core/build_info.hpp"

#include "filmatlas/core/detail/build_info_impl.hpp"
