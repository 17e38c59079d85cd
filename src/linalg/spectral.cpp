// SPDX-License-Identifier: MIT
#include "filmatlas/linalg/spectral.hpp"

#include "filmatlas/linalg/detail/spectral_impl.hpp"
