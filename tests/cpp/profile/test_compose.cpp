// SPDX-License-Identifier: MIT
// compose.hpp
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "filmatlas/core/random.hpp"
#include "filmatlas/profile/compose.hpp"
#include "io/support.hpp"

using namespace filmatlas;
using filmatlas_test::throws_error;

namespace {

Column make(std::string name, ColumnKind kind) {
    Column column;
    column.name = std::move(name);
    column.kind = kind;
    return column;
}

Records film_records() {
    Records records;
    records.ids = {"1", "2", "3"};
    Column title = make("title", ColumnKind::Text);
    title.text = {"Alpha", "Beta", "Gamma"};
    Column plot = make("plot", ColumnKind::Text);
    plot.text = {"A thief steals dreams for a living.", "Two robots fall in love", ""};
    Column genres = make("genres", ColumnKind::Tags);
    genres.tags = {{"Heist", "Science Fiction", "Drama"}, {"Romance"}, {}};
    Column moods = make("moods", ColumnKind::ScoredTags);
    moods.scored_tags = {
        {{"dark", 0.2}, {"clever", 0.9}, {"original", 0.9}}, {{"original", 0.9}, {"warm", 0.6}}, {}};
    Column year = make("year", ColumnKind::Number);
    year.numbers = {2010, NAN, 1994};
    Column link = make("page", ColumnKind::Link);
    link.text = {"https://a.org", "", ""};
    records.columns = {title, plot, genres, moods, year, link};
    return records;
}

Source source(const std::string& name) {
    Source s;
    s.name = name;
    return s;
}

Records random_records(std::int64_t n) {
    Records records;
    Column plot = make("plot", ColumnKind::Text);
    Column tags = make("tags", ColumnKind::Tags);
    Column moods = make("moods", ColumnKind::ScoredTags);
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream stream(1, "compose", static_cast<std::uint64_t>(i));
        records.ids.push_back(std::to_string(i));
        std::string text;
        for (std::uint64_t w = stream.next() % 40; w > 0; --w)
            text += "word" + std::to_string(stream.next() % 50) + (w % 7 == 0 ? ". " : " ");
        if (!text.empty()) text.pop_back();
        plot.text.push_back(text);
        auto& list = tags.tags.emplace_back();
        for (std::uint64_t t = stream.next() % 8; t > 0; --t)
            list.push_back("tag number " + std::to_string(t));
        auto& scored = moods.scored_tags.emplace_back();
        for (std::uint64_t t = stream.next() % 8; t > 0; --t)
            scored.push_back({"mood " + std::to_string(t), stream.uniform()});
    }
    records.columns = {plot, tags, moods};
    return records;
}

}  // namespace

TEST_CASE("count_tokens: words of any script, ideographs one by one") {
    CHECK(count_tokens("") == 0);
    CHECK(count_tokens(" - ... !") == 0);
    CHECK(count_tokens("A thief's dream, 2nd part") == 5);
    CHECK(count_tokens("don\xE2\x80\x99t stop") == 2);
    CHECK(count_tokens("'quoted'") == 1);
    CHECK(count_tokens("sci-fi") == 2);
    CHECK(count_tokens("Am\xC3\xA9lie \xE2\x80\x94 \xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0") == 2);
    CHECK(count_tokens("\xE6\x98\xA0\xE7\x94\xBB\xE3\x81\xAE") == 3);
    CHECK(count_tokens("film \xF0\x9F\x8E\xAC") == 1);
    CHECK(count_tokens("a\xFF"
                       "b") == 2);
}

TEST_CASE("compose_profiles: a hand-worked profile") {
    Source moods = source("moods");
    moods.prefix = "Mood: ";
    moods.suffix = ".";
    moods.weight = 3;
    Source facts;
    facts.name = "facts";
    facts.columns = {"genres", "plot", "year"};
    const Profiles p = compose_profiles(film_records(), {moods, facts});
    CHECK(p.source_texts[0][0] == "clever, original, dark");
    CHECK(p.source_texts[1][0] == "Heist, Science Fiction, Drama. A thief steals dreams for a living. 2010");
    CHECK(p.texts[0] ==
          "Mood: clever, original, dark. Heist, Science Fiction, Drama. A thief steals dreams for a living. "
          "2010");
    CHECK(p.texts[1] == "Mood: original, warm. Romance. Two robots fall in love");
    CHECK(p.texts[2] == "1994");
    REQUIRE(p.spans[0].size() == 2);
    for (std::size_t i = 0; i < 3; ++i) {
        for (const ProvenanceSpan& span : p.spans[i]) {
            CHECK(p.texts[i].substr(static_cast<std::size_t>(span.begin),
                                    static_cast<std::size_t>(span.end - span.begin)) ==
                  p.source_texts[static_cast<std::size_t>(span.source)][i]);
        }
    }
    CHECK(p.spans[2].size() == 1);
    CHECK(p.spans[2][0].source == 1);
    CHECK(p.source_names == std::vector<std::string>{"moods", "facts"});
    CHECK(p.source_weights == std::vector<double>{0.75, 0.25});
    CHECK(p.kept_tokens(0, 0) == 3);
    CHECK(p.kept_tokens(0, 1) == 12);
    CHECK(p.kept_tokens(2, 0) == 0);
    CHECK(p.report[0].items == 2);
    CHECK(p.report[1].items == 3);
    CHECK(p.report[0].kept_tokens == 5);
    CHECK(p.report[1].kept_tokens == 19);
    CHECK(p.report[1].cut_tokens == 0);
    CHECK(p.report[0].token_share == doctest::Approx(5.0 / 24));
    CHECK(p.dominance == doctest::Approx(19.0 / 24));
}

TEST_CASE("compose_profiles: budgets cut texts after a word and lists after a tag") {
    Source genres = source("genres");
    genres.max_tokens = 2;
    Source plot = source("plot");
    plot.max_tokens = 3;
    const Profiles p = compose_profiles(film_records(), {genres, plot});
    CHECK(p.source_texts[0][0] == "Heist");  // "Science Fiction" would be half cut
    CHECK(p.source_texts[1][0] == "A thief steals");
    CHECK(p.source_texts[1][1] == "Two robots fall");
    CHECK(p.kept_tokens(0, 0) == 1);
    CHECK(p.cut_tokens(0, 0) == 3);
    CHECK(p.cut_tokens(0, 1) == 4);
    CHECK(p.report[1].cut_items == 2);
    CHECK(p.report[1].cut_tokens == 6);
    CHECK(p.texts[0] == "Heist A thief steals");
}

TEST_CASE("compose_profiles: thresholds and lift choose scored tags") {
    Source moods = source("moods");
    SUBCASE("min_score") {
        moods.min_score = 0.6;
        const Profiles p = compose_profiles(film_records(), {moods});
        CHECK(p.texts[0] == "clever, original");
        CHECK(p.texts[1] == "original, warm");
        CHECK(p.report[0].dropped_tags == 1);
        CHECK(p.report[0].cut_tokens == 0);
    }
    SUBCASE("max_items") {
        moods.max_items = 1;
        CHECK(compose_profiles(film_records(), {moods}).texts[0] == "clever");
    }
    SUBCASE("min_lift: what every item has says nothing") {
        // Means over the two items that have moods: original 0.9, clever 0.45, warm 0.3, dark 0.1.
        moods.min_lift = 1.5;
        const Profiles p = compose_profiles(film_records(), {moods});
        CHECK(p.texts[0] == "clever, dark");
        CHECK(p.texts[1] == "warm");
        CHECK(p.texts[2].empty());
        CHECK(p.report[0].dropped_tags == 2);
    }
    SUBCASE("max_items of plain tags keeps the first") {
        Source genres = source("genres");
        genres.max_items = 2;
        CHECK(compose_profiles(film_records(), {genres}).texts[0] == "Heist, Science Fiction");
    }
}

TEST_CASE("compose_profiles: the composed budget is shared by weight, and leftovers are used") {
    Records records;
    records.ids = {"1", "2", "3"};
    Column a = make("a", ColumnKind::Text);
    Column b = make("b", ColumnKind::Text);
    const auto words = [](int n) {
        std::string text;
        for (int i = 0; i < n; ++i) text += (i == 0 ? "w" : " w") + std::to_string(i);
        return text;
    };
    a.text = {words(100), words(5), words(100)};
    b.text = {words(100), words(100), ""};
    records.columns = {a, b};
    Source first = source("a");
    first.weight = 3;
    Source second = source("b");
    ComposeOptions options;
    options.max_tokens = 40;
    Profiles p = compose_profiles(records, {first, second}, options);
    CHECK(p.kept_tokens(0, 0) == 30);
    CHECK(p.kept_tokens(0, 1) == 10);
    CHECK(p.kept_tokens(1, 0) == 5);
    CHECK(p.kept_tokens(1, 1) == 35);
    CHECK(p.kept_tokens(2, 0) == 40);
    CHECK(p.kept_tokens(2, 1) == 0);
    CHECK(p.cut_tokens(0, 0) == 70);
    CHECK(p.cut_tokens(2, 1) == 0);
    CHECK(p.source_texts[0][0] == words(100));  // only the composed text has this budget
    // Prefixes count.
    first.prefix = "Plot of it: ";
    p = compose_profiles(records, {first, second}, options);
    CHECK(count_tokens(p.texts[0]) == 40);
    CHECK(count_tokens(p.texts[1]) == 40);
    // A source without weight takes what the others leave.
    second.weight = 0;
    first.prefix = "";
    p = compose_profiles(records, {first, second}, options);
    CHECK(p.kept_tokens(0, 0) == 40);
    CHECK(p.kept_tokens(0, 1) == 0);
    CHECK(p.kept_tokens(1, 1) == 35);
}

TEST_CASE("compose_profiles: accounts balance over a grid of budgets") {
    const Records records = random_records(200);
    for (const std::int64_t per_source : {0, 1, 7, 1000}) {
        for (const std::int64_t total : {0, 1, 5, 30, 1000}) {
            std::vector<Source> sources = {source("plot"), source("tags"), source("moods")};
            sources[1].weight = 0.3;
            for (Source& s : sources) s.max_tokens = per_source;
            sources[2].prefix = "Moods: ";
            ComposeOptions options;
            options.max_tokens = total;
            const Profiles p = compose_profiles(records, sources, options);
            for (std::int64_t i = 0; i < 200; ++i) {
                const auto row = static_cast<std::size_t>(i);
                if (total > 0) CHECK(count_tokens(p.texts[row]) <= total);
                for (std::int64_t s = 0; s < 3; ++s) {
                    const Column& column = records.columns[static_cast<std::size_t>(s)];
                    const std::int64_t all = count_tokens(cell_text(column, i));
                    CHECK(p.kept_tokens(i, s) + p.cut_tokens(i, s) == all);
                    if (per_source > 0) CHECK(p.kept_tokens(i, s) <= per_source);
                }
                for (const ProvenanceSpan& span : p.spans[row]) {
                    const std::string piece =
                        p.texts[row].substr(static_cast<std::size_t>(span.begin),
                                            static_cast<std::size_t>(span.end - span.begin));
                    CHECK(p.source_texts[static_cast<std::size_t>(span.source)][row].starts_with(piece));
                    CHECK(count_tokens(piece) == p.kept_tokens(i, span.source));
                }
            }
            double shares = 0;
            for (const SourceShare& share : p.report) shares += share.token_share;
            CHECK(shares == doctest::Approx(p.dominance == 0 ? 0 : 1));
        }
    }
}

TEST_CASE("compose_profiles: the result does not depend on num_threads") {
    const Records records = random_records(1000);
    std::vector<Source> sources = {source("plot"), source("tags"), source("moods")};
    sources[2].min_lift = 1;
    ComposeOptions options;
    options.max_tokens = 20;
    options.num_threads = 1;
    const Profiles one = compose_profiles(records, sources, options);
    options.num_threads = 3;
    const Profiles three = compose_profiles(records, sources, options);
    CHECK(one.texts == three.texts);
    CHECK(one.source_texts == three.source_texts);
    CHECK(one.kept_tokens == three.kept_tokens);
    CHECK(one.cut_tokens == three.cut_tokens);
}

TEST_CASE("compose_profiles: bad sources are named") {
    const Records records = film_records();
    const auto refuses = [&](const std::vector<Source>& sources, const std::string& text,
                             const ComposeOptions& options = {}) {
        return throws_error(
            ErrorCode::InvalidArgument, [&] { compose_profiles(records, sources, options); }, text);
    };
    CHECK(refuses({}, "sources: is empty"));
    CHECK(refuses({source("")}, "has no name"));
    CHECK(refuses({source("absent")}, "no column is called 'absent'; columns are: title, plot"));
    CHECK(refuses({source("page")}, "link column 'page'"));
    CHECK(refuses({source("title")}, "leaks its identity"));
    ComposeOptions titles;
    titles.include_titles = true;
    CHECK(compose_profiles(records, {source("title")}, titles).texts[1] == "Beta");
    Source s = source("plot");
    s.weight = -1;
    CHECK(refuses({s}, "source 'plot': weight is -1"));
    s.weight = NAN;
    CHECK(refuses({s}, "weight is nan"));
    s.weight = 0;
    CHECK(refuses({s}, "sum to 0"));
    s = source("plot");
    s.max_tokens = -1;
    CHECK(refuses({s}, "max_tokens is -1"));
    s = source("plot");
    s.max_items = -1;
    CHECK(refuses({s}, "max_items is -1"));
    s = source("plot");
    s.min_lift = -1;
    CHECK(refuses({s}, "min_lift is -1"));
    s = source("plot");
    s.min_score = NAN;
    CHECK(refuses({s}, "min_score is nan"));
    s = source("plot");
    s.columns = {"plot", "plot"};
    CHECK(refuses({s}, "reads column 'plot' twice"));
    CHECK(refuses({source("plot"), source("plot")}, "two are called 'plot'"));
    ComposeOptions negative;
    negative.max_tokens = -5;
    CHECK(refuses({source("plot")}, "max_tokens: is -5", negative));
}

TEST_CASE("compose_profiles: no rows, one row, nothing in it") {
    Records none;
    none.columns = {make("plot", ColumnKind::Text)};
    const Profiles p = compose_profiles(none, {source("plot")});
    CHECK(p.texts.empty());
    CHECK(p.dominance == 0);
    none.ids = {"1"};
    none.columns[0].text = {""};
    const Profiles q = compose_profiles(none, {source("plot")});
    CHECK(q.texts == std::vector<std::string>{""});
    CHECK(q.spans[0].empty());
    none.columns[0].text = {"... !"};
    ComposeOptions options;
    options.max_tokens = 3;
    CHECK(compose_profiles(none, {source("plot")}, options).texts[0] == "... !");
}

TEST_CASE("default_sources: tags first, long texts, no identity") {
    Records records = film_records();
    Column secret = make("notes", ColumnKind::Text);
    secret.text = {"a long private note about things", "", ""};
    secret.is_public = false;
    Column code = make("country", ColumnKind::Text);
    code.text = {"FR", "GB", ""};
    Column original = make("original_title", ColumnKind::Text);
    original.text = {"A very long original title indeed", "", ""};
    Column imdb = make("imdb_id", ColumnKind::Text);
    imdb.text = {"tt00000000000000000000000000001", "", ""};
    Column bare = make("keywords", ColumnKind::Tags);
    bare.tags = {{}, {}, {}};
    for (const Column& column : {secret, code, original, imdb, bare}) records.columns.push_back(column);
    const std::vector<Source> sources = default_sources(records);
    REQUIRE(sources.size() == 3);
    CHECK(sources[0].name == "moods");
    CHECK(sources[1].name == "genres");
    CHECK(sources[2].name == "plot");
    for (const Source& s : sources) {
        CHECK(s.weight == sources[0].weight);
        CHECK(s.max_tokens == 160);
    }
    CHECK(compose_profiles(records, sources).texts[0].find("Alpha") == std::string::npos);
    CHECK(default_sources(Records{}).empty());
}

TEST_CASE("compose_profiles: budgets count as the encoder counts") {
    Records records;
    records.ids = {"a"};
    Column plot;
    plot.name = "plot";
    plot.text = {"One two, three! Four five."};
    Column tags;
    tags.name = "tags";
    tags.kind = ColumnKind::Tags;
    tags.tags = {{"owl", "night bird", "moon"}};
    records.columns = {plot, tags};
    ComposeOptions options;
    options.token_cost = [](std::string_view unit) -> std::int64_t { return unit == "three" ? 3 : 1; };
    const Source all{.name = "plot"};
    // One two , three(3) ! Four five . = 10 tokens
    CHECK(compose_profiles(records, {all}, options).kept_tokens(0, 0) == 10);
    CHECK(count_tokens("One two, three!", options.token_cost) == 7);
    CHECK(count_tokens("One two, three!", {}) == 3);
    for (const auto& [budget, text] : {std::pair<std::int64_t, std::string>{1, "One"},
                                       {2, "One two"},
                                       {3, "One two,"},
                                       {5, "One two,"},  // "three" does not fit
                                       {6, "One two, three"},
                                       {9, "One two, three! Four five"},
                                       {10, "One two, three! Four five."}}) {
        Source cut = all;
        cut.max_tokens = budget;
        const Profiles profiles = compose_profiles(records, {cut}, options);
        CHECK(profiles.texts[0] == text);
        CHECK(profiles.kept_tokens(0, 0) == count_tokens(text, options.token_cost));
        CHECK(profiles.kept_tokens(0, 0) + profiles.cut_tokens(0, 0) == 10);
    }
    // Commas between tags count, and a tag is cut whole: owl , night bird = 4.
    for (const auto& [budget, text] : {std::pair<std::int64_t, std::string>{3, "owl"},
                                       {4, "owl, night bird"},
                                       {6, "owl, night bird, moon"}}) {
        const Profiles profiles =
            compose_profiles(records, {Source{.name = "tags", .max_tokens = budget}}, options);
        CHECK(profiles.texts[0] == text);
    }
}

TEST_CASE("word_piece_estimate: short words are one piece, long ones, numbers and marks more") {
    CHECK(word_piece_estimate("owl") == 1);
    CHECK(word_piece_estimate("mysteries") == 1);
    CHECK(word_piece_estimate("incomprehensible") == 3);
    CHECK(word_piece_estimate("1984") == 2);
    CHECK(word_piece_estimate(",") == 1);
    CHECK(word_piece_estimate("don't") == 2);
    CHECK(word_piece_estimate("\xE5\x8C\x97") == 1);
    CHECK(word_piece_estimate("") == 0);
}

TEST_CASE("compose_profiles: sentences that an earlier source has are left out, with an account") {
    Records records;
    records.ids = {"a", "b"};
    Column overview;
    overview.name = "overview";
    overview.text = {"A dog is lost. Nobody looks for it. Go on.", "All new here."};
    Column review;
    review.name = "review";
    review.text = {"Great fun! A DOG is lost! We liked it. Go on.", "all new, here"};
    records.columns = {overview, review};
    ComposeOptions options;
    const std::vector<Source> sources{{.name = "overview"}, {.name = "review", .prefix = "They say: "}};
    CHECK(compose_profiles(records, sources, options).report[1].repeated_tokens == 0);
    options.drop_repeated_sentences = true;
    const Profiles profiles = compose_profiles(records, sources, options);
    CHECK(profiles.texts[0] ==
          "A dog is lost. Nobody looks for it. Go on. They say: Great fun! We liked it. Go on.");
    CHECK(profiles.texts[1] == "All new here.");
    CHECK(profiles.source_texts[1][0] == review.text[0]);  // the source's own text stays whole
    CHECK(profiles.report[1].repeated_tokens == 4 + 3);
    CHECK(profiles.kept_tokens(0, 1) == 2 + 3 + 2);
    REQUIRE(profiles.spans[0].size() == 3);
    std::string joined;
    for (const ProvenanceSpan& span : profiles.spans[0]) {
        if (span.source != 1) continue;
        joined += profiles.texts[0].substr(static_cast<std::size_t>(span.begin),
                                           static_cast<std::size_t>(span.end - span.begin)) +
                  "|";
    }
    CHECK(joined == "Great fun! |We liked it. Go on.|");
}

TEST_CASE("compose_profiles: what stands for a source that is missing, and items that lack a required one") {
    const Records records = film_records();
    std::vector<Source> sources{source("plot"), source("genres")};
    sources[0].missing = "No plot.";
    sources[0].prefix = "Plot: ";
    sources[1].required = true;
    const Profiles profiles = compose_profiles(records, sources);
    CHECK(profiles.texts[0] == "Plot: A thief steals dreams for a living. Heist, Science Fiction, Drama");
    CHECK(profiles.texts[2] == "No plot.");
    CHECK(profiles.source_texts[0][2].empty());
    CHECK(profiles.spans[2].empty());
    CHECK(profiles.report[0].items == 2);
    CHECK(profiles.kept_tokens(2, 0) == 0);
    CHECK(profiles.incomplete == std::vector<Index>{2});
    // It counts toward the budget: two words are left of four for the genres.
    Records lacking = records;
    lacking.columns[1].text[0].clear();
    const Profiles cut = compose_profiles(lacking, sources, {.max_tokens = 4});
    CHECK(cut.texts[0] == "No plot. Heist");
}
