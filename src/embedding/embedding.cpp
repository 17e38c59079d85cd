// SPDX-License-Identifier: MIT
#include "filmatlas/embedding/embedding.hpp"

#include "filmatlas/embedding/detail/embedding_impl.hpp"
