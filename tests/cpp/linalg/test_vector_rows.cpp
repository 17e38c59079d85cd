// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/vector_rows.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using testing::random_matrix;
using testing::same_bits;

namespace {

template <class T>
std::vector<T> numbers(std::int64_t n, std::int64_t d) {
    std::vector<T> out(static_cast<std::size_t>(n * d));
    RandomStream stream(3, "vector rows numbers");
    for (T& x : out) x = static_cast<T>(static_cast<std::int64_t>(stream.below(200)));
    return out;
}

template <class T>
void check_type(ScalarType type) {
    CAPTURE(to_string(type));
    CHECK(scalar_bytes(type) == static_cast<std::int64_t>(sizeof(T)));
    const std::int64_t n = 7;
    const std::int64_t d = 5;
    const auto source = numbers<T>(n, d);
    const auto size = static_cast<std::int64_t>(sizeof(T));
    const auto at = [&](std::int64_t i, std::int64_t j) {
        return static_cast<float>(source[static_cast<std::size_t>(i * d + j)]);
    };
    const Matrix<float> whole = VectorRows(StridedArray::contiguous(source.data(), type, n, d)).to_matrix();
    // Transposed (Fortran order), reversed both ways, every second row and third column.
    const Matrix<float> fortran = VectorRows(StridedArray{source.data(), type, d, n, size, d * size}).to_matrix();
    const Matrix<float> reversed =
        VectorRows(StridedArray{source.data() + n * d - 1, type, n, d, -d * size, -size}).to_matrix();
    const Matrix<float> sliced = VectorRows(StridedArray{source.data(), type, 4, 2, 2 * d * size, 3 * size}).to_matrix();
    // Memory off its alignment.
    std::vector<unsigned char> bytes(source.size() * sizeof(T) + 1);
    std::memcpy(bytes.data() + 1, source.data(), source.size() * sizeof(T));
    const Matrix<float> shifted = VectorRows(StridedArray::contiguous(bytes.data() + 1, type, n, d)).to_matrix();
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < d; ++j) {
            CHECK(whole(i, j) == at(i, j));
            CHECK(fortran(j, i) == at(i, j));
            CHECK(reversed(i, j) == at(n - 1 - i, d - 1 - j));
            CHECK(shifted(i, j) == at(i, j));
            if (i < 4 && j < 2) CHECK(sliced(i, j) == at(2 * i, 3 * j));
        }
    }
}

}  // namespace

TEST_CASE("VectorRows: every type and stride gives the numbers that lie there") {
    check_type<float>(ScalarType::Float32);
    check_type<double>(ScalarType::Float64);
    check_type<std::int8_t>(ScalarType::Int8);
    check_type<std::uint8_t>(ScalarType::UInt8);
    check_type<std::int16_t>(ScalarType::Int16);
    check_type<std::uint16_t>(ScalarType::UInt16);
    check_type<std::int32_t>(ScalarType::Int32);
    check_type<std::uint32_t>(ScalarType::UInt32);
    check_type<std::int64_t>(ScalarType::Int64);
    check_type<std::uint64_t>(ScalarType::UInt64);
}

TEST_CASE("VectorRows: 16-bit numbers are exact, for any stride and beyond the buffer's length") {
    const std::int64_t n = 3;
    const std::int64_t d = 600;
    const auto x = random_matrix(n, d, 1);
    const auto count = static_cast<std::size_t>(n * d);
    for (const bool brain : {false, true}) {
        const ScalarType type = brain ? ScalarType::BFloat16 : ScalarType::Float16;
        CHECK(scalar_bytes(type) == 2);
        std::vector<std::uint16_t> packed(count);
        (brain ? kernels().float_to_bfloat16 : kernels().float_to_half)(x.data(), packed.data(), count);
        Matrix<float> want(n, d);
        (brain ? kernels().bfloat16_to_float : kernels().half_to_float)(packed.data(), want.data(), count);
        CHECK(std::abs(want(0, 0) - x(0, 0)) <= std::abs(x(0, 0)) * (brain ? 0x1.0p-8F : 0x1.0p-11F));
        CHECK(same_bits(VectorRows(StridedArray::contiguous(packed.data(), type, n, d)).to_matrix(), want));
        std::vector<std::uint16_t> spread(2 * count);
        for (std::size_t i = 0; i < count; ++i) spread[2 * i] = packed[i];
        CHECK(same_bits(VectorRows(StridedArray{spread.data(), type, n, d, 4 * d, 4}).to_matrix(), want));
        std::vector<unsigned char> bytes(2 * count + 1);
        std::memcpy(bytes.data() + 1, packed.data(), 2 * count);
        CHECK(same_bits(VectorRows(StridedArray::contiguous(bytes.data() + 1, type, n, d)).to_matrix(), want));
    }
}

TEST_CASE("VectorRows: aligned float32 rows are read in place, others through the scratch") {
    const auto x = random_matrix(4, 6, 2);
    const VectorRows rows = x.view();
    CHECK(rows.direct());
    CHECK(rows.row(2, nullptr) == x.row_data(2));
    CHECK(VectorRows(MatrixView<const float>(x.data(), 2, 4, 12)).direct_row(1) == x.data() + 12);
    const VectorRows backwards(StridedArray{x.row_data(3), ScalarType::Float32, 4, 6, -24, 4});
    CHECK(backwards.direct());
    CHECK(backwards.direct_row(3) == x.data());
    const VectorRows one_column(StridedArray{x.data(), ScalarType::Float32, 4, 1, 24, 40});
    CHECK(one_column.direct());
    const VectorRows fortran(StridedArray{x.data(), ScalarType::Float32, 6, 4, 4, 24});
    CHECK_FALSE(fortran.direct());
    std::vector<float> scratch(4);
    CHECK(fortran.row(1, scratch.data()) == scratch.data());
    CHECK(scratch[3] == x(3, 1));
    CHECK_FALSE(VectorRows(StridedArray{reinterpret_cast<const char*>(x.data()) + 2, ScalarType::Float32, 2, 2, 24, 4})
                    .direct());
    CHECK(VectorRows().rows() == 0);
    CHECK_THROWS_WITH_AS(VectorRows(StridedArray{x.data(), ScalarType::Float32, -1, 2, 8, 4}),
                         doctest::Contains("-1 rows"), Error);
}

TEST_CASE("VectorRows: float64 beyond float32 becomes infinite, and its place is told") {
    const double values[] = {1, 2, 3, 4, -1e39, 6, std::numeric_limits<double>::infinity(), 0, 1e-300};
    const VectorRows rows(StridedArray::contiguous(values, ScalarType::Float64, 3, 3));
    const Matrix<float> x = rows.to_matrix();
    CHECK(x(1, 1) == -std::numeric_limits<float>::infinity());
    CHECK(x(2, 2) == 0);
    CHECK_FALSE(rows.overflow(0).has_value());
    CHECK(rows.overflow(1) == 1);
    CHECK_FALSE(rows.overflow(2).has_value());  // it was infinite before
    const auto x32 = random_matrix(3, 2, 1);
    const VectorRows two({{StridedArray::contiguous(x32.data(), ScalarType::Float32, 3, 2), 1},
                          {StridedArray::contiguous(values, ScalarType::Float64, 3, 3), 1}},
                         SideBySideOptions{.unit_parts = false});
    CHECK(two.overflow(1) == 3);
    CHECK_THROWS_WITH_AS(VectorRows({{StridedArray::contiguous(values, ScalarType::Float64, 3, 3), 1}}),
                         doctest::Contains("column 1 of part 0 does not fit float32"), Error);
}

TEST_CASE("VectorRows: parts side by side, worked by hand") {
    const float first[] = {3, 4, 0, 0, 1, 0, 0, 0};       // (4, 2)
    const float second[] = {0, 0, 5, 0, 0, 2, 0, 0, 0, 0, 0, 0};  // (4, 3)
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float third[] = {1, -1, nan, nan};  // (4, 1)
    const auto part = [](const float* data, std::int64_t cols, double weight) {
        return WeightedArray{StridedArray::contiguous(data, ScalarType::Float32, 4, cols), weight};
    };
    const VectorRows rows({part(first, 2, 1), part(second, 3, 2), part(third, 1, 1)});
    CHECK(rows.rows() == 4);
    CHECK(rows.cols() == 6);
    CHECK_FALSE(rows.direct());
    const Matrix<float> x = rows.to_matrix();
    const auto near = [](float value) { return doctest::Approx(static_cast<double>(value)).epsilon(1e-7); };
    CHECK(static_cast<double>(x(0, 0)) == near(0.6F * 0.5F));
    CHECK(static_cast<double>(x(0, 1)) == near(0.8F * 0.5F));
    CHECK(static_cast<double>(x(0, 4)) == near(std::sqrt(0.5F)));
    CHECK(static_cast<double>(x(0, 5)) == near(0.5F));
    CHECK(static_cast<double>(x(1, 4)) == near(std::sqrt(2.0F / 3)));  // the first part is missing
    CHECK(static_cast<double>(x(1, 5)) == near(-std::sqrt(1.0F / 3)));
    CHECK(x(2, 0) == 1.0F);
    CHECK(x(2, 5) == 0.0F);  // NaN: missing
    CHECK(std::isnan(x(3, 0)));  // nothing present, and one part is NaN
    const Matrix<float> kept =
        VectorRows({part(first, 2, 1), part(second, 3, 2), part(third, 1, 1)}, {.renormalize_missing = false}).to_matrix();
    CHECK(static_cast<double>(kept(2, 0)) == near(0.5F));
    const Matrix<float> plain = VectorRows({part(first, 2, 1), part(second, 3, 3)}, {.unit_parts = false}).to_matrix();
    CHECK(plain(0, 0) == 1.5F);
    CHECK(static_cast<double>(plain(0, 4)) == near(5 * std::sqrt(0.75F)));
}

TEST_CASE("VectorRows: errors name the part") {
    const float x[12] = {};
    const auto array = [&](std::int64_t rows, std::int64_t cols) {
        return StridedArray::contiguous(x, ScalarType::Float32, rows, cols);
    };
    using Parts = std::vector<WeightedArray>;
    CHECK_THROWS_WITH_AS(VectorRows(Parts{}), doctest::Contains("parts: none given"), Error);
    CHECK_THROWS_WITH_AS(VectorRows(Parts{{array(3, 2), 1}, {array(2, 2), 1}}),
                         doctest::Contains("part 1 has 2 rows, part 0 has 3"), Error);
    CHECK_THROWS_WITH_AS(VectorRows(Parts{{array(3, 0), 1}}), doctest::Contains("part 0 has no columns"), Error);
    CHECK_THROWS_WITH_AS(VectorRows(Parts{{array(3, 2), 1}, {array(3, 2), -1}}), doctest::Contains("of part 1 is -1"),
                         Error);
    CHECK_THROWS_WITH_AS(VectorRows(Parts{{array(3, 2), 0}}), doctest::Contains("sums to 0"), Error);
    CHECK(to_string(RowFault::Nan) == "nan");
    CHECK(to_string(RowFault::Infinite) == "infinite");
    CHECK(to_string(RowFault::Zero) == "zero");
}
