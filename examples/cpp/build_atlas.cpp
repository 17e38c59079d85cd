// Builds an atlas from a catalogue (JSON Lines or CSV) and a file of vectors, with progress and Ctrl-C, without Python.
//
//     example_build_atlas films.jsonl vectors.npy atlas.fatlas atlas.html
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "filmatlas/filmatlas.hpp"

namespace {

std::atomic<bool> interrupted{false};

void on_interrupt(int) { interrupted.store(true); }

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: %s RECORDS VECTORS.npy OUT.fatlas OUT.html\n", argv[0]);
        return 2;
    }
    std::signal(SIGINT, on_interrupt);
    const filmatlas::Progress progress([](const filmatlas::Tick& tick) {
        std::fprintf(stderr, "\r%-24.*s %lld/%lld        ", static_cast<int>(tick.stage.size()), tick.stage.data(),
                     static_cast<long long>(tick.done), static_cast<long long>(tick.total));
        return !interrupted.load();
    });
    try {
        filmatlas::IngestResult input = filmatlas::read_records(argv[1], {}, progress);
        const filmatlas::Matrix<float> vectors = filmatlas::read_npy(argv[2]);

        filmatlas::BuildOptions options;
        options.title = "Film atlas";
        const filmatlas::Atlas atlas =
            filmatlas::build_atlas(std::move(input), {{"profile", vectors.view(), 1.0}}, options, progress);
        std::fprintf(stderr, "\n");

        filmatlas::save_atlas(atlas, argv[3]);
        filmatlas::export_site(atlas, argv[4]);

        // What was saved is what was built.
        const filmatlas::Atlas loaded = filmatlas::load_atlas(argv[3]);
        for (int level = 0; level < loaded.hierarchy.num_levels(); ++level) {
            std::printf("%-14s %lld nodes\n", loaded.hierarchy.level_names[static_cast<std::size_t>(level)].c_str(),
                        static_cast<long long>(loaded.hierarchy.num_nodes(level)));
        }
        const filmatlas::Report report = filmatlas::validate_atlas(loaded);
        std::printf("%s", filmatlas::to_text(report).c_str());
        return report.ok() ? 0 : 1;
    } catch (const filmatlas::Error& error) {
        std::fprintf(stderr, "\n%s\n", error.what());
        return error.code() == filmatlas::ErrorCode::Cancelled ? 130 : 2;
    }
}
