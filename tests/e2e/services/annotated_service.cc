// Takes three keys in through an entry point and looks each up in a directory of files, by
// annotated calls. How a build of it may differ from the one that was recorded is a word after the
// directory.
//
//   annotated_service DIRECTORY [calls|none|changed|extra|fewer|large]
#include <boost/serialization/vector.hpp>
#include <cstdio>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "sdk/reprise.h"

namespace {

std::string directory;

std::string find(const std::string& key) {
  std::printf("looks for %s\n", key.c_str());
  std::ifstream file(directory + "/" + key);
  std::string value;
  if (!(file >> value)) throw std::out_of_range("no " + key);
  return value;
}

// What is found, or why nothing is.
std::string look_up(const std::string& key) {
  try {
    return reprise::external_call("store.find", key, find);
  } catch (const std::out_of_range& error) {
    return std::string("nothing, ") + error.what();
  } catch (const reprise::NotRecorded&) {
    return "not recorded";
  }
}

std::string work(const std::string& key, const std::string& how) {
  if (how == "none") return "untouched";
  if (how == "large") {
    const std::vector<int> numbers = reprise::external_call(
        "store.sort", std::vector<int>(300'000, 7), [](std::vector<int> given) {
          given.back() = 8;
          return given;
        });
    return std::to_string(numbers.size()) + " numbers, the last is " +
           std::to_string(numbers.back());
  }
  if (how == "changed" && key == "b") return look_up("other-b");
  if (how == "fewer" && key == "b") return "left out";
  std::string found = look_up(key);
  if (how == "extra" && key == "b") found += " and " + look_up("extra");
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  directory = argv[1];
  const std::string how = argc > 2 ? argv[2] : "calls";
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  std::vector<std::string> keys = {"c", "b", "a"};
  reprise::Source<std::string> source("keys");
  const auto fetch = [&]() -> std::optional<std::string> {
    if (keys.empty()) return std::nullopt;
    const std::string key = keys.back();
    keys.pop_back();
    return key;
  };
  while (auto key = source.next(fetch)) {
    const std::string found = work(*key, how);
    std::printf("%s: %s\n", key->c_str(), found.c_str());
    key.reply(found);
  }
}
