// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_RANDOM_HPP
#define FILMATLAS_CORE_RANDOM_HPP

#include <cstdint>
#include <string_view>

/// @file random.hpp
/// @brief Counter-based random streams: the same draws for any order of evaluation and any number of threads.
///
/// A draw is a hash of (seed, stage, item, counter), so item i's stream never depends on item j's. The
/// mixing function is SplitMix64's finaliser (Steele, Lea & Flood, 2014), applied once per key part.
/// Distributions are our own: the standard library's differ between implementations.

namespace filmatlas {

/// SplitMix64 finaliser; a bijection of 64-bit words.
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

/// Key of a stage's name; constexpr FNV-1a.
constexpr std::uint64_t stage_key(std::string_view name) noexcept {
    std::uint64_t h = 0xCBF29CE484222325ULL;
    for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    return h;
}

/// Stream of draws for one (seed, stage, item).
class RandomStream {
public:
    constexpr RandomStream(std::uint64_t seed, std::string_view stage, std::uint64_t item = 0) noexcept
        : key_(mix64(mix64(seed ^ 0x66696C6D61746C61ULL) ^ stage_key(stage)) ^ mix64(item)) {}

    /// Draw number `counter` without moving the stream.
    constexpr std::uint64_t at(std::uint64_t counter) const noexcept {
        return mix64(key_ ^ mix64(counter * 0xD1B54A32D192ED03ULL));
    }
    constexpr std::uint64_t next() noexcept { return at(counter_++); }

    /// Uniform in [0, 1), 53 bits.
    constexpr double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    /// Uniform in [0, 1), 24 bits.
    constexpr float uniform_float() noexcept { return static_cast<float>(next() >> 40) * 0x1.0p-24F; }

    /// Uniform integer in [0, n), n >= 1; unbiased (rejection).
    constexpr std::uint64_t below(std::uint64_t n) noexcept {
        const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % n + 1) % n;
        std::uint64_t x = next();
        while (x > limit) x = next();
        return x % n;
    }

    /// Approximately standard normal: the sum of 12 uniforms minus 6. Exactly reproducible (additions only), variance 1,
    /// bounded by 6; enough for starting blocks and jitter.
    constexpr double normal() noexcept {
        double sum = -6.0;
        for (int i = 0; i < 12; ++i) sum += uniform();
        return sum;
    }

private:
    std::uint64_t key_;
    std::uint64_t counter_ = 0;
};

}  // namespace filmatlas
#endif  // FILMATLAS_CORE_RANDOM_HPP
