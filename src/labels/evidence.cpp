// SPDX-License-Identifier: MIT
#include "filmatlas/labels/evidence.hpp"

#include "filmatlas/labels/detail/evidence_impl.hpp"
