// SPDX-License-Identifier: MIT
#include "filmatlas/text/tfidf.hpp"

#include "filmatlas/text/detail/tfidf_impl.hpp"
