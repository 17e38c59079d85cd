// SPDX-License-Identifier: MIT
#include "filmatlas/text/stem.hpp"

#include "filmatlas/text/detail/stem_impl.hpp"
