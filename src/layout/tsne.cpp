// SPDX-License-Identifier: MIT
#include "filmatlas/layout/tsne.hpp"

#include "filmatlas/layout/detail/tsne_impl.hpp"
