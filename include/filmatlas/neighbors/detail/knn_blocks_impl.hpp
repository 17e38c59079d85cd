// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_BLOCKS_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_BLOCKS_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

namespace filmatlas::detail {

/// Strip `t` of the upper triangle of blocks: one block of rows against some blocks of columns. The diagonal comes
/// first, block by block, so that every row gets a limit early; then bands beside it, whose strips share the work of
/// making a block of rows ready among eight.
struct KnnStrip {
    std::int64_t row_block;
    std::int64_t first_col;
    std::int64_t last_col;  ///< one past the last
};
inline constexpr std::int64_t knn_strip_blocks = 8;

inline std::int64_t knn_strips(std::int64_t blocks) {
    std::int64_t count = blocks;
    for (std::int64_t offset = 1; offset < blocks; offset += knn_strip_blocks) count += blocks - offset;
    return count;
}
inline KnnStrip knn_strip(std::int64_t t, std::int64_t blocks) {
    if (t < blocks) return {t, t, t + 1};
    t -= blocks;
    std::int64_t offset = 1;
    for (; t >= blocks - offset; offset += knn_strip_blocks) t -= blocks - offset;
    return {t, t + offset, std::min(t + offset + knn_strip_blocks, blocks)};
}

/// A lock per block of rows. What is kept of the pairs does not depend on the order in which their tiles come, since
/// (distance, id) orders all candidates.
class KnnBlockLocks {
public:
    explicit KnnBlockLocks(std::int64_t blocks)
        : locks_(std::make_unique<std::mutex[]>(static_cast<std::size_t>(blocks))) {}

    /// Holds both blocks, the lower one taken first.
    class Pair {
    public:
        Pair(KnnBlockLocks& locks, std::int64_t a, std::int64_t b)
            : first_(locks.locks_[static_cast<std::size_t>(std::min(a, b))]),
              second_(locks.locks_[static_cast<std::size_t>(std::max(a, b))]) {
            first_.lock();
            if (&second_ != &first_) second_.lock();
        }
        ~Pair() {
            if (&second_ != &first_) second_.unlock();
            first_.unlock();
        }
        Pair(const Pair&) = delete;
        Pair& operator=(const Pair&) = delete;

    private:
        std::mutex& first_;
        std::mutex& second_;
    };

private:
    std::unique_ptr<std::mutex[]> locks_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_BLOCKS_IMPL_HPP
