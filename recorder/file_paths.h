// Under which names the service sent files by reference. The agent tells the path of a file once;
// after that its identity says which it is.
//
// Threading: the collector's thread. Memory: bounded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "agent/abi/records.h"

namespace reprise::recorder {

class FilePaths {
 public:
  // The path of the file in `range`, whose record tells `told` ("" when it was told before).
  const std::string& of(const abi::FileRange& range, std::string_view told) {
    constexpr std::size_t kMost = 16 * 1024;
    if (paths_.size() >= kMost) paths_.clear();
    std::string& path = paths_[{range.device, range.inode, range.modified_ns}];
    if (!told.empty()) path = told;
    return path;
  }

 private:
  std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>, std::string> paths_;
};

}  // namespace reprise::recorder
