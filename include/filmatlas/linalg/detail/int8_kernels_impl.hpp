// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_INT8_KERNELS_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_INT8_KERNELS_IMPL_HPP

#include "filmatlas/core/simd.hpp"
#include "filmatlas/linalg/int8_kernels.hpp"

#ifdef FILMATLAS_HEADER_ONLY

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace filmatlas {
namespace detail::int8_kernels_header_only {
#define FILMATLAS_KERNEL_FN inline
#include "filmatlas/linalg/detail/int8_kernels.inc"
#undef FILMATLAS_KERNEL_FN
}  // namespace detail::int8_kernels_header_only

inline const Int8Kernels& int8_kernels() {
    (void)simd_level();  // an unknown word in FILMATLAS_SIMD is an error here too
    return detail::int8_kernels_header_only::int8_table;
}
}  // namespace filmatlas

#else

namespace filmatlas {
namespace detail {

// One per file of src/linalg/kernels_int8_*.cpp.
extern const Int8Kernels int8_kernels_baseline;
#if defined(__x86_64__)
extern const Int8Kernels int8_kernels_avx2;
extern const Int8Kernels int8_kernels_avx512;
extern const Int8Kernels int8_kernels_vnni;

inline bool int8_has_vnni() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vnni");
}
#endif

}  // namespace detail

const Int8Kernels& int8_kernels() {
#if defined(__x86_64__)
    const SimdLevel level = simd_level();
    if (level >= SimdLevel::Avx512) {
        // Processors with VNNI but no more have no level of their own; one that has more can be held to less.
        static const bool vnni = detail::int8_has_vnni();
        const bool held = level == SimdLevel::Avx512 && detected_simd_level() > SimdLevel::Avx512;
        return vnni && !held ? detail::int8_kernels_vnni : detail::int8_kernels_avx512;
    }
    if (level == SimdLevel::Avx2) return detail::int8_kernels_avx2;
#else
    (void)simd_level();  // an unknown word in FILMATLAS_SIMD is an error here too
#endif
    return detail::int8_kernels_baseline;
}

}  // namespace filmatlas

#endif
#endif  // FILMATLAS_LINALG_DETAIL_INT8_KERNELS_IMPL_HPP
