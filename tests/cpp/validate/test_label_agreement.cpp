// SPDX-License-Identifier: MIT
#include "filmatlas/validate/label_agreement.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"

using namespace filmatlas;

TEST_CASE("label_agreement: by hand; ties go to the smallest class, unknown ones have no vote") {
    const Matrix<Index> near(5, 3, {1, 2, 3, 0, 2, 4, 0, 1, 3, 4, 2, -1, 3, -1, -1});
    const std::vector<Index> labels{7, 7, 2, -1, 2};
    const LabelAgreement found = label_agreement(near.view(), labels);
    // 0: {7, 2}; 1: {7, 2, 2}; 2: {7, 7}; 3: {2, 2}, unknown itself; 4: nobody known.
    CHECK(found.vote == std::vector<Index>{2, 2, 7, 2, -1});
    CHECK(found.items == 3);
    CHECK(found.accuracy == 0);
    CHECK(found.agreement_per_item[0] == 0.5F);
    CHECK(found.agreement_per_item[1] == doctest::Approx(1.0 / 3));
    CHECK(found.agreement_per_item[2] == 0);
    CHECK(std::isnan(found.agreement_per_item[3]));
    CHECK(std::isnan(found.agreement_per_item[4]));
    CHECK(found.agreement == doctest::Approx((0.5 + 1.0 / 3) / 3));
    const LabelAgreement first = label_agreement(near.view(), labels, 1);
    CHECK(first.vote == std::vector<Index>{7, 7, 7, 2, -1});
    CHECK(first.accuracy == doctest::Approx(2.0 / 3));
    const LabelAgreement none = label_agreement(near.view(), std::vector<Index>(5, -1));
    CHECK(none.items == 0);
    CHECK(std::isnan(none.accuracy));
    CHECK(label_agreement(MatrixView<const Index>{}, {}).items == 0);
}

TEST_CASE("label_agreement: as counting every class") {
    Matrix<Index> near(200, 9);
    std::vector<Index> labels(200);
    RandomStream random(3, "labels");
    for (Index& label : labels) label = static_cast<Index>(random.below(6)) - 1;
    for (Index& j : near.values()) j = static_cast<Index>(random.below(201)) - 1;
    const LabelAgreement found = label_agreement(near.view(), labels, 7);
    for (std::int64_t i = 0; i < 200; ++i) {
        std::vector<int> votes(5, 0);
        int all = 0;
        for (std::int64_t s = 0; s < 7; ++s) {
            const Index j = near(i, s);
            if (j < 0 || labels[static_cast<std::size_t>(j)] < 0) continue;
            ++votes[static_cast<std::size_t>(labels[static_cast<std::size_t>(j)])];
            ++all;
        }
        Index best = -1;
        for (Index c = 0; c < 5; ++c) {
            if (votes[static_cast<std::size_t>(c)] > (best < 0 ? 0 : votes[static_cast<std::size_t>(best)])) best = c;
        }
        CHECK(found.vote[static_cast<std::size_t>(i)] == best);
        const Index own = labels[static_cast<std::size_t>(i)];
        if (own < 0 || all == 0) continue;
        CHECK(found.agreement_per_item[static_cast<std::size_t>(i)] ==
              doctest::Approx(static_cast<double>(votes[static_cast<std::size_t>(own)]) / all));
    }
}

TEST_CASE("label_agreement: bad input is named") {
    const Matrix<Index> near(2, 1, {1, 0});
    CHECK_THROWS_WITH_AS(label_agreement(near.view(), std::vector<Index>{1}), doctest::Contains("2 rows"), Error);
    CHECK_THROWS_WITH_AS(label_agreement(near.view(), std::vector<Index>{1, -2}), doctest::Contains("labels[1]"), Error);
    CHECK_THROWS_WITH_AS(label_agreement(near.view(), std::vector<Index>{1, 1}, 2), doctest::Contains("is 2"), Error);
    const Matrix<Index> wrong(2, 1, {1, 2});
    CHECK_THROWS_WITH_AS(label_agreement(wrong.view(), std::vector<Index>{1, 1}), doctest::Contains("neighbors[1]"), Error);
}
