// Where the archives of repeated replays go, and which of them stay.
//
// Those the user named stay all. Of temporary ones the first stays, and the first that differs from
// it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reprise::cli {

class RunFiles {
 public:
  // `output` as the user named it, "" for temporary ones, which are called after `archive`.
  RunFiles(const std::string& archive, const std::string& output);

  // Of the first run the file that was named; of others with "-2", "-3"… before the extension.
  std::string of(std::uint64_t run) const;
  // Of the files of runs after the first, one that exists already; "" when none does.
  std::string existing(std::uint64_t runs) const;

  // A run was compared: its archive stays or goes.
  void settle(std::uint64_t run, bool same);
  // A run was cut short: a temporary archive of it goes.
  void drop(std::uint64_t run) const;
  const std::vector<std::string>& kept() const { return kept_; }

 private:
  std::string first_;
  bool temporary_;
  bool has_different_ = false;
  std::vector<std::string> kept_;
};

}  // namespace reprise::cli
