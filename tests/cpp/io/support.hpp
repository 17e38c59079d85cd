// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_IO_SUPPORT_HPP
#define FILMATLAS_TESTS_IO_SUPPORT_HPP

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

#include "filmatlas/core/error.hpp"

namespace filmatlas_test {

/// A directory that lives as long as the test.
class TempDir {
public:
    TempDir() {
        std::string pattern = (std::filesystem::temp_directory_path() / "filmatlas-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = pattern;
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    std::string path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    /// Number of entries, hidden ones included.
    std::size_t count() const {
        std::size_t n = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++n;
        return n;
    }

private:
    std::string path_;
};

/// The Error that `body` throws, or nothing.
template <class Body>
std::optional<filmatlas::Error> error_of(Body&& body) {
    try {
        body();
    } catch (const filmatlas::Error& error) {
        return error;
    }
    return std::nullopt;
}

/// True if `body` throws an Error of this code whose message holds every one of the texts.
template <class Body, class... Texts>
bool throws_error(filmatlas::ErrorCode code, Body&& body, const Texts&... texts) {
    const auto error = error_of(body);
    if (!error || error->code() != code) return false;
    const std::string message = error->what();
    return ((message.find(texts) != std::string::npos) && ...);
}

/// The message, for CHECK_MESSAGE.
template <class Body>
std::string message_of(Body&& body) {
    const auto error = error_of(body);
    return error ? std::string(to_string(error->code())) + ": " + error->what() : "no error";
}

}  // namespace filmatlas_test
#endif  // FILMATLAS_TESTS_IO_SUPPORT_HPP
