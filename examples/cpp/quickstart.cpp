// The quick start of the README: a catalogue in, an atlas, a page and a report out.
#include <cstdio>
#include <string>

#include "filmatlas/filmatlas.hpp"

int main(int argc, char** argv) {
    const std::string films = argc > 1 ? argv[1] : "examples/data/films.jsonl";
    const std::string out = argc > 2 ? argv[2] : ".";
    try {
        filmatlas::BuildOptions options;
        options.title = "Film atlas";

        // No vectors are given, so the built-in encoder reads the texts and tags of each film.
        const filmatlas::Atlas atlas = filmatlas::build_atlas(filmatlas::read_records(films), {}, options);

        filmatlas::save_atlas(atlas, out + "/quickstart.fatlas");
        filmatlas::export_site(atlas, out + "/quickstart.html");

        const auto hits = filmatlas::search_titles(atlas, "seven samurai");
        if (hits.empty()) return 1;
        const filmatlas::Index film = hits.front().row;
        std::printf("%s\n", filmatlas::item_title(atlas, film).c_str());
        for (const filmatlas::Index node : atlas.hierarchy.path(atlas.hierarchy.leaves()[film])) {
            std::printf("  in %s\n", atlas.labels[node].text.c_str());
        }
        for (const filmatlas::Neighbor& near : filmatlas::item_neighbors(atlas, film, 5)) {
            std::printf("  near %s (%.2f)\n", filmatlas::item_title(atlas, near.row).c_str(), near.similarity);
        }
        const filmatlas::Report report = filmatlas::validate_atlas(atlas);
        std::printf("%s", filmatlas::to_text(report).c_str());
        return report.ok() ? 0 : 1;
    } catch (const filmatlas::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
}
