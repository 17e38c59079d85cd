// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "filmatlas/validate/report.hpp"

using namespace filmatlas;

namespace {

Report sample() {
    Report report;
    report.add({"a.info", Severity::Info, "fine", 1.5, std::nullopt, {}});
    report.add({"b.error",
                Severity::Error,
                "say \"<b>\" & 'go'\n\x01",
                std::numeric_limits<double>::quiet_NaN(),
                0,
                {3, 7}});
    report.add({"c.warning", Severity::Warning, "mind this", std::nullopt, std::nullopt, {}});
    return report;
}

}  // namespace

TEST_CASE("report: counts, ok and append") {
    Report report = sample();
    CHECK_FALSE(report.ok());
    CHECK(report.count(Severity::Error) == 1);
    CHECK(report.count(Severity::Warning) == 1);
    CHECK(Report().ok());
    report.append(report);
    CHECK(report.findings.size() == 6);
    CHECK(report.findings[4].code == "b.error");
    Report fine;
    fine.add({"c", Severity::Warning, "w", {}, {}, {}});
    CHECK(fine.ok());
    CHECK(to_string(Severity::Error) == "error");
}

TEST_CASE("report: text has errors first and ends with the counts") {
    CHECK(to_text(sample()) ==
          "error [b.error] say \"<b>\" & 'go'\n\x01 (items 3, 7)\nwarning [c.warning] mind this\n"
          "info [a.info] fine\n1 error, 1 warning, 1 passed or noted\n");
    CHECK(to_text(Report()) == "0 errors, 0 warnings, 0 passed or noted\n");
}

TEST_CASE("report: JSON escapes and has no NaN") {
    CHECK(to_json(Report()) == "{\"ok\":true,\"errors\":0,\"warnings\":0,\"findings\":[]}");
    CHECK(to_json(sample()) ==
          "{\"ok\":false,\"errors\":1,\"warnings\":1,\"findings\":["
          "{\"code\":\"a.info\",\"severity\":\"info\",\"message\":\"fine\",\"value\":1.5,\"threshold\":null,"
          "\"items\":[]},"
          "{\"code\":\"b.error\",\"severity\":\"error\",\"message\":\"say \\\"<b>\\\" & "
          "'go'\\n\\u0001\",\"value\":null,"
          "\"threshold\":0,\"items\":[3,7]},"
          "{\"code\":\"c.warning\",\"severity\":\"warning\",\"message\":\"mind "
          "this\",\"value\":null,\"threshold\":null,"
          "\"items\":[]}]}");
}

TEST_CASE("report: HTML escapes text and title and holds no script") {
    const std::string html = to_html(sample(), "<script>alert(1)</script>");
    CHECK(html.find("<script") == std::string::npos);
    CHECK(html.find("&lt;script&gt;alert(1)&lt;/script&gt;") != std::string::npos);
    CHECK(html.find("say &quot;&lt;b&gt;&quot; &amp; &#39;go&#39;") != std::string::npos);
    CHECK(html.find("default-src 'none'") != std::string::npos);
    CHECK(html.find("b.error") < html.find("c.warning"));
    CHECK(html.find("c.warning") < html.find("a.info"));
}
