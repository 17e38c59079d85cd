// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/vector_rows.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "neighbors/knn_data.hpp"

// knn_graph on rows as they lie in memory: what their float32 copy gives, to the bit.

using namespace filmatlas;
using testing::gaussian;
using testing::same_graph;

namespace {

void check_rows(const VectorRows& rows) {
    const Matrix<float> copy = rows.to_matrix();
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean, Metric::SqEuclidean, Metric::InnerProduct,
                                Metric::Manhattan}) {
        CAPTURE(to_string(metric));
        for (const KnnMethod method : {KnnMethod::Auto, KnnMethod::Exact}) {
            const KnnOptions options{.k = 7, .metric = metric, .method = method};
            CHECK(same_graph(knn_graph(rows, options), knn_graph(copy.view(), options)));
        }
    }
}

}  // namespace

TEST_CASE("knn_graph: half, bfloat16, double and integer rows give the bytes of their float32 copy") {
    const std::int64_t n = 600;
    const std::int64_t d = 40;
    const auto x = gaussian(n, d, 1);
    const auto count = static_cast<std::size_t>(n * d);
    std::vector<std::uint16_t> half(count);
    kernels().float_to_half(x.data(), half.data(), count);
    half[5 * 40] = 0x7E00;  // NaN
    half[6 * 40] = 0xFC00;  // -infinity
    std::fill_n(half.begin() + 7 * 40, 40, std::uint16_t{0});
    check_rows(VectorRows(StridedArray::contiguous(half.data(), ScalarType::Float16, n, d)));
    std::vector<std::uint16_t> brain(count);
    kernels().float_to_bfloat16(x.data(), brain.data(), count);
    check_rows(VectorRows(StridedArray::contiguous(brain.data(), ScalarType::BFloat16, n, d)));
    std::vector<double> wide(x.values().begin(), x.values().end());
    for (double& value : wide) value *= 1.0000001;
    check_rows(VectorRows(StridedArray::contiguous(wide.data(), ScalarType::Float64, n, d)));
    std::vector<std::int8_t> small(count);
    for (std::size_t i = 0; i < count; ++i) small[i] = static_cast<std::int8_t>(std::lrint(20 * x.values()[i]));
    check_rows(VectorRows(StridedArray::contiguous(small.data(), ScalarType::Int8, n, d)));
}

TEST_CASE("knn_graph: Fortran order, every second row, reversed rows and few columns (the tree)") {
    const auto x = gaussian(90, 2300, 2);
    const VectorRows fortran(StridedArray{x.data(), ScalarType::Float32, 2300, 90, 4, 4 * 2300});
    CHECK_FALSE(fortran.direct());
    check_rows(fortran);
    const VectorRows few(StridedArray{x.data(), ScalarType::Float32, 2300, 3, 4, 4 * 2300});
    CHECK(knn_graph(few, {.metric = Metric::Euclidean}).method == "kd_tree");
    check_rows(few);
    const auto y = gaussian(400, 30, 3);
    check_rows(VectorRows(StridedArray{y.row_data(399), ScalarType::Float32, 200, 15, -2 * 120, 8}));
}

TEST_CASE("knn_graph: weighted parts are the graph of their combination, without making it") {
    const auto first = gaussian(500, 20, 4);
    auto second = gaussian(500, 9, 5);
    for (float& value : second.row(3)) value = 0;  // lacks the second part
    auto third = first;
    for (std::int64_t j = 0; j < 20; ++j) third(8, j) = 0;
    second(8, 4) = std::numeric_limits<float>::quiet_NaN();
    const auto part = [](const Matrix<float>& m, double weight) {
        return WeightedArray{StridedArray::contiguous(m.data(), ScalarType::Float32, m.rows(), m.cols()), weight};
    };
    const VectorRows rows({part(third, 2), part(second, 1)});
    check_rows(rows);
    const auto graph = knn_graph(rows, {.k = 5});
    CHECK(graph.invalid_rows == std::vector<Index>{8});
    CHECK(graph.invalid_reasons == std::vector<RowFault>{RowFault::Nan});
    // The cosine of two items is the weighted sum of the parts' cosines.
    const auto cosine = [](const Matrix<float>& m, std::int64_t a, std::int64_t b) {
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (std::int64_t j = 0; j < m.cols(); ++j) {
            dot += static_cast<double>(m(a, j)) * static_cast<double>(m(b, j));
            aa += static_cast<double>(m(a, j)) * static_cast<double>(m(a, j));
            bb += static_cast<double>(m(b, j)) * static_cast<double>(m(b, j));
        }
        return dot / std::sqrt(aa * bb);
    };
    for (const std::int64_t i : {0, 100, 499}) {
        const std::int64_t j = graph.indices(i, 0);
        if (j == 3) continue;
        const double want = 1 - (2 * cosine(third, i, j) + cosine(second, i, j)) / 3;
        CHECK(static_cast<double>(graph.distances(i, 0)) == doctest::Approx(want).epsilon(1e-5));
    }
    check_rows(VectorRows({part(third, 2), part(second, 1)}, {.renormalize_missing = false}));
    check_rows(VectorRows({part(third, 2), part(second, 1)}, {.unit_parts = false}));
}

TEST_CASE("knn_graph: rows without a vector are told by reason and disturb no other") {
    auto x = gaussian(300, 12, 6);
    const auto clean = knn_graph(x.view(), {.k = 5});
    x(20, 3) = std::numeric_limits<float>::quiet_NaN();
    x(30, 11) = -std::numeric_limits<float>::infinity();
    for (float& value : x.row(40)) value = 0;
    const auto graph = knn_graph(x.view(), {.k = 5});
    validate(graph);
    CHECK(graph.invalid_rows == std::vector<Index>{20, 30, 40});
    CHECK(graph.invalid_reasons == std::vector<RowFault>{RowFault::Nan, RowFault::Infinite, RowFault::Zero});
    for (std::int64_t i = 0; i < 300; ++i) {
        const auto old = clean.indices.row(i);
        const bool touched = std::any_of(old.begin(), old.end(), [](Index id) { return id == 20 || id == 30 || id == 40; });
        if (i == 20 || i == 30 || i == 40) {
            CHECK(graph.indices(i, 0) == -1);
        } else if (!touched) {
            CHECK(std::equal(old.begin(), old.end(), graph.indices.row(i).begin()));
        }
    }
    CHECK(knn_graph(x.view(), {.k = 5, .metric = Metric::Euclidean}).invalid_rows == std::vector<Index>{20, 30});
    auto wrong = graph;
    wrong.invalid_reasons.pop_back();
    CHECK_THROWS_WITH_AS(validate(wrong), doctest::Contains("3 invalid rows have 2 reasons"), Error);
}

TEST_CASE("knn_graph: float64 numbers that float32 cannot hold are refused by place, for every method") {
    std::vector<double> wide(3000 * 4, 1.0);
    for (std::size_t i = 0; i < wide.size(); ++i) wide[i] = static_cast<double>(i % 97);
    wide[2000 * 4 + 2] = 1e200;
    const VectorRows rows(StridedArray::contiguous(wide.data(), ScalarType::Float64, 3000, 4));
    for (const KnnMethod method : {KnnMethod::Auto, KnnMethod::Exact}) {
        try {
            knn_graph(rows, {.metric = Metric::Euclidean, .method = method});
            FAIL("accepted");
        } catch (const Error& error) {
            CHECK(error.where().row == 2000);
            CHECK(std::string(error.what()).find("column 2 does not fit float32") != std::string::npos);
        }
    }
}
