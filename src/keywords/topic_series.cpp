// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/topic_series.hpp"

#include "filmatlas/keywords/detail/topic_series_impl.hpp"
