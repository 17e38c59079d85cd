// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/coherence.hpp"

#include "filmatlas/keywords/detail/coherence_impl.hpp"
