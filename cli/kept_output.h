// What a service prints in a replay that is repeated: kept aside, so that it is shown once and not
// as often as the service runs. The archives have all of it as log lines.
//
// All runs print into files of the same kind, the one that is shown, too: a program that is asked
// to be the same each time must not find a terminal in one run and none in the next.
//
// Ownership: owns two files without names. Threading: one thread.
#pragma once

namespace reprise::cli {

class KeptOutput {
 public:
  KeptOutput();
  ~KeptOutput();
  KeptOutput(const KeptOutput&) = delete;
  KeptOutput& operator=(const KeptOutput&) = delete;

  // For the service's standard output and error. Where no file could be made it is `fallback`.
  int out(int fallback) const { return out_ < 0 ? fallback : out_; }
  int err(int fallback) const { return err_ < 0 ? fallback : err_; }
  // Writes what was printed so far to these descriptors.
  void pass_on(int out, int err) const;
  // For the next run.
  void clear() const;

 private:
  int out_, err_;
};

}  // namespace reprise::cli
