// SPDX-License-Identifier: MIT
#include "filmatlas/labels/labels.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

Hierarchy two_by_two() { return hierarchy_from_labels({{0, 0, 1, 1}, {0, 1, 2, 3}}, {"macro", "micro"}); }

Labels labels_of(const std::vector<std::string>& texts) {
    Labels labels;
    for (const std::string& text : texts) labels.push_back({text, LabelOrigin::Writer, {}});
    return labels;
}

std::vector<std::string> kinds_at(const std::vector<LabelIssue>& issues, Index node) {
    std::vector<std::string> kinds;
    for (const LabelIssue& issue : issues) {
        if (issue.node == node) kinds.emplace_back(to_string(issue.kind));
    }
    return kinds;
}

}  // namespace

TEST_CASE("label_issues: good labels have none; the same text under two parents is fine") {
    CHECK(label_issues(two_by_two(), labels_of({"Space", "War", "Crews", "Aliens", "Crews", "Trenches"}))
              .empty());
}

TEST_CASE("label_issues: each planted defect is found, and only there") {
    const std::string long_text(49, 'x');
    const auto issues = label_issues(
        two_by_two(), labels_of({"Space", "War", "Alien crews", "ALIEN CREWS", " \u00A0", "wár"}));
    REQUIRE(issues.size() == 3);
    CHECK(kinds_at(issues, 3) == std::vector<std::string>{"duplicate_path"});
    CHECK(issues[0].other == 2);
    CHECK(kinds_at(issues, 4) == std::vector<std::string>{"empty"});
    CHECK(kinds_at(issues, 5) == std::vector<std::string>{"equal_to_parent"});
    CHECK(issues[2].other == 1);
    CHECK(issues[2].message.find("node 1") != std::string::npos);

    const auto more =
        label_issues(two_by_two(), labels_of({long_text, "b", "<b>", "a\nb", "\xFF", "c\u202E"}));
    CHECK(kinds_at(more, 0) == std::vector<std::string>{"too_long"});
    CHECK(kinds_at(more, 1).empty());
    for (const Index node : {2, 3, 4, 5}) {
        const auto kinds = kinds_at(more, node);
        CHECK(std::find(kinds.begin(), kinds.end(), "markup") != kinds.end());
    }
    CHECK(label_issues(two_by_two(), labels_of({long_text, "b", "c", "d", "e", "f"}), 49).empty());
}

TEST_CASE("label_issues: paths are equal only when every step is") {
    const auto issues = label_issues(two_by_two(), labels_of({"Space", "space", "a", "b", "a", "c"}));
    CHECK(kinds_at(issues, 1) == std::vector<std::string>{"duplicate_path"});
    CHECK(kinds_at(issues, 4) == std::vector<std::string>{"duplicate_path"});  // space / a, twice
    CHECK(kinds_at(issues, 5).empty());
}

TEST_CASE("label_issues: sizes are checked") {
    CHECK_THROWS_WITH_AS(label_issues(two_by_two(), {}), doctest::Contains("there are 0 labels"), Error);
    CHECK(label_issues(Hierarchy{}, {}).empty());
    CHECK(to_string(LabelOrigin::Keywords) == "keywords");
    CHECK(to_string(LabelOrigin::Writer) == "writer");
}
