// SPDX-License-Identifier: MIT
// components.hpp, csr.hpp
#include "filmatlas/linalg/components.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/csr.hpp"

using namespace filmatlas;

namespace {

CsrMatrix<float> from_dense(const std::vector<std::vector<float>>& rows) {
    CsrMatrix<float> matrix;
    matrix.rows = static_cast<std::int64_t>(rows.size());
    matrix.cols = matrix.rows;
    for (const auto& row : rows) {
        for (std::size_t j = 0; j < row.size(); ++j) {
            if (row[j] != 0) matrix.indices.push_back(static_cast<Index>(j)), matrix.values.push_back(row[j]);
        }
        matrix.indptr.push_back(matrix.nnz());
    }
    return matrix;
}

}  // namespace

TEST_CASE("CsrMatrix: rows are spans of columns and values") {
    const CsrMatrix<float> m = from_dense({{0, 2, 0}, {0, 0, 0}, {1, 0, 3}});
    CHECK(m.nnz() == 3);
    CHECK(m.row_indices(1).empty());
    CHECK(std::vector<Index>(m.row_indices(2).begin(), m.row_indices(2).end()) == std::vector<Index>{0, 2});
    CHECK(m.row_values(2)[1] == 3);
    CHECK(m == from_dense({{0, 2, 0}, {0, 0, 0}, {1, 0, 3}}));
}

TEST_CASE("connected_components: either direction joins; numbered by their lowest member") {
    const Components parts = connected_components(from_dense({{0, 0, 0, 1, 0},
                                                              {0, 0, 0, 0, 0},
                                                              {0, 0, 0, 0, 1},
                                                              {0, 0, 0, 0, 0},
                                                              {0, 0, 0, 0, 0}}));
    CHECK(parts.ids == std::vector<Index>{0, 1, 2, 0, 2});
    CHECK(parts.sizes == std::vector<Index>{2, 1, 2});
    CHECK(connected_components(from_dense({})).count() == 0);
    CsrMatrix<float> wide = from_dense({{1}});
    wide.cols = 2;
    CHECK_THROWS_AS(connected_components(wide), Error);
}

TEST_CASE("connected_components: equals reachability on random graphs") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        RandomStream random(seed, "components");
        const std::size_t n = 1 + random.below(25);
        std::vector<std::vector<float>> dense(n, std::vector<float>(n, 0));
        for (std::size_t edge = 0; edge < n / 2 + 1; ++edge) dense[random.below(n)][random.below(n)] = 1;
        std::vector<std::vector<char>> reach(n, std::vector<char>(n, 0));
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) reach[i][j] = i == j || dense[i][j] != 0 || dense[j][i] != 0;
        }
        for (std::size_t m = 0; m < n; ++m) {
            for (std::size_t i = 0; i < n; ++i) {
                for (std::size_t j = 0; j < n; ++j) reach[i][j] = reach[i][j] || (reach[i][m] && reach[m][j]);
            }
        }
        const Components parts = connected_components(from_dense(dense));
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) CHECK((parts.ids[i] == parts.ids[j]) == static_cast<bool>(reach[i][j]));
        }
    }
}
