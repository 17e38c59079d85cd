// SPDX-License-Identifier: MIT
// A stranger's program: builds a tiny atlas with the installed or embedded library.
#include <cstdio>
#include <string>

#include <filmatlas/filmatlas.hpp>

int main() {
    std::string lines;
    for (int i = 0; i < 12; ++i) {
        const std::string word = i < 6 ? "samurai sword village" : "space robot planet";
        lines += "{\"id\":\"f" + std::to_string(i) + "\",\"title\":\"Film " + std::to_string(i) +
                 "\",\"plot\":\"a long story about " + word + " number " + std::to_string(i % 3) + "\"}\n";
    }
    const filmatlas::Atlas atlas = filmatlas::build_atlas(filmatlas::parse_jsonl(lines));
    const bool ok = filmatlas::validate_atlas(atlas).ok() && atlas.size() == 12;
    const auto near = filmatlas::item_neighbors(atlas, 0, 3);
    bool same_side = near.size() == 3;
    for (const auto& neighbor : near) same_side = same_side && neighbor.row < 6;
    std::printf("filmatlas %s: %s\n", filmatlas::build_info().version.c_str(), ok && same_side ? "ok" : "wrong");
    return ok && same_side ? 0 : 1;
}
