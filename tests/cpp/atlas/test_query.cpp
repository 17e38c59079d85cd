// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/query.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "catalogue.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;
using test::catalogue;
using test::small_options;

namespace {

const Atlas& shared_atlas() {
    static const Atlas atlas = build_atlas(catalogue(120), {}, small_options());
    return atlas;
}

}  // namespace

TEST_CASE("search_titles: exact, prefix, word, substring, misspelt; case and diacritics do not matter") {
    const Atlas& atlas = shared_atlas();
    CHECK(item_title(atlas, search_titles(atlas, "título 33").front().row) == "Título 33");
    CHECK(item_title(atlas, search_titles(atlas, "TITULO 33").front().row) == "Título 33");
    CHECK(search_titles(atlas, "titulo 1").front().row == 1);
    CHECK(search_titles(atlas, "titulo 1", 50).size() > 10);
    CHECK(search_titles(atlas, "amelie").front().row % 7 == 0);
    CHECK(search_titles(atlas, "amelie").front().score == 2);
    CHECK(search_titles(atlas, "melie").front().score == 1);
    CHECK(search_titles(atlas, "tiulo 33").front().row == 33);
    CHECK(search_titles(atlas, "  ").empty());
    CHECK(search_titles(atlas, "zzzzzz").empty());
}

TEST_CASE("item_neighbors and find_item: stored lists, and errors for what is not there") {
    const Atlas& atlas = shared_atlas();
    const Index row = find_item(atlas, "item-17");
    CHECK(row == 17);
    const auto near = item_neighbors(atlas, row, 5);
    REQUIRE(near.size() == 5);
    for (std::size_t j = 0; j < 5; ++j) {
        CHECK(near[j].row == atlas.graph.indices(17, static_cast<std::int64_t>(j)));
        CHECK(near[j].similarity == doctest::Approx(1 - near[j].distance));
    }
    CHECK(item_neighbors(atlas, row, 100).size() == 15);
    CHECK_THROWS_WITH_AS(find_item(atlas, "nobody"), doctest::Contains("no item is called 'nobody'"), Error);
    CHECK_THROWS_AS(item_neighbors(atlas, 120, 5), Error);
}

TEST_CASE("explain: shares sum to the similarity, shared terms are shared") {
    const Atlas& atlas = shared_atlas();
    const Index other = item_neighbors(atlas, 4, 1)[0].row;
    const Explanation why = explain(atlas, 4, other);
    CHECK(why.similarity == doctest::Approx(item_neighbors(atlas, 4, 1)[0].similarity).epsilon(1e-5));
    CHECK(why.neighbor_rank == 1);
    CHECK_FALSE(why.exact_shares);
    double sum = 0;
    for (const auto& share : why.shares) sum += share.share;
    CHECK(sum == doctest::Approx(why.similarity).epsilon(1e-6));
    REQUIRE_FALSE(why.shared_terms.empty());
    for (std::size_t t = 1; t < why.shared_terms.size(); ++t) {
        CHECK(why.shared_terms[t - 1].weight >= why.shared_terms[t].weight);
    }
    CHECK(explain(atlas, 4, 4).similarity == doctest::Approx(1));

    Matrix<float> a(30, 3), b(30, 4);
    for (std::int64_t i = 0; i < 30; ++i) a(i, i % 3) = 1, a(i, 0) += 0.5F, b(i, i % 4) = 2, b(i, 1) += 0.25F;
    const Atlas parts = build_atlas(catalogue(30), {{"plot", a.view(), 0.7}, {"tags", b.view(), 0.3}}, small_options());
    const Explanation exact = explain(parts, 1, 5);
    CHECK(exact.exact_shares);
    REQUIRE(exact.shares.size() == 2);
    CHECK(exact.shares[0].share + exact.shares[1].share == doctest::Approx(exact.similarity).epsilon(1e-6));
    // 0.7 times the cosine of the first part, by hand: rows 1 and 5 of a are (0.5, 1, 0) and (0.5, 0, 1).
    CHECK(exact.shares[0].share == doctest::Approx(0.7 * 0.25 / 1.25).epsilon(1e-5));
}

TEST_CASE("place: an item of the atlas lands on itself; one by one equals together") {
    const Atlas& atlas = shared_atlas();
    const Matrix<float>& all = atlas.embedding.vectors;
    const auto leaves = atlas.hierarchy.leaves();
    const auto together = place_vectors(atlas, all.view(), 6);
    for (std::int64_t i = 0; i < all.rows(); i += 7) {
        const Placement& placed = together[static_cast<std::size_t>(i)];
        CHECK(placed.neighbors[0].distance <= 1e-6F);
        const Index twin = placed.neighbors[0].row;
        CHECK(placed.path.back() == leaves[static_cast<std::size_t>(twin)]);
        CHECK(placed.position[0] == atlas.layout.coordinates(twin, 0));
        const auto alone = place_vectors(atlas, {all.row_data(i), 1, all.cols()}, 6);
        CHECK(alone[0].path == placed.path);
        CHECK(alone[0].position == placed.position);
    }
    const auto text = place_texts(atlas, {"robot planet space alien", "samurai sword"}, 8);
    CHECK(text[0].neighbors[0].row % 6 == 1);
    CHECK(text[1].neighbors[0].row % 6 == 0);
    REQUIRE(text[0].path.size() == 3);
    for (std::size_t level = 1; level < 3; ++level) {
        CHECK(atlas.hierarchy.nodes[static_cast<std::size_t>(text[0].path[level])].parent == text[0].path[level - 1]);
    }
    Matrix<float> wrong(1, 3);
    CHECK_THROWS_WITH_AS(place_vectors(atlas, wrong.view()), doctest::Contains("3 dimensions"), Error);
}
