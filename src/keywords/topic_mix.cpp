// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/topic_mix.hpp"

#include "filmatlas/keywords/detail/topic_mix_impl.hpp"
