// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_VERSION_HPP
#define FILMATLAS_CORE_VERSION_HPP

/// @file version.hpp
/// @brief The one place that states the version; CMake and the Python build read it from here.

#define FILMATLAS_VERSION "0.1.0"

#endif  // FILMATLAS_CORE_VERSION_HPP
