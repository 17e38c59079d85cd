// SPDX-License-Identifier: MIT
#include "filmatlas/linalg/block_product.hpp"

#include "filmatlas/linalg/detail/block_product_impl.hpp"
