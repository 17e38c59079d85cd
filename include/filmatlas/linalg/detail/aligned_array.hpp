// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_ALIGNED_ARRAY_HPP
#define FILMATLAS_LINALG_DETAIL_ALIGNED_ARRAY_HPP

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

namespace filmatlas::detail {

struct AlignedDelete {
    void operator()(void* at) const { ::operator delete(at, std::align_val_t{64}); }
};

/// Numbers that start on a cache line, so that no 64-byte vector lies across two: what kernels read over and over.
template <class T>
using AlignedArray = std::unique_ptr<T[], AlignedDelete>;

/// Not set to anything.
template <class T>
AlignedArray<T> aligned_array(std::size_t size) {
    return AlignedArray<T>(static_cast<T*>(::operator new(size * sizeof(T), std::align_val_t{64})));
}

template <class T>
AlignedArray<T> aligned_zeros(std::size_t size) {
    AlignedArray<T> array = aligned_array<T>(size);
    std::fill_n(array.get(), size, T{0});
    return array;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_ALIGNED_ARRAY_HPP
