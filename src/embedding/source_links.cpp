// SPDX-License-Identifier: MIT
#include "filmatlas/embedding/source_links.hpp"

#include "filmatlas/embedding/detail/source_links_impl.hpp"
