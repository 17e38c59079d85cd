// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_FILMATLAS_HPP
#define FILMATLAS_FILMATLAS_HPP

/// @file filmatlas.hpp
/// @brief Everything: the algorithms, files, and the atlas. Needs the compiled library (filmatlas::filmatlas).

#include "filmatlas/algorithms.hpp"
#include "filmatlas/atlas/atlas.hpp"
#include "filmatlas/atlas/audit.hpp"
#include "filmatlas/atlas/build.hpp"
#include "filmatlas/atlas/label_placement.hpp"
#include "filmatlas/atlas/query.hpp"
#include "filmatlas/atlas/site.hpp"
#include "filmatlas/atlas/store.hpp"
#include "filmatlas/atlas/tables.hpp"
#include "filmatlas/io/container.hpp"
#include "filmatlas/io/delimited.hpp"
#include "filmatlas/io/files.hpp"
#include "filmatlas/io/json.hpp"
#include "filmatlas/io/npy.hpp"
#include "filmatlas/profile/ingest.hpp"

#endif  // FILMATLAS_FILMATLAS_HPP
