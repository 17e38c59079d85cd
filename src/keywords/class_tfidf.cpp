// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/class_tfidf.hpp"

#include "filmatlas/keywords/detail/class_tfidf_impl.hpp"
