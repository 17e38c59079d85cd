// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/build.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "catalogue.hpp"
#include "filmatlas/atlas/atlas.hpp"
#include "filmatlas/atlas/audit.hpp"
#include "filmatlas/atlas/site.hpp"
#include "filmatlas/atlas/store.hpp"
#include "filmatlas/core/error.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using test::catalogue;
using test::small_options;

TEST_CASE("build_atlas: a whole atlas from records alone, sound and complete") {
    const Atlas atlas = build_atlas(catalogue(240), {}, small_options());
    const Report report = validate_atlas(atlas);
    INFO(to_text(report));
    CHECK(report.ok());
    CHECK(atlas.size() == 240);
    CHECK(atlas.hierarchy.num_levels() == 3);
    CHECK(atlas.labels.size() == atlas.hierarchy.nodes.size());
    CHECK(atlas.encoder.has_value());
    CHECK(atlas.roles == Roles{"title", "year", "link", "plot"});
    CHECK(atlas.graph.k() == 15);
    CHECK(atlas.layout.quality.kept_neighbors > 0.2);
    // Items of one theme end up together: nearest neighbours share the theme nearly always.
    int same = 0;
    for (std::int64_t i = 0; i < 240; ++i) same += atlas.graph.indices(i, 0) % 6 == i % 6 ? 1 : 0;
    CHECK(same >= 225);
}

TEST_CASE("build_atlas: every item's own trust and continuity average to the map's, and territories come along") {
    const Atlas atlas = build_atlas(catalogue(240), {}, small_options());
    const LayoutQuality& quality = atlas.layout.quality;
    REQUIRE(quality.trust_per_item.size() == 240);
    REQUIRE(quality.continuity_per_item.size() == 240);
    const auto mean = [](const std::vector<double>& values) {
        double sum = 0;
        for (const double value : values) sum += value;
        return sum / static_cast<double>(values.size());
    };
    CHECK(mean(quality.trust_per_item) == doctest::Approx(quality.trustworthiness).epsilon(1e-12));
    CHECK(mean(quality.continuity_per_item) == doctest::Approx(quality.continuity).epsilon(1e-12));
    REQUIRE(atlas.territories);
    CHECK(*atlas.territories == territories(atlas.layout.coordinates, atlas.hierarchy));
    CHECK_FALSE(atlas.plain_quality);

    BuildOptions options = small_options();
    options.exact_trust = false;
    CHECK(build_atlas(catalogue(60), {}, options).layout.quality.trust_per_item.empty());
}

TEST_CASE("build_atlas: with map_territories every node owns one piece, and the plain map's figures tell the price") {
    BuildOptions options = small_options();
    const Atlas plain = build_atlas(catalogue(240), {}, options);
    options.map_territories = true;
    const Atlas drawn = build_atlas(catalogue(240), {}, options);
    REQUIRE(drawn.territories);
    for (const TerritoryLevel& level : drawn.territories->levels) {
        CHECK(level.one_piece == level.nodes);
        CHECK(level.inside == level.items);
    }
    REQUIRE(drawn.plain_quality);
    CHECK(drawn.plain_quality->kept_neighbors == plain.layout.quality.kept_neighbors);
    CHECK(drawn.plain_quality->trustworthiness == plain.layout.quality.trustworthiness);
    CHECK(drawn.plain_quality->trust_per_item.empty());
    CHECK(drawn.layout.quality.trust_per_item.size() == 240);
    CHECK_FALSE(drawn.layout.coordinates == plain.layout.coordinates);
    CHECK(drawn.hierarchy == plain.hierarchy);
    const Report report = validate_atlas(drawn);
    INFO(to_text(report));
    CHECK(report.ok());
    const auto has = [](const Report& found, const char* code) {
        return std::any_of(found.findings.begin(), found.findings.end(), [&](const Finding& f) { return f.code == code; });
    };
    CHECK(has(report, "territories.price"));
    CHECK_FALSE(has(validate_atlas(plain), "territories.price"));
    CHECK(has(validate_atlas(plain), "territories.rings"));

    Atlas broken = drawn;
    broken.layout.quality.trust_per_item[3] = 1.5;
    CHECK_FALSE(validate_atlas(broken).ok());
    broken.layout.quality.trust_per_item.pop_back();
    CHECK_FALSE(validate_atlas(broken).ok());
    broken = drawn;
    broken.territories->ring_arcs[0] = ~broken.territories->ring_arcs[0];
    CHECK_FALSE(validate_atlas(broken).ok());
}

TEST_CASE("build_atlas: same bytes for any number of threads and any instruction set") {
    BuildOptions options = small_options();
    options.map_territories = true;
    options.num_threads = 1;
    const Atlas reference = build_atlas(catalogue(150), {}, options);
    const std::string file = pack_atlas(reference);
    const std::string page = render_site(reference);
    for (const int threads : {2, 3}) {
        options.num_threads = threads;
        CHECK(pack_atlas(build_atlas(catalogue(150), {}, options)) == file);
    }
    for (const char* level : ::testing::simd_words) {
        const ::testing::SimdLevelScope simd(level);
        const Atlas again = build_atlas(catalogue(150), {}, options);
        CHECK(pack_atlas(again) == file);
        CHECK(render_site(again) == page);
    }
}

TEST_CASE("build_atlas: given vectors, one set and several") {
    Matrix<float> a(60, 4), b(60, 6);
    for (std::int64_t i = 0; i < 60; ++i) {
        RandomStream random(3, "vectors", static_cast<std::uint64_t>(i));
        for (std::int64_t j = 0; j < 4; ++j) a(i, j) = static_cast<float>(random.normal() * 0.2 + (j == i % 3 ? 2 : 0));
        for (std::int64_t j = 0; j < 6; ++j) b(i, j) = static_cast<float>(random.normal() * 0.2 + (j == i % 6 ? 2 : 0));
    }
    const Atlas one = build_atlas(catalogue(60), {{"plot", a.view(), 1}}, small_options());
    CHECK_FALSE(one.encoder.has_value());
    CHECK(one.provenance.encoder == "given");
    const Atlas two = build_atlas(catalogue(60), {{"plot", a.view(), 3}, {"tags", b.view(), 1}}, small_options());
    REQUIRE(two.embedding.parts.size() == 2);
    CHECK(two.embedding.parts[0].weight == doctest::Approx(0.75));
    CHECK(two.embedding.vectors.cols() == 10);
    CHECK(validate_atlas(two).ok());

    CHECK_THROWS_WITH_AS(build_atlas(catalogue(59), {{"plot", a.view(), 1}}, small_options()),
                         doctest::Contains("have 60 rows, the records 59"), Error);
}

TEST_CASE("build_atlas: one, two, three and a few items") {
    for (const int n : {1, 2, 3, 4, 5, 9, 17}) {
        const Atlas atlas = build_atlas(catalogue(n), {}, small_options());
        const Report report = validate_atlas(atlas);
        INFO(n, " items\n", to_text(report));
        CHECK(report.ok());
        CHECK(atlas.size() == n);
        CHECK(validate_site(atlas, render_site(atlas)).ok());
        CHECK(unpack_atlas(pack_atlas(atlas)).size() == n);
    }
}

TEST_CASE("build_atlas: rows without a usable vector throw, or are carried through") {
    Matrix<float> vectors(40, 3);
    for (std::int64_t i = 0; i < 40; ++i) vectors(i, i % 3) = 1 + static_cast<float>(i) / 100;
    vectors(7, 1) = std::nanf("");
    vectors(9, 0) = 0, vectors(9, 1) = 0, vectors(9, 2) = 0;
    vectors(11, 2) = INFINITY;
    CHECK_THROWS_AS(build_atlas(catalogue(40), {{"v", vectors.view(), 1}}, small_options()), Error);
    BuildOptions options = small_options();
    options.on_invalid = OnInvalid::Quarantine;
    const Atlas atlas = build_atlas(catalogue(40), {{"v", vectors.view(), 1}}, options);
    CHECK(atlas.embedding.bad_rows.size() == 3);
    CHECK(atlas.graph.indices(9, 0) == -1);
    CHECK(atlas.hierarchy.leaves()[9] >= 0);
    CHECK(std::isnan(atlas.layout.coordinates(7, 0)));
    const Report report = validate_atlas(atlas);
    INFO(to_text(report));
    CHECK(report.ok());
    CHECK(validate_site(atlas, render_site(atlas)).ok());
}

TEST_CASE("build_atlas: bad options name their field") {
    BuildOptions options = small_options();
    options.n_neighbors = 0;
    CHECK_THROWS_WITH_AS(build_atlas(catalogue(5), {}, options), doctest::Contains("n_neighbors: is 0"), Error);
    options = small_options();
    options.n_clusters = std::vector<int>{3};
    CHECK_THROWS_WITH_AS(build_atlas(catalogue(5), {}, options), doctest::Contains("has 1 counts for 3 levels"), Error);
    options = small_options();
    options.roles.title = "nothing";
    CHECK_THROWS_WITH_AS(build_atlas(catalogue(5), {}, options), doctest::Contains("no column 'nothing'"), Error);
    options = small_options();
    options.sources = {{.name = "title"}};
    CHECK_THROWS_AS(build_atlas(catalogue(5), {}, options), Error);
    CHECK_THROWS_WITH_AS(build_atlas(IngestResult{}, {}, small_options()), doctest::Contains("there are no items"), Error);
}

TEST_CASE("build_atlas: given level counts are kept, and cancelling leaves nothing behind") {
    BuildOptions options = small_options();
    options.n_clusters = std::vector<int>{3, 6, 24};
    const Atlas atlas = build_atlas(catalogue(240), {}, options);
    CHECK(atlas.hierarchy.num_nodes(0) == 3);
    CHECK(atlas.hierarchy.num_nodes(1) == 6);
    CHECK(atlas.hierarchy.num_nodes(2) == 24);

    const Progress stop([](const Tick& tick) { return tick.stage == "profile"; }, std::chrono::milliseconds(0));
    try {
        build_atlas(catalogue(240), {}, small_options(), stop);
        FAIL("not cancelled");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Cancelled);
    }
}

TEST_CASE("build_atlas: keywords never come from private columns") {
    BuildOptions options = small_options();
    options.sources = {{.name = "plot"}, {.name = "secret"}};
    const Atlas atlas = build_atlas(catalogue(120), {}, options);
    for (const auto& list : atlas.keywords) {
        for (const Keyword& keyword : list) CHECK(keyword.term.find("canary") == std::string::npos);
    }
}

TEST_CASE("validate_atlas: items with one and the same vector are counted and named") {
    Matrix<float> vectors(30, 3);
    for (std::int64_t i = 0; i < 30; ++i) vectors(i, 0) = 1, vectors(i, 1) = static_cast<float>(i < 4 ? 0 : i) / 10;
    const Atlas atlas = build_atlas(catalogue(30), {{"v", vectors.view(), 1}}, small_options());
    const Report report = validate_atlas(atlas);
    const auto found = std::find_if(report.findings.begin(), report.findings.end(),
                                    [](const Finding& finding) { return finding.code == "records.duplicates"; });
    REQUIRE(found != report.findings.end());
    CHECK(found->severity == Severity::Warning);
    CHECK(found->message == "4 items have the same vector as another item");
    CHECK(found->items == std::vector<Index>{0, 1, 2, 3});
}
