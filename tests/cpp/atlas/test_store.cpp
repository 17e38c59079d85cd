// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/store.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <string>

#include "catalogue.hpp"
#include "filmatlas/atlas/audit.hpp"
#include "filmatlas/atlas/query.hpp"
#include "filmatlas/atlas/site.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/io/container.hpp"

using namespace filmatlas;
using test::catalogue;
using test::small_options;

TEST_CASE("pack_atlas and unpack_atlas: nothing is lost") {
    BuildOptions options = small_options();
    options.map_territories = true;
    const Atlas atlas = build_atlas(catalogue(80), {}, options);
    const std::string bytes = pack_atlas(atlas);
    const Atlas loaded = unpack_atlas(bytes);
    CHECK(pack_atlas(loaded) == bytes);
    CHECK(render_site(loaded) == render_site(atlas));
    CHECK(loaded.hierarchy == atlas.hierarchy);
    CHECK(loaded.labels == atlas.labels);
    CHECK(loaded.graph.indices == atlas.graph.indices);
    CHECK(loaded.embedding.vectors == atlas.embedding.vectors);
    CHECK(loaded.layout.quality.trust_per_item == atlas.layout.quality.trust_per_item);
    CHECK(loaded.layout.quality.continuity_per_item == atlas.layout.quality.continuity_per_item);
    CHECK(loaded.layout.quality.rows_measured == 80);
    CHECK(loaded.layout.quality.random_triplets == atlas.layout.quality.random_triplets);
    CHECK(loaded.layout.quality.random_triplets > 0.5);
    CHECK(loaded.layout.quality.triplets_measured == 100000);
    CHECK(std::isnan(loaded.layout.quality.label_accuracy));  // an atlas knows no classes
    REQUIRE(loaded.territories);
    CHECK(*loaded.territories == *atlas.territories);
    REQUIRE(loaded.plain_quality);
    CHECK(loaded.plain_quality->rank_correlation == atlas.plain_quality->rank_correlation);
    const auto before = place_texts(atlas, {"a samurai and his sword"}, 5);
    const auto after = place_texts(loaded, {"a samurai and his sword"}, 5);
    CHECK(before[0].path == after[0].path);
    CHECK(before[0].position == after[0].position);
}

TEST_CASE("unpack_atlas: a file of an older version has neither figures per item nor territories, and still loads") {
    const Atlas atlas = build_atlas(catalogue(40), {}, small_options());
    Container container = unpack_container(pack_atlas(atlas));
    std::erase_if(container.sections, [](const Section& section) {
        return section.name.starts_with("territories.") || section.name == "layout.trust_per_item" ||
               section.name == "layout.continuity_per_item";
    });
    std::erase_if(container.meta.object, [](const auto& member) { return member.first == "territories"; });
    for (auto& [key, value] : container.meta.object) {
        if (key != "layout") continue;
        std::erase_if(value.object, [](const auto& member) {
            return member.first.ends_with("_measured") || member.first.ends_with("_error") ||
                   member.first.starts_with("label_accuracy") || member.first == "random_triplets";
        });
    }
    const Atlas old = unpack_atlas(pack_container(container));
    CHECK_FALSE(old.territories);
    CHECK_FALSE(old.plain_quality);
    CHECK(old.layout.quality.trust_per_item.empty());
    CHECK(std::isnan(old.layout.quality.random_triplets));
    CHECK(old.layout.quality.trustworthiness == atlas.layout.quality.trustworthiness);
    CHECK(validate_atlas(old).ok());
    const std::string page = render_site(old);
    CHECK(page.find("\"territories\":") == std::string::npos);
    CHECK(page.find("\"name\":\"trust\"") == std::string::npos);
    CHECK(validate_site(old, page).ok());
}

TEST_CASE("unpack_atlas: every truncation and every flipped byte is refused with a Format error") {
    const std::string bytes = pack_atlas(build_atlas(catalogue(12), {}, small_options()));
    int refused = 0, tried = 0;
    const auto attempt = [&](const std::string& damaged) {
        ++tried;
        try {
            unpack_atlas(damaged, "a.fatlas");
        } catch (const Error& error) {
            refused += error.code() == ErrorCode::Format ? 1 : 0;
        }
    };
    for (std::size_t size = 0; size < bytes.size(); size += 97) attempt(bytes.substr(0, size));
    for (std::size_t at = 0; at < bytes.size(); at += 61) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
        attempt(damaged);
    }
    attempt(bytes + "x");
    CHECK(refused == tried);
    CHECK(tried > 200);
}

TEST_CASE("unpack_atlas: a resealed file with broken structure is refused by the structure checks") {
    const std::string bytes = pack_atlas(build_atlas(catalogue(30), {}, small_options()));
    const auto tamper = [&](const std::string& section, auto change) {
        Container container = unpack_container(bytes);
        for (Section& entry : container.sections) {
            if (entry.name == section) change(entry);
        }
        CHECK_THROWS_AS(unpack_atlas(pack_container(container)), Error);
    };
    tamper("graph.indices", [](Section& s) { s.bytes[3] = 0x7F; });           // id far outside
    tamper("hierarchy.order", [](Section& s) { s.bytes.replace(0, 4, s.bytes, 4, 4); });  // an item twice
    tamper("hierarchy.nodes", [](Section& s) { s.bytes[0] = 5; });
    tamper("records.ids.ends", [](Section& s) { s.bytes[0] = 0x7F; });
    tamper("layout.coordinates", [](Section& s) { s.shape = {30, 1}, s.bytes.resize(120); });
    tamper("territories.arc_begin", [](Section& s) { s.bytes[8] = 0x7F; });   // offsets out of order
    tamper("territories.arc_sides", [](Section& s) { s.bytes[3] = 0x7F; });   // no such node
    tamper("territories.arc_level", [](Section& s) { s.bytes[0] = 9; });
    tamper("territories.cells", [](Section& s) { s.bytes[3] = 0x7F; });
    tamper("territories.levels", [](Section& s) { s.shape = {2, 6}, s.bytes.resize(96); });
    tamper("territories.points", [](Section& s) { s.shape = {s.shape[0] / 2, 4}; });
    tamper("layout.trust_per_item", [](Section& s) { s.shape = {29}, s.bytes.resize(29 * 8); });
    tamper("representatives.items", [](Section& s) { s.bytes[3] = 0x7F; });
    Container other = unpack_container(bytes);
    for (auto& member : other.meta.object) {
        if (member.first == "schema") member.second = JsonValue(99);
    }
    CHECK_THROWS_WITH_AS(unpack_atlas(pack_container(other)), doctest::Contains("schema 99"), Error);
}

TEST_CASE("save_atlas and load_atlas: one file, and a clear error where there is none") {
    const Atlas atlas = build_atlas(catalogue(10), {}, small_options());
    const std::string path = "test_store_" + std::to_string(getpid()) + ".fatlas";
    save_atlas(atlas, path);
    CHECK(pack_atlas(load_atlas(path)) == pack_atlas(atlas));
    std::remove(path.c_str());
    try {
        load_atlas(path);
        FAIL("loaded a file that is not there");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Io);
        CHECK(error.where().file == path);
    }
}
