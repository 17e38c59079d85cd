// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_BUILD_INFO_HPP
#define FILMATLAS_CORE_BUILD_INFO_HPP

#include <string>

#include "filmatlas/core/config.hpp"

/// @file build_info.hpp
/// @brief What was built, and what it runs on; the first thing to quote in a bug report.

namespace filmatlas {

struct BuildInfo {
    std::string version;        ///< e.g. "0.1.0"
    std::string compiler;       ///< e.g. "gcc 12.2.0"
    std::string architecture;   ///< "x86-64", "aarch64" or "other"
    std::string simd;           ///< level in use
    std::string simd_detected;  ///< highest level this processor has
    int num_threads = 1;        ///< what num_threads = 0 means here
    bool header_only = false;
    bool debug = false;  ///< assertions on
};

BuildInfo build_info();

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/core/detail/build_info_impl.hpp"
#endif
#endif  // FILMATLAS_CORE_BUILD_INFO_HPP
