// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_SCREEN_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_SCREEN_IMPL_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// Memory for the left operand of a screen.
struct alignas(64) KnnScreenLine {
    std::uint32_t word[16];
};

/// The rows of a space, packed for `Kernels::screen_block`, with bounds that make its verdicts certain.
///
/// Let P be the rows as `KnnSpace::distance` takes them (unit rows under cosine), moved by a centre and scaled, and
/// p what is packed of them. Half the squared distance of two rows (under inner_product: the negative product) is
///     a_i + a_j - P_i . P_j,   a = |P|^2 / 2 (inner_product: 0).
/// The screen takes p_i . p_j for the product. With e = P - p, by Cauchy-Schwarz and for any positive r,
///     |P_i . P_j - p_i . p_j| = |P_i . e_j + e_i . P_j - e_i . e_j| <= s_i + s_j,
///     s = (r |P|^2 + |e|^2 / r + |e|^2) / 2,
/// which is sharp when r is the usual |e| / |P|: about 2^-9.4 for bfloat16, 2^-15 for 16-bit fixed point, each row with
/// its own scale; 2^-24 for bytes, which are taken where they are what the rows were rounded to before. e and its norm are
/// taken row by row in float64; float32 leaves none. Rounding in the product, the packing and the distance itself is at
/// most (2.25 d + 64) 2^-24 |P_i| |P_j|: two roundings per term, and some (integers have exact sums and few roundings:
/// 0.25 d). Every row's `add` holds its share of both back, so that
///     key = add_i + add_j - product <= distance <= key + spread_i + spread_j
/// in the units of `limit_of`: a pair whose key is above the limit can be dropped unseen, and k pairs bound the
/// limit before any of them is measured.
///
/// The centre pays on real embeddings (unit rows of sentences, k = 15, bfloat16): 18.0 instead of 20.1 distances
/// measured per row of 15,834, 17.4 instead of 18.2 of 50,000; and where rows lie far from the origin, without it the
/// screen parts nothing.
class KnnScreen {
public:
    KnnScreen() = default;

    enum class Words {
        Fastest,  ///< bfloat16 where the processor multiplies it; for `Kernels::screen_block`
        Sharp,    ///< narrower bounds, for what is not asked about few pairs alone; for `codes`: integers where the
                  ///< processor multiplies them (bytes if all rows are multiples of such, else 16 bits), else float32
    };

    KnnScreen(const KnnSpace& space, int num_threads, const Progress& progress, Words words = Words::Fastest)
        : kernel_(&kernels()),
          metric_(space.metric),
          scale_(space.scale),
          dim_(space.dim()),
          form_(words == Words::Fastest ? kernel_->screen_bfloat16 ? Form::Bfloat16 : Form::Float32
                : dim_ > 60000          ? Form::Float32
                                        : integer_form(space, num_threads, progress)),
          words_(words_of(form_, dim_)) {
        set_centre(space);
        const std::int64_t n = space.size();
        // Panels go in pairs, codes in chunks.
        const std::int64_t together = words == Words::Sharp ? static_cast<std::int64_t>(code_chunk) : 32;
        const std::int64_t padded = (n + together - 1) / together * together;
        std::vector<RowNorms> norms(static_cast<std::size_t>(n));
        if (integers()) unit_.assign(static_cast<std::size_t>(padded), 0.0F);
        const auto fill = [&](std::int64_t i, auto* out) {
            if (i >= n) {
                std::fill_n(out, words_, 0);
                return;
            }
            std::vector<float> values(static_cast<std::size_t>(dim_));
            const float* row = space.row(i, values.data());
            norms[static_cast<std::size_t>(i)] = pack(row, space.factor_of(i), values.data(), out);
        };
        const auto fill_integers = [&](std::int64_t i, std::uint32_t* out) {
            std::fill_n(out, words_, 0);
            if (i >= n) return;
            std::vector<float> values(static_cast<std::size_t>(dim_));
            const float* row = space.row(i, values.data());
            const auto at = static_cast<std::size_t>(i);
            norms[at] = pack_integers(row, space.factor_of(i), values.data(), out, unit_[at]);
        };
        if (integers()) {
            packed_ = PackedRows<std::uint32_t>(padded, words_, num_threads, fill_integers, progress, knn_prepare_stage);
        } else if (bfloat16()) {
            packed_ = PackedRows<std::uint32_t>(padded, words_, num_threads, fill, progress, knn_prepare_stage);
        } else {
            floats_ = PackedRows<float>(padded, words_, num_threads, fill, progress, knn_prepare_stage);
        }
        double sum = 0;
        for (const RowNorms& row : norms) sum += row.squared > 0 ? std::sqrt(row.residual / row.squared) : 0.0;
        ratio_ = std::max(n > 0 ? sum / static_cast<double>(n) : 0.0, form_ == Form::Bytes ? 0x1.0p-22 : 0x1.0p-16);
        add_.assign(static_cast<std::size_t>(padded), std::numeric_limits<float>::infinity());
        spread_.assign(static_cast<std::size_t>(padded), 0.0F);
        for (std::size_t i = 0; i < norms.size(); ++i) set_bounds(norms[i], add_[i], spread_[i]);
    }

    bool bfloat16() const { return form_ == Form::Bfloat16; }
    std::int64_t words() const { return words_; }
    /// Panels of 16 rows, an even number; with `Words::Sharp` whole chunks of codes.
    std::int64_t panels() const { return form_ != Form::Float32 ? packed_.panels() : floats_.panels(); }
    const void* panel(std::int64_t p) const {
        return form_ != Form::Float32 ? static_cast<const void*>(packed_.panel(p))
                                      : static_cast<const void*>(floats_.panel(p));
    }
    /// The kernels that the rows are packed for.
    const Kernels& kernel() const { return *kernel_; }
    /// Panels as the left operand, in place or in `scratch`.
    const void* left_panels(std::int64_t first, std::int64_t count, std::vector<KnnScreenLine>& scratch) const {
        if (form_ == Form::Float32 || (kernel_->screen_left == nullptr && form_ != Form::Bytes)) return panel(first);
        scratch.resize(static_cast<std::size_t>(count * words_));
        if (form_ == Form::Bytes) {
            const std::uint32_t* words = packed_.panel(first);
            for (KnnScreenLine& line : scratch) {
                for (std::uint32_t& word : line.word) word = *words++ ^ 0x80808080U;  // raises every byte by 128
            }
            return scratch.data();
        }
        kernel_->screen_left(panel(first), static_cast<std::size_t>(words_), static_cast<std::size_t>(count),
                             scratch.data());
        return scratch.data();
    }
    /// Codes, as `Kernels::key_codes`, of the keys of `rows` panels from `row` on, which are those at `left` of `left_panels`,
    /// with `count` panels (an even number) from `col` on. For `Words::Sharp`.
    void codes(const void* left, std::int64_t row, std::int64_t rows, std::int64_t col, std::int64_t count, float base,
               float per_unit, std::uint16_t* out, std::int64_t stride) const {
        const auto panels = static_cast<std::size_t>(count);
        const float* row_add = add_.data() + 16 * row;
        const float* col_add = add_.data() + 16 * col;
        if (integers()) {
            const FixedRows own{left, static_cast<std::size_t>(rows), unit_.data() + 16 * row, row_add};
            const FixedRows others{panel(col), panels, unit_.data() + 16 * col, col_add};
            const bool bytes = form_ == Form::Bytes;
            const auto integer_codes = bytes ? kernel_->byte_codes : kernel_->fixed_codes;
            integer_codes(own, others, static_cast<std::size_t>(bytes ? words_ : words_ / 2), base, per_unit, out,
                          static_cast<std::size_t>(stride));
            return;
        }
        std::vector<float> products(16 * 16 * panels);
        for (std::int64_t p = 0; p < rows; ++p) {
            kernel_->block_product_loose(floats_.panel(row + p), floats_.panel(col), static_cast<std::size_t>(words_),
                                         panels, products.data(), 16 * panels);
            for (std::int64_t i = 16 * p; i < 16 * (p + 1); ++i) {
                kernel_->key_codes(products.data() + i % 16 * 16 * count, 16 * panels, row_add[i], col_add, base, per_unit,
                                   out + i * stride);
            }
        }
    }
    std::span<const float> add() const { return add_; }  ///< per row, padded to whole panels with +inf
    std::span<const float> spread() const { return spread_; }

    /// Bytes that screening (n, d) takes.
    static std::int64_t bytes(std::int64_t n, std::int64_t d) {
        const std::int64_t words = words_of(kernels().screen_bfloat16 ? Form::Bfloat16 : Form::Float32, d);
        return PackedRows<float>::bytes((n + 31) / 32 * 32, words) + n * 24;
    }

    /// Whether no distance is below that of equal rows, 0.
    bool distances_from_zero() const { return metric_ != Metric::InnerProduct; }

    /// Largest key that a pair at this distance (or nearer) can have.
    float limit_of(float distance) const {
        if (!(distance < FLT_MAX)) return FLT_MAX;  // greater distances are held there too
        return widen(units(static_cast<double>(distance) +
                           (distance < FLT_MIN && distance >= 0 ? 0x1.0p-149 : 0.0)));
    }
    /// The same for a distance of at most `bound` in the limits' own units.
    float limit_of_bound(double bound) const {
        if (metric_ == Metric::Euclidean || metric_ == Metric::SqEuclidean) {
            bound = std::max(bound, units(static_cast<double>(FLT_MIN)));  // smaller ones differ by less than their ulp
        }
        return bound < 0.99 * units(static_cast<double>(FLT_MAX)) ? widen(bound) : FLT_MAX;
    }

    /// A pair is nearer than `distance` if its key and the spreads of both rows together are below this.
    float nearer_than(float distance) const {
        const double bound = std::min(units(static_cast<double>(distance)), 0.98 * units(static_cast<double>(FLT_MAX)));
        const bool euclidean = metric_ == Metric::Euclidean || metric_ == Metric::SqEuclidean;
        // Distances that small differ by less than their ulp.
        if (euclidean && bound < 4 * units(static_cast<double>(FLT_MIN))) return -std::numeric_limits<float>::infinity();
        return static_cast<float>(bound - std::abs(bound) * 0x1.0p-18 - 2 * static_cast<double>(FLT_MIN));
    }

    /// Queries packed like the rows, with their bounds: `count` rows, `row(i)` and `factor(i)` the i-th. What does
    /// not fit float32 has an infinite `add` and cannot be screened.
    template <class Row, class Factor>
    KnnScreen pack_queries(std::int64_t count, Row&& row, Factor&& factor) const {
        KnnScreen out;
        out.kernel_ = kernel_;
        out.metric_ = metric_;
        out.scale_ = scale_;
        out.dim_ = dim_;
        out.form_ = form_;
        out.words_ = words_;
        out.ratio_ = ratio_;
        const std::int64_t padded = (count + 31) / 32 * 32;
        out.add_.assign(static_cast<std::size_t>(padded), std::numeric_limits<float>::infinity());
        out.spread_.assign(static_cast<std::size_t>(padded), 0.0F);
        std::vector<float> values(static_cast<std::size_t>(dim_));
        const auto fill = [&](std::int64_t i, auto* words) {
            if (i >= count) {
                std::fill_n(words, words_, 0);
                return;
            }
            const auto at = static_cast<std::size_t>(i);
            set_bounds(pack(row(i), factor(i), values.data(), words), out.add_[at], out.spread_[at]);
            if (!(std::abs(out.add_[at]) < 1e30F)) {
                out.add_[at] = std::numeric_limits<float>::infinity();
                std::fill_n(words, words_, 0);
            }
        };
        if (bfloat16()) {
            out.packed_ = PackedRows<std::uint32_t>(padded, words_, 1, fill);
        } else {
            out.floats_ = PackedRows<float>(padded, words_, 1, fill);
        }
        return out;
    }

private:
    static constexpr std::size_t lanes = 8;  // of loops over a row's values
    static constexpr auto width = static_cast<std::int64_t>(lanes);
    static constexpr double fixed_most = 127 * 256;  // of fixed point
    static constexpr int byte_most = 127;

    enum class Form { Float32, Bfloat16, Fixed, Bytes };

    static std::int64_t words_of(Form form, std::int64_t dim) {
        if (form == Form::Float32) return dim;
        if (form == Form::Bfloat16) return (dim + 31) / 32 * 16;
        return (dim + 63) / 64 * (form == Form::Fixed ? 32 : 16);
    }
    bool integers() const { return form_ == Form::Fixed || form_ == Form::Bytes; }

    /// Bytes where every row has a `byte_unit`; embeddings are often kept so. A centre would leave no multiples.
    Form integer_form(const KnnSpace& space, int num_threads, const Progress& progress) {
        if (kernel_->fixed_codes == nullptr) return Form::Float32;
        if (kernel_->byte_codes == nullptr) return Form::Fixed;
        if (metric_ != Metric::Cosine && metric_ != Metric::InnerProduct) return Form::Fixed;
        centre_.assign(static_cast<std::size_t>(dim_), 0.0);
        std::atomic<bool> all{true};
        const auto look = [&](std::int64_t begin, std::int64_t end) {
            std::vector<float> values(static_cast<std::size_t>(dim_));
            for (std::int64_t i = begin; i < end && all.load(std::memory_order_relaxed); ++i) {
                prepare(space.row(i, values.data()), space.factor_of(i), values.data());
                if (byte_unit(values.data()) == 0 && largest(values.data()) > 0) all.store(false, std::memory_order_relaxed);
            }
        };
        parallel_for(space.size(), 256, num_threads, look, progress, knn_prepare_stage);
        return all ? Form::Bytes : Form::Fixed;
    }

    /// Squared norms in float64: of the row before it is packed, and of what packing leaves.
    struct RowNorms {
        double squared = 0;
        double residual = 0;
    };

    /// The centre of unit rows is their mean over a sample; that of euclidean rows is the space's own. Any centre is
    /// valid; a good one makes the norms, and with them the bounds, smaller.
    void set_centre(const KnnSpace& space) {
        if (metric_ == Metric::Euclidean || metric_ == Metric::SqEuclidean) centre_ = space.centre;
        if (metric_ != Metric::Cosine || space.size() == 0 || form_ == Form::Bytes) return;
        centre_.assign(static_cast<std::size_t>(dim_), 0.0);
        const std::int64_t samples = std::min<std::int64_t>(space.size(), 1024);
        std::vector<float> scratch(static_cast<std::size_t>(dim_));
        for (std::int64_t s = 0; s < samples; ++s) {
            const std::int64_t i = s * space.size() / samples;
            const float* row = space.row(i, scratch.data());
            const float factor = space.factor_of(i);
            for (std::size_t k = 0; k < centre_.size(); ++k) centre_[k] += static_cast<double>(row[k] * factor);
        }
        for (double& value : centre_) value /= static_cast<double>(samples);
    }

    /// `values` has room for a row and may be the row itself.
    RowNorms pack(const float* row, float factor, float* values, float* out) const {
        const RowNorms norms = prepare(row, factor, values);
        std::copy_n(values, dim_, out);
        return norms;
    }
    RowNorms pack(const float* row, float factor, float* values, std::uint32_t* out) const {
        RowNorms norms = prepare(row, factor, values);
        // One sum per lane: loops that the compiler turns into vectors.
        std::array<double, lanes> sums{};
        std::array<std::uint32_t, lanes> rounded{};
        for (std::int64_t k = 0; k < 2 * words_; k += width) {
            const std::int64_t count = std::clamp<std::int64_t>(dim_ - k, 0, width);
            if (count == width) {
                round_lanes(values + k, rounded, sums);
            } else {
                std::array<float, lanes> last{};
                std::copy_n(values + k, count, last.begin());
                round_lanes(last.data(), rounded, sums);
            }
            for (std::size_t w = 0; w < lanes / 2; ++w)
                out[k / 2 + static_cast<std::int64_t>(w)] = rounded[2 * w] | rounded[2 * w + 1] << 16;
        }
        norms.residual = std::accumulate(sums.begin(), sums.end(), 0.0);
        return norms;
    }

    float largest(const float* values) const {
        float found = 0;
        for (std::int64_t k = 0; k < dim_; ++k) found = std::max(found, std::abs(values[k]));
        return found;
    }

    /// Of which all values of a row are multiples, 127 times it at most, up to the roundings of values; 0 if there is none.
    float byte_unit(const float* values) const {
        const auto most = static_cast<double>(largest(values));
        if (most < 0x1.0p-100) return 0;
        for (int times = 1; times <= byte_most; ++times) {
            const double per_unit = times / most;
            std::int64_t k = 0;
            for (; k < dim_; ++k) {
                const double multiple = static_cast<double>(values[k]) * per_unit;
                const double whole = (multiple + 0x1.8p52) - 0x1.8p52;  // a call less than std::nearbyint
                if (std::abs(multiple - whole) > times * 0x1.0p-22) break;
            }
            if (k == dim_) return static_cast<float>(1 / per_unit);
        }
        return 0;
    }

    /// The value of a unit in a row's fixed point: the largest must fit, and with pairs every chunk's norm.
    float fixed_unit(const float* values) const {
        const float most = largest(values);
        if (most < 0x1.0p-100F) return 0;
        const double unit = static_cast<double>(most) / fixed_most;
        if (!kernel_->fixed_pairs) return static_cast<float>(unit);
        constexpr auto chunk = static_cast<std::int64_t>(fixed_chunk);
        double squared = 0;
        for (std::int64_t k = 0; k < dim_; k += chunk) {
            double own = 0;
            for (std::int64_t e = k; e < std::min(k + chunk, dim_); ++e)
                own += static_cast<double>(values[e]) * static_cast<double>(values[e]);
            squared = std::max(squared, own);
        }
        // Rounding moves a chunk by at most half the root of its size, that of the unit by far less than another one.
        return static_cast<float>(std::max(unit, std::sqrt(squared) / (fixed_chunk_norm - 5)));
    }

    /// Words as `FixedRows` has them, or of bytes; `out` holds zeros.
    RowNorms pack_integers(const float* row, float factor, float* values, std::uint32_t* out, float& unit) const {
        const bool bytes = form_ == Form::Bytes;
        const float most = bytes ? static_cast<float>(byte_most) : static_cast<float>(fixed_most);
        RowNorms norms = prepare(row, factor, values);
        unit = bytes ? byte_unit(values) : fixed_unit(values);
        const float per_unit = unit > 0 ? 1 / unit : 0.0F;
        const std::int64_t half = words_ / 2;
        const auto put_byte = [out](std::int64_t word, std::int64_t k, std::int32_t value) {
            out[word] |= (static_cast<std::uint32_t>(value) & 0xFFU) << (8 * (k % 4));
        };
        for (std::int64_t k = 0; k < dim_; ++k) {
            // The quotient's roundings may take it just beyond the largest.
            const auto whole = static_cast<std::int32_t>(std::lrint(std::clamp(values[k] * per_unit, -most, most)));
            if (bytes) {
                put_byte(k / 4, k, whole);
            } else if (kernel_->fixed_pairs) {
                out[k / 2] |= (static_cast<std::uint32_t>(whole) & 0xFFFFU) << (16 * (k % 2));
            } else {
                const std::int32_t low = ((whole + 128) & 255) - 128;
                put_byte(k / 4, k, (whole - low) / 256);
                put_byte(half + k / 4, k, low);
            }
            const double left = static_cast<double>(values[k]) - static_cast<double>(whole) * static_cast<double>(unit);
            norms.residual += left * left;
        }
        return norms;
    }

    /// Values as bfloat16, and the squares of what that leaves.
    static void round_lanes(const float* values, std::array<std::uint32_t, lanes>& rounded,
                            std::array<double, lanes>& sums) {
        std::array<float, lanes> left{};
        for (std::size_t k = 0; k < lanes; ++k) {
            const std::uint32_t bits = std::bit_cast<std::uint32_t>(values[k]);
            const std::uint32_t high = (bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16;  // to nearest, ties to even
            // The tiles take subnormals for zero.
            rounded[k] = high & (0U - static_cast<std::uint32_t>((high & 0x7F80U) != 0));
            left[k] = values[k] - std::bit_cast<float>(rounded[k] << 16);  // exact
        }
        for (std::size_t k = 0; k < lanes; ++k) sums[k] += static_cast<double>(left[k]) * static_cast<double>(left[k]);
    }

    RowNorms prepare(const float* row, float factor, float* values) const {
        if (metric_ == Metric::Cosine) {
            for (std::int64_t k = 0; k < dim_; ++k) {
                values[k] = static_cast<float>(static_cast<double>(row[k] * factor) -
                                               centre_[static_cast<std::size_t>(k)]);
            }
        } else if (metric_ == Metric::InnerProduct) {
            if (values != row) std::copy_n(row, dim_, values);
        } else {
            const double scale = static_cast<double>(scale_);
            for (std::int64_t k = 0; k < dim_; ++k) {
                values[k] = static_cast<float>(
                    (static_cast<double>(row[k]) - centre_[static_cast<std::size_t>(k)]) * scale);
            }
        }
        std::array<double, lanes> sums{};
        std::int64_t k = 0;
        for (; k + width <= dim_; k += width) {
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                const double x = static_cast<double>(values[k + static_cast<std::int64_t>(lane)]);
                sums[lane] += x * x;
            }
        }
        for (; k < dim_; ++k) sums[0] += static_cast<double>(values[k]) * static_cast<double>(values[k]);
        return {std::accumulate(sums.begin(), sums.end(), 0.0), 0};
    }

    void set_bounds(const RowNorms& norms, float& add, float& spread) const {
        const double share = metric_ == Metric::InnerProduct ? 0.0 : 0.5;
        const double terms = (integers() ? 0.25 : 2.25) * static_cast<double>(dim_);
        const double rounding = (terms + 64) * 0x1.0p-24 * (share > 0 ? 0.5 : 1.0);
        const double packed =
            form_ != Form::Float32
                ? 0.5 * (ratio_ * norms.squared + norms.residual / ratio_ + norms.residual)
                : 0.0;
        // The last term covers products that fall below the smallest normal number.
        const double held =
            rounding * norms.squared + packed * (1 + 0x1.0p-20) + static_cast<double>(dim_) * 0x1.0p-120;
        add = static_cast<float>(share * norms.squared - held);
        spread = static_cast<float>(2.1 * held);
    }

    double units(double distance) const {
        const double unit = static_cast<double>(scale_);
        if (metric_ == Metric::Euclidean) return 0.5 * (distance * unit) * (distance * unit);
        return metric_ == Metric::SqEuclidean ? 0.5 * distance * unit * unit : distance;
    }
    static float widen(double limit) {
        limit += std::abs(limit) * 0x1.0p-19 + static_cast<double>(FLT_MIN);
        return static_cast<float>(std::min(limit, static_cast<double>(FLT_MAX)));
    }

    const Kernels* kernel_ = nullptr;
    Metric metric_ = Metric::Cosine;
    float scale_ = 1;
    std::int64_t dim_ = 0;
    std::vector<double> centre_;
    Form form_ = Form::Float32;
    std::int64_t words_ = 0;
    double ratio_ = 0x1.0p-16;
    PackedRows<float> floats_;
    PackedRows<std::uint32_t> packed_;  ///< of bfloat16, or integers
    std::vector<float> unit_;           ///< of integers, per row, padded like `add_`
    std::vector<float> add_;
    std::vector<float> spread_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_SCREEN_IMPL_HPP
