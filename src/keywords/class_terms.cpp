// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/class_terms.hpp"

#include "filmatlas/keywords/detail/class_terms_impl.hpp"
