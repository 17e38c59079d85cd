// SPDX-License-Identifier: MIT
// site.hpp, audit.hpp, tables.hpp, label_placement.hpp
#include "filmatlas/atlas/site.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "catalogue.hpp"
#include "filmatlas/atlas/audit.hpp"
#include "filmatlas/atlas/label_placement.hpp"
#include "filmatlas/atlas/query.hpp"
#include "filmatlas/atlas/tables.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/sha256.hpp"
#include "filmatlas/io/json.hpp"

using namespace filmatlas;
using test::catalogue;
using test::small_options;

TEST_CASE("render_site: passes its audit, and the audit sees what is wrong") {
    const Atlas atlas = build_atlas(catalogue(150), {}, small_options());
    const std::string page = render_site(atlas);
    const Report good = validate_site(atlas, page);
    INFO(to_text(good));
    CHECK(good.ok());

    const auto broken = [&](const std::string& from, const std::string& to) {
        std::string copy = page;
        const std::size_t at = copy.find(from);
        REQUIRE(at != std::string::npos);
        copy.replace(at, from.size(), to);
        return !validate_site(atlas, copy).ok();
    };
    CHECK(broken("\"count\":150", "\"count\":151"));
    const std::string marker = "id=\"filmatlas-binary\">";
    const std::string first = page.substr(page.find(marker), marker.size() + 4);
    CHECK(broken(first, marker + "!AAA"));
    CHECK(broken("\"title\":\"Test atlas\"", "\"title\":\"CANARY-1003 never leaves\""));
    CHECK(broken("\"parent\":0", "\"parent\":9999"));
}

TEST_CASE("render_site: figures of every place, borders and their price are on the page") {
    BuildOptions options = small_options();
    options.map_territories = true;
    const Atlas atlas = build_atlas(catalogue(150), {}, options);
    const std::string page = render_site(atlas);
    const std::string marker = "id=\"filmatlas-manifest\">";
    const std::size_t from = page.find(marker) + marker.size();
    const JsonValue manifest = parse_json(std::string_view(page).substr(from, page.find("</script>", from) - from));
    const auto column = [&](const char* name) {
        for (const JsonValue& entry : manifest.find("binary")->array) {
            if (entry.find("name")->text == name) return entry.find("count")->integer;
        }
        return std::int64_t{-1};
    };
    CHECK(column("trust") == 150);
    CHECK(column("continuity") == 150);
    const JsonValue* land = manifest.find("territories");
    REQUIRE(land != nullptr);
    const std::int64_t arcs = atlas.territories->num_arcs();
    CHECK(land->find("borders")->integer == arcs);
    CHECK(column("border_begin") == arcs + 1);
    CHECK(column("border_sides") == 2 * arcs);
    CHECK(column("border_level") == arcs);
    CHECK(column("border_points") == 2 * smooth_territories(*atlas.territories).points.rows());
    CHECK(land->find("owned")->boolean);
    const auto& zoom = land->find("zoom")->array;
    REQUIRE(zoom.size() == 3);
    CHECK(zoom[0].is_null());  // always
    CHECK(zoom[1].number <= zoom[2].number);
    const auto& levels = land->find("levels")->array;
    REQUIRE(levels.size() == 3);
    for (const JsonValue& level : levels) CHECK(level.find("inside")->number == 1);
    CHECK(land->find("plain_quality")->find("kept_neighbors")->number == atlas.plain_quality->kept_neighbors);

    Atlas other = atlas;
    other.layout.quality.trust_per_item[7] -= 0.25;
    CHECK_FALSE(validate_site(other, page).ok());
    other = atlas;
    other.territories.reset();
    CHECK_FALSE(validate_site(other, page).ok());
}

TEST_CASE("render_site: private columns stay, unknown and private names are refused") {
    const Atlas atlas = build_atlas(catalogue(40), {}, small_options());
    const std::string page = render_site(atlas);
    CHECK(page.find("CANARY") == std::string::npos);
    CHECK(page.find("\"secret\"") == std::string::npos);
    CHECK(items_csv(atlas).find("CANARY") == std::string::npos);
    SiteOptions options;
    options.columns = {"secret"};
    CHECK_THROWS_WITH_AS(render_site(atlas, options), doctest::Contains("column 'secret' is private"), Error);
    options.columns = {"nothing"};
    CHECK_THROWS_AS(render_site(atlas, options), Error);
    options.columns = {"year"};
    const std::string small = render_site(atlas, options);
    CHECK(small.find("\"name\":\"plot\"") == std::string::npos);
    CHECK(small.find("\"name\":\"title\"") != std::string::npos);
}

TEST_CASE("render_site: hostile titles are data, never markup") {
    IngestResult input = catalogue(30);
    const std::string hostile = "</script><img src=x onerror=alert(1)><!-- \xE2\x80\xA8 & \"quoted\"";
    for (Column& column : input.records.columns) {
        if (column.name == "title") column.text[3] = hostile;
        if (column.name == "genres") column.tags[3] = {hostile};
    }
    BuildOptions options = small_options();
    options.title = hostile;
    const Atlas atlas = build_atlas(std::move(input), {}, options);
    const std::string page = render_site(atlas);
    CHECK(page.find("<img") == std::string::npos);
    // A line separator would end a line of script; inside the JSON it is escaped.
    CHECK(page.find("\xE2\x80\xA8", page.find("id=\"filmatlas-manifest\">")) == std::string::npos);
    std::size_t scripts = 0;
    for (std::size_t at = page.find("</script>"); at != std::string::npos; at = page.find("</script>", at + 1)) ++scripts;
    CHECK(scripts == 3);
    CHECK(validate_site(atlas, page).ok());
}

TEST_CASE("render_site: the policy names the hashes of exactly what is inside") {
    const Atlas atlas = build_atlas(catalogue(10), {}, small_options());
    const std::string page = render_site(atlas);
    const std::size_t style = page.find("<style>") + 7;
    const std::string css = page.substr(style, page.find("</style>") - style);
    CHECK(page.find("style-src 'sha256-" + sha256_base64(css) + "'") != std::string::npos);
    const std::size_t script = page.rfind("<script>") + 8;
    const std::string code = page.substr(script, page.rfind("</script>") - script);
    CHECK(page.find("script-src 'sha256-" + sha256_base64(code) + "'") != std::string::npos);
    CHECK(page.find("unsafe-") == std::string::npos);
    CHECK(page.find("connect-src 'none'") != std::string::npos);
}

TEST_CASE("place_labels: no two shown boxes meet at any zoom; children never before their parents") {
    const Atlas atlas = build_atlas(catalogue(600), {}, small_options());
    const LabelPlacement placed = place_labels(atlas);
    const auto& labels = placed.nodes;
    int checked = 0;
    for (double zoom = placed.zoom_lowest; zoom < placed.zoom_highest; zoom += 0.1) {
        const double scale = std::exp2(zoom);
        for (std::size_t a = 0; a < labels.size(); ++a) {
            if (!(labels[a].zoom_min <= zoom && zoom < labels[a].zoom_max)) continue;
            for (std::size_t b = a + 1; b < labels.size(); ++b) {
                if (!(labels[b].zoom_min <= zoom && zoom < labels[b].zoom_max)) continue;
                ++checked;
                const bool meet = std::abs(labels[a].x - labels[b].x) * scale < (labels[a].width + labels[b].width) / 2 &&
                                  std::abs(labels[a].y - labels[b].y) * scale < (labels[a].height + labels[b].height) / 2;
                if (meet) FAIL_CHECK("labels ", a, " and ", b, " meet at zoom ", zoom);
            }
        }
    }
    CHECK(checked > 1000);
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const Index parent = atlas.hierarchy.nodes[i].parent;
        if (labels[i].zoom_min >= labels[i].zoom_max) continue;
        CHECK_FALSE(labels[i].lines.empty());
        if (parent >= 0) {
            CHECK(labels[i].zoom_min >= labels[static_cast<std::size_t>(parent)].zoom_min);
            CHECK(labels[i].zoom_max >= labels[static_cast<std::size_t>(parent)].zoom_max);
        }
    }
    // Every macro region is named at the zoom at which the map fits 1,000 px.
    const double opening = placed.zoom_lowest + std::log2(1000.0 / 300.0);
    for (std::int64_t i = 0; i < atlas.hierarchy.num_nodes(0); ++i) {
        CHECK(labels[static_cast<std::size_t>(i)].zoom_min <= opening);
    }
    CHECK(std::count_if(placed.item_zoom.begin(), placed.item_zoom.end(), [](float z) { return std::isfinite(z); }) > 500);
}

TEST_CASE("tables: one row per item, node and link; formulas are defused") {
    IngestResult input = catalogue(25);
    for (Column& column : input.records.columns) {
        if (column.name == "title") column.text[2] = "=cmd|' /C calc'!A0";
    }
    const Atlas atlas = build_atlas(std::move(input), {}, small_options());
    const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
    const std::string items = items_csv(atlas);
    CHECK(lines(items) == 26);
    CHECK(items.find("'=cmd") != std::string::npos);
    CHECK(items.find(",x,y,kept_neighbors,trust,continuity\n") != std::string::npos);
    CHECK(lines(nodes_csv(atlas)) == atlas.hierarchy.num_nodes() + 1);
    CHECK(lines(neighbors_csv(atlas)) == 25 * 15 + 1);
}

TEST_CASE("render_site: a title of one megabyte and mixed encodings are carried through") {
    std::string lines = test::catalogue_text(20);
    lines += "{\"id\":\"long\",\"title\":\"" + std::string(1 << 20, 'x') + "\",\"plot\":\"samurai sword village\"}\n";
    lines += "{\"id\":\"latin\",\"title\":\"Am\xE9lie\",\"plot\":\"robot planet space\"}\n";             // Latin-1 byte
    lines += "{\"id\":\"twice\",\"title\":\"Am\xC3\x83\xC2\xA9lie\",\"plot\":\"ghost house cellar\"}\n";  // UTF-8 of UTF-8
    const Atlas atlas = build_atlas(parse_jsonl(lines), {}, small_options());
    CHECK(atlas.size() == 23);
    CHECK(item_title(atlas, 20).size() == 1 << 20);
    CHECK(item_title(atlas, 21) == "Am\xEF\xBF\xBDlie");
    CHECK(item_title(atlas, 22) == "Am\xC3\xA9lie");
    CHECK(atlas.cleaning.repaired.size() >= 2);
    const std::string page = render_site(atlas);
    CHECK(page.size() > 1 << 20);
    const Report report = validate_site(atlas, page);
    INFO(to_text(report));
    CHECK(report.ok());
}
