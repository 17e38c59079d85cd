// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_KERNELS_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_KERNELS_IMPL_HPP

#include "filmatlas/core/simd.hpp"
#include "filmatlas/linalg/kernels.hpp"

#ifdef FILMATLAS_HEADER_ONLY

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace filmatlas {
namespace detail::kernels_header_only {
#define FILMATLAS_KERNEL_FN inline
#include "filmatlas/linalg/detail/kernel_vectors.inc"
#include "filmatlas/linalg/detail/kernels.inc"
#undef FILMATLAS_KERNEL_FN
}  // namespace detail::kernels_header_only

inline const Kernels& kernels() {
    (void)simd_level();  // an unknown word in FILMATLAS_SIMD is an error here too
    return detail::kernels_header_only::table;
}
}  // namespace filmatlas

#else

namespace filmatlas {
namespace detail {

// One per file of src/linalg/kernels_*.cpp.
extern const Kernels kernels_baseline;
#if defined(__x86_64__)
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
extern const Kernels kernels_avx512_bf16;
extern const Kernels kernels_amx;
#endif

}  // namespace detail

const Kernels& kernels() {
    switch (simd_level()) {
#if defined(__x86_64__)
        case SimdLevel::Amx: return detail::kernels_amx;
        case SimdLevel::Avx512Bf16: return detail::kernels_avx512_bf16;
        case SimdLevel::Avx512: return detail::kernels_avx512;
        case SimdLevel::Avx2: return detail::kernels_avx2;
#endif
        default: return detail::kernels_baseline;
    }
}

}  // namespace filmatlas

#endif
#endif  // FILMATLAS_LINALG_DETAIL_KERNELS_IMPL_HPP
