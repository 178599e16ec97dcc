// Where a command prints: standard output and error, whether they are a terminal, and how wide.
//
// Data goes to out(), remarks and errors to err(). Text from an archive is untrusted and must pass
// through printable() (cli/text.h) before it reaches a terminal.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

namespace reprise::cli {

enum class Style : std::uint8_t { kPlain, kBold, kDim, kGood, kBad, kWarning, kAccent };

class Terminal {
 public:
  struct Traits {
    bool color = false;
    bool interactive = false;  // standard output is a terminal
    std::size_t width = 0;     // columns of it; 0 when output is not a terminal: no truncation
  };

  // Borrows both streams.
  Terminal(std::ostream& out, std::ostream& err, Traits traits)
      : out_(out), err_(err), traits_(traits) {}
  // Looks at standard output, NO_COLOR, TERM and COLUMNS. `color` is "auto", "always" or "never".
  static Traits detect(std::string_view color);

  std::ostream& out() { return out_; }
  std::ostream& err() { return err_; }
  bool interactive() const { return traits_.interactive; }
  std::size_t width() const { return traits_.width; }

  // `text` with the codes of `style` around it, if colours are used.
  std::string paint(Style style, std::string_view text) const;

  // Prints "reprise: …" to err().
  void error(std::string_view message);
  // The next sensible command, to err(): a pipe that reads out() stays clean.
  void next(std::string_view command_line);

 private:
  std::ostream& out_;
  std::ostream& err_;
  Traits traits_;
};

}  // namespace reprise::cli
