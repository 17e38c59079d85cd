// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_DENSE_KERNELS_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_DENSE_KERNELS_IMPL_HPP

#include "filmatlas/core/simd.hpp"
#include "filmatlas/linalg/detail/dense_kernels.hpp"

#ifdef FILMATLAS_HEADER_ONLY

namespace filmatlas::detail {
namespace dense_kernels_header_only {
#define FILMATLAS_KERNEL_FN inline
#include "filmatlas/linalg/detail/dense_kernels.inc"
#undef FILMATLAS_KERNEL_FN
}  // namespace dense_kernels_header_only

inline const DenseKernels& dense_kernels() { return dense_kernels_header_only::dense_table; }

}  // namespace filmatlas::detail

#else

namespace filmatlas::detail {

// One per file of src/linalg/kernels_dense_*.cpp.
extern const DenseKernels dense_kernels_baseline;
#if defined(__x86_64__)
extern const DenseKernels dense_kernels_avx2;
extern const DenseKernels dense_kernels_avx512;
#endif

const DenseKernels& dense_kernels() {
#if defined(__x86_64__)
    if (simd_level() >= SimdLevel::Avx512) return dense_kernels_avx512;
    if (simd_level() >= SimdLevel::Avx2) return dense_kernels_avx2;
#endif
    return dense_kernels_baseline;
}

}  // namespace filmatlas::detail

#endif
#endif  // FILMATLAS_LINALG_DETAIL_DENSE_KERNELS_IMPL_HPP
