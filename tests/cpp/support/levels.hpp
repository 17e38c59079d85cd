// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_SUPPORT_LEVELS_HPP
#define FILMATLAS_TESTS_SUPPORT_LEVELS_HPP

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"

namespace testing {

/// Sets FILMATLAS_SIMD for a scope.
class SimdLevelScope {
public:
    explicit SimdLevelScope(const char* level) {
        const char* old = std::getenv("FILMATLAS_SIMD");
        if (old != nullptr) old_ = old;
        setenv("FILMATLAS_SIMD", level, 1);
    }
    ~SimdLevelScope() {
        if (old_.empty()) {
            unsetenv("FILMATLAS_SIMD");
        } else {
            setenv("FILMATLAS_SIMD", old_.c_str(), 1);
        }
    }
    SimdLevelScope(const SimdLevelScope&) = delete;
    SimdLevelScope& operator=(const SimdLevelScope&) = delete;

private:
    std::string old_;
};

inline constexpr const char* simd_words[] = {"baseline", "avx2", "avx512", "avx512_bf16", "amx"};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
template <class T>
bool same_bits(const filmatlas::Matrix<T>& a, const filmatlas::Matrix<T>& b) {
    return a.rows() == b.rows() && a.cols() == b.cols() && same_bits(a.values(), b.values());
}

template <class T = float>
filmatlas::Matrix<T> random_matrix(std::int64_t rows, std::int64_t cols, std::uint64_t seed,
                                   std::string_view stage = "test") {
    filmatlas::Matrix<T> m(rows, cols);
    filmatlas::RandomStream stream(seed, stage);
    for (T& x : m.values()) x = static_cast<T>(stream.normal());
    return m;
}

}  // namespace testing
#endif  // FILMATLAS_TESTS_SUPPORT_LEVELS_HPP
