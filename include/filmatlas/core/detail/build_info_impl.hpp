// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_DETAIL_BUILD_INFO_IMPL_HPP
#define FILMATLAS_CORE_DETAIL_BUILD_INFO_IMPL_HPP

#include "filmatlas/core/build_info.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/simd.hpp"
#include "filmatlas/core/version.hpp"

namespace filmatlas {

FILMATLAS_INLINE BuildInfo build_info() {
    BuildInfo info;
    info.version = FILMATLAS_VERSION;
#if defined(__clang__)
    info.compiler = "clang " __clang_version__;
#elif defined(__GNUC__)
    info.compiler = "gcc " __VERSION__;
#else
    info.compiler = "unknown";
#endif
#if defined(__x86_64__)
    info.architecture = "x86-64";
#elif defined(__aarch64__)
    info.architecture = "aarch64";
#else
    info.architecture = "other";
#endif
    info.simd = std::string(to_string(simd_level()));
    info.simd_detected = std::string(to_string(detected_simd_level()));
    info.num_threads = resolve_num_threads(0);
#ifdef FILMATLAS_HEADER_ONLY
    info.header_only = true;
#endif
#ifndef NDEBUG
    info.debug = true;
#endif
    return info;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CORE_DETAIL_BUILD_INFO_IMPL_HPP
