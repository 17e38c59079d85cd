// SPDX-License-Identifier: MIT
#include "filmatlas/text/vocabulary.hpp"

#include "filmatlas/text/detail/vocabulary_impl.hpp"
