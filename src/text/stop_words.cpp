// SPDX-License-Identifier: MIT
#include "filmatlas/text/stop_words.hpp"

#include "filmatlas/text/detail/stop_words_impl.hpp"
