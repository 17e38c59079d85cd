// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_RUN_INFO_HPP
#define FILMATLAS_CORE_RUN_INFO_HPP

#include <cstdint>
#include <string>
#include <vector>

/// @file run_info.hpp
/// @brief How a run went; part of every result. Not converging is a status, never an exception.

namespace filmatlas {

struct RunInfo {
    std::int64_t iterations = 0;
    bool converged = true;
    double seconds = 0;  ///< wall time; never written to files, which are the same bytes for the same input
    std::vector<std::string> warnings;
};

}  // namespace filmatlas
#endif  // FILMATLAS_CORE_RUN_INFO_HPP
