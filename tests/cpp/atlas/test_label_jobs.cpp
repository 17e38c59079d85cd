// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/label_jobs.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "labels/catalogue.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/sha256.hpp"
#include "filmatlas/io/json.hpp"

using namespace filmatlas;

TEST_CASE("label_jobs: the same evidence gives the same bytes, another label another hash") {
    const Catalogue catalogue = planted_catalogue(300);
    const LabelSet labels = fallback_labels(catalogue.context);
    const std::string jobs = label_jobs(catalogue.context, labels);
    CHECK(jobs == label_jobs(planted_catalogue(300).context, labels));
    const LabelEvidence evidence = label_evidence(catalogue.context, labels, 1);
    CHECK(evidence_hash(evidence) == sha256_hex(evidence_json(evidence)));
    LabelSet changed = labels;
    changed.set(0, "something else");
    CHECK(evidence_hash(label_evidence(catalogue.context, changed, 1)) != evidence_hash(evidence));
    // Every line is JSON of its own, in node order, with the hash of its evidence.
    std::string_view rest = jobs;
    Index node = 0;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const JsonValue job = parse_json(rest.substr(0, end));
        rest.remove_prefix(end + 1);
        CHECK(job.find("node")->integer == node);
        CHECK(job.find("hash")->text == sha256_hex(write_json(*job.find("evidence"))));
        for (const char* key :
             {"path", "budget", "keywords", "siblings", "children", "titles_not_to_be_used"}) {
            CHECK(job.find("evidence")->find(key) != nullptr);
        }
        ++node;
    }
    CHECK(node == catalogue.hierarchy.num_nodes());
    CHECK(label_jobs(catalogue.context, labels, {2}).find("{\"node\":2,") == 0);
}

TEST_CASE("label_jobs: answers are read with their reasons") {
    const auto answers = parse_label_answers(
        "{\"node\": 3, \"hash\": \"ab\", \"label\": \"Quiet Towns\", \"because\": {\"quiet\": [1, 2, 3], "
        "\"towns\": {\"term\": \"village\", \"items\": [4]}}, \"model\": "
        "\"x\"}\r\n\n{\"node\":4,\"label\":\"\"}");
    REQUIRE(answers.size() == 2);
    CHECK(answers[0].node == 3);
    CHECK(answers[0].hash == "ab");
    CHECK(answers[0].candidate.text == "Quiet Towns");
    REQUIRE(answers[0].candidate.because.size() == 2);
    CHECK(answers[0].candidate.because[0].items == std::vector<Index>{1, 2, 3});
    CHECK(answers[0].candidate.because[1].term == "village");
    CHECK(answers[1].candidate.text.empty());
    CHECK(parse_label_answers("").empty());
}

TEST_CASE("label_jobs: what is wrong with an answer is said with its line") {
    const auto message = [](const char* text) {
        try {
            parse_label_answers(text);
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    CHECK(message("{\"node\":1,\"label\":\"a\"}\n{\"node\":1}").find("line 2, column label") !=
          std::string::npos);
    CHECK(message("{").find("line 1") != std::string::npos);
    CHECK(message("[1]").find("no JSON object") != std::string::npos);
    CHECK(message("{\"node\":-1,\"label\":\"a\"}").find("column node") != std::string::npos);
    CHECK(message("{\"node\":1,\"label\":\"a\",\"because\":{\"a\":[1.5]}}").find("column because") !=
          std::string::npos);
    CHECK(message("{\"node\":1,\"label\":\"a\",\"because\":{\"a\":{}}}").find("no items") !=
          std::string::npos);
}

TEST_CASE("label_jobs: a verdict names its gates, values and evidence") {
    const Catalogue catalogue = planted_catalogue(300);
    const LabelSet labels = fallback_labels(catalogue.context);
    const LabelBars bars = label_bars(catalogue.context, labels);
    const LabelVerdict verdict = check_label(catalogue.context, bars, labels, 0, {"wandering lights"});
    const JsonValue json = parse_json(verdict_json(verdict));
    CHECK(json.find("label")->text == "wandering lights");
    CHECK_FALSE(json.find("accepted")->boolean);
    REQUIRE(json.find("gates")->array.size() == 10);
    const JsonValue& support = json.find("gates")->array[1];
    CHECK(support.find("code")->text == "L2");
    CHECK(support.find("threshold")->number == 1);
    CHECK(support.find("terms")->array.size() == 2);
}
