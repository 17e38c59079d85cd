// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_FFT_HPP
#define FILMATLAS_LAYOUT_DETAIL_FFT_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "filmatlas/layout/detail/math.hpp"

/// @file fft.hpp
/// @brief Fourier transforms of 16 sequences side by side; the same bits at any vector width.
///
/// Source: Stockham's self-sorting scheme (Cochran et al., 1967) with radices 4, 3 and 2. Roots of unity come
/// from half-angle formulas, so that they do not depend on a C library.

namespace filmatlas::detail {

inline constexpr std::size_t kFftLanes = 16;

/// A length of 2^a or 3 * 2^a.
class FftPlan {
public:
    explicit FftPlan(int size) : size_(size) {
        int rest = size;
        if (rest % 3 == 0) {
            radices_.push_back(3);
            rest /= 3;
        }
        for (; rest % 4 == 0; rest /= 4) radices_.push_back(4);
        if (rest == 2) radices_.push_back(2);
        // e^(-2 pi i 2^j / size): from the third (or first) root by halving the angle again and again.
        const bool third = size % 3 == 0;
        std::vector<std::pair<double, double>> power;
        int whole = third ? size / 3 : size;
        std::pair<double, double> root = third ? std::pair{-0.5, -std::sqrt(3.0) / 2} : std::pair{1.0, 0.0};
        if (third) power.emplace_back(-0.5, std::sqrt(3.0) / 2);  // the square of the third root
        power.push_back(root);
        for (bool first = !third; whole > 1; whole /= 2, first = false) {
            root = first ? std::pair{-1.0, 0.0}
                         : (root.first == -1.0 ? std::pair{0.0, -1.0}
                                               : std::pair{std::sqrt((1 + root.first) / 2),
                                                           root.second / (2 * std::sqrt((1 + root.first) / 2))});
            power.push_back(root);
        }
        cosine_.resize(static_cast<std::size_t>(size));
        sine_.resize(static_cast<std::size_t>(size));
        for (int k = 0; k < size; ++k) {
            double c = 1;
            double s = 0;
            for (std::size_t bit = 0; bit < power.size(); ++bit) {
                if ((k >> bit & 1) == 0) continue;
                const auto& [pc, ps] = power[power.size() - 1 - bit];
                const double next = c * pc - s * ps;
                s = c * ps + s * pc;
                c = next;
            }
            cosine_[static_cast<std::size_t>(k)] = static_cast<float>(c);
            sine_[static_cast<std::size_t>(k)] = static_cast<float>(s);
        }
    }

    /// Least length that is at least `wanted` and at least 16.
    static int fitting(std::int64_t wanted) {
        int size = 16;
        while (size < wanted) size = size % 3 == 0 ? size / 3 * 4 : size / 2 * 3;
        return size;
    }

    int size() const noexcept { return size_; }
    const std::vector<int>& radices() const noexcept { return radices_; }
    float cosine(std::size_t k) const { return cosine_[k]; }
    float sine(std::size_t k) const { return sine_[k]; }

private:
    int size_;
    std::vector<int> radices_;
    std::vector<float> cosine_;
    std::vector<float> sine_;  ///< of -2 pi k / size
};

template <class F>
struct FftValue {
    F re;
    F im;
};

template <class F>
FILMATLAS_ALWAYS_INLINE void fft_store(float* re, float* im, const FftValue<F>& v, float c, float s) {
    const F a = v.re * c - v.im * s;
    const F b = v.re * s + v.im * c;
    std::memcpy(re, &a, sizeof(F));
    std::memcpy(im, &b, sizeof(F));
}

/// One pass: `stride` interleaved sequences of the remaining length; see Stockham.
template <int Lanes, int Radix>
FILMATLAS_ALWAYS_INLINE void fft_pass(const FftPlan& plan, std::size_t stride, const float* re, const float* im,
                                      float* out_re, float* out_im) noexcept {
    using F = typename LayoutVec<Lanes>::F;
    const std::size_t size = static_cast<std::size_t>(plan.size());
    const std::size_t part = size / stride / Radix;
    constexpr float kHalfRoot3 = 0.86602540378443864676F;
    for (std::size_t p = 0; p < part; ++p) {
        float c[Radix];
        float s[Radix];
        for (std::size_t k = 0; k < Radix; ++k) {
            c[k] = plan.cosine(stride * p * k);
            s[k] = plan.sine(stride * p * k);
        }
        for (std::size_t q = 0; q < stride; ++q) {
            for (std::size_t lane = 0; lane < kFftLanes; lane += Lanes) {
                FftValue<F> x[Radix];
                for (std::size_t k = 0; k < Radix; ++k) {
                    const std::size_t at = (q + stride * (p + part * k)) * kFftLanes + lane;
                    std::memcpy(&x[k].re, re + at, sizeof(F));
                    std::memcpy(&x[k].im, im + at, sizeof(F));
                }
                FftValue<F> y[Radix];
                if constexpr (Radix == 2) {
                    y[0] = {x[0].re + x[1].re, x[0].im + x[1].im};
                    y[1] = {x[0].re - x[1].re, x[0].im - x[1].im};
                } else if constexpr (Radix == 3) {
                    const FftValue<F> sum{x[1].re + x[2].re, x[1].im + x[2].im};
                    const FftValue<F> gap{(x[1].re - x[2].re) * kHalfRoot3, (x[1].im - x[2].im) * kHalfRoot3};
                    const FftValue<F> mid{x[0].re - sum.re * 0.5F, x[0].im - sum.im * 0.5F};
                    y[0] = {x[0].re + sum.re, x[0].im + sum.im};
                    y[1] = {mid.re + gap.im, mid.im - gap.re};
                    y[2] = {mid.re - gap.im, mid.im + gap.re};
                } else {
                    const FftValue<F> ac{x[0].re + x[2].re, x[0].im + x[2].im};
                    const FftValue<F> a_c{x[0].re - x[2].re, x[0].im - x[2].im};
                    const FftValue<F> bd{x[1].re + x[3].re, x[1].im + x[3].im};
                    const FftValue<F> b_d{x[1].re - x[3].re, x[1].im - x[3].im};
                    y[0] = {ac.re + bd.re, ac.im + bd.im};
                    y[1] = {a_c.re + b_d.im, a_c.im - b_d.re};
                    y[2] = {ac.re - bd.re, ac.im - bd.im};
                    y[3] = {a_c.re - b_d.im, a_c.im + b_d.re};
                }
                for (std::size_t k = 0; k < Radix; ++k) {
                    const std::size_t at = (q + stride * (Radix * p + k)) * kFftLanes + lane;
                    fft_store(out_re + at, out_im + at, y[k], c[k], s[k]);
                }
            }
        }
    }
}

template <int Lanes>
FILMATLAS_ALWAYS_INLINE bool fft_lanes(const FftPlan& plan, float* re, float* im, float* other_re,
                                       float* other_im) noexcept {
    std::size_t stride = 1;
    bool swapped = false;
    for (const int radix : plan.radices()) {
        if (radix == 4) {
            fft_pass<Lanes, 4>(plan, stride, re, im, other_re, other_im);
        } else if (radix == 3) {
            fft_pass<Lanes, 3>(plan, stride, re, im, other_re, other_im);
        } else {
            fft_pass<Lanes, 2>(plan, stride, re, im, other_re, other_im);
        }
        stride *= static_cast<std::size_t>(radix);
        std::swap(re, other_re);
        std::swap(im, other_im);
        swapped = !swapped;
    }
    return swapped;
}

inline bool fft_baseline(const FftPlan& plan, float* re, float* im, float* other_re, float* other_im) noexcept {
    return fft_lanes<4>(plan, re, im, other_re, other_im);
}
FILMATLAS_TARGET_AVX2 inline bool fft_avx2(const FftPlan& plan, float* re, float* im, float* other_re,
                                           float* other_im) noexcept {
    return fft_lanes<8>(plan, re, im, other_re, other_im);
}
FILMATLAS_TARGET_AVX512 inline bool fft_avx512(const FftPlan& plan, float* re, float* im, float* other_re,
                                               float* other_im) noexcept {
    return fft_lanes<16>(plan, re, im, other_re, other_im);
}

using FftRun = bool (*)(const FftPlan&, float*, float*, float*, float*) noexcept;

inline FftRun fft_runner() {
    return simd_version(&fft_baseline, &fft_avx2, &fft_avx512);
}

/// Room for 16 sequences and what the passes need; value k of sequence l stands at k * 16 + l.
class FftBuffer {
public:
    void resize(int size) {
        for (auto& part : parts_) part.resize(static_cast<std::size_t>(size) * kFftLanes);
        swapped_ = false;
    }
    float* re() noexcept { return parts_[swapped_ ? 2 : 0].data(); }
    float* im() noexcept { return parts_[swapped_ ? 3 : 1].data(); }
    /// Sums of x_j e^(-2 pi i j k / size).
    void forward(const FftPlan& plan, FftRun run) {
        const bool back = swapped_;
        swapped_ = run(plan, re(), im(), parts_[back ? 0 : 2].data(), parts_[back ? 1 : 3].data()) != back;
    }
    /// The same with e^(+2 pi i j k / size): not divided by the size.
    void inverse(const FftPlan& plan, FftRun run) {
        const bool back = swapped_;
        swapped_ = run(plan, im(), re(), parts_[back ? 1 : 3].data(), parts_[back ? 0 : 2].data()) != back;
    }

private:
    std::vector<float> parts_[4];
    bool swapped_ = false;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_FFT_HPP
