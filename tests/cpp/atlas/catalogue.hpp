// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_ATLAS_CATALOGUE_HPP
#define FILMATLAS_TESTS_ATLAS_CATALOGUE_HPP

#include <string>
#include <vector>

#include "filmatlas/atlas/build.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/io/json.hpp"
#include "filmatlas/profile/ingest.hpp"

namespace filmatlas::test {

/// JSON Lines of `n` made-up items in six themes; a private column with canary texts.
inline std::string catalogue_text(int n) {
    const std::vector<std::vector<std::string>> themes = {
        {"samurai", "sword", "village", "honour", "duel", "castle", "master"},
        {"robot", "planet", "space", "alien", "signal", "ship", "crew"},
        {"detective", "murder", "city", "night", "clue", "witness", "police"},
        {"wedding", "summer", "love", "letter", "dance", "garden", "kiss"},
        {"ghost", "house", "scream", "cellar", "doll", "fog", "curse"},
        {"soldier", "trench", "battle", "general", "mud", "retreat", "border"},
    };
    std::string lines;
    for (int i = 0; i < n; ++i) {
        RandomStream random(5, "catalogue", static_cast<std::uint64_t>(i));
        const auto& words = themes[static_cast<std::size_t>(i) % themes.size()];
        std::string plot = "A story told again and again";
        for (int w = 0; w < 9; ++w) plot += " " + words[random.below(words.size())];
        plot += " and one " + themes[random.below(themes.size())][random.below(7)];
        JsonValue row = JsonValue::make_object();
        row.set("id", "item-" + std::to_string(i));
        row.set("title", "Título " + std::to_string(i) + (i % 7 == 0 ? " Amélie" : ""));
        row.set("year", static_cast<std::int64_t>(1950 + i % 70));
        row.set("plot", plot);
        JsonValue genres = JsonValue::make_array();
        genres.push(words[0]);
        genres.push(words[1]);
        row.set("genres", std::move(genres));
        row.set("link", "https://example.org/" + std::to_string(i));
        row.set("secret", "CANARY-" + std::to_string(1000 + i) + " never leaves");
        lines += write_json(row) + "\n";
    }
    return lines;
}

inline IngestResult catalogue(int n) {
    IngestOptions options;
    options.private_columns = {"secret"};
    return parse_jsonl(catalogue_text(n), options);
}

inline BuildOptions small_options() {
    BuildOptions options;
    options.title = "Test atlas";
    options.sources = {{.name = "plot"}, {.name = "genres"}};
    options.encoder_components = 24;
    return options;
}

}  // namespace filmatlas::test
#endif  // FILMATLAS_TESTS_ATLAS_CATALOGUE_HPP
