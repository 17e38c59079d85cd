// SPDX-License-Identifier: MIT
#include "filmatlas/profile/binning.hpp"

#include "filmatlas/profile/detail/binning_impl.hpp"
