// `reprise ls`: the exchanges of an archive, one a line.
#include <fmt/format.h>

#include <ostream>

#include "cli/archive_access.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exchange_filter.h"
#include "cli/exchange_json.h"
#include "cli/text.h"

namespace reprise::cli {
namespace {

Style status_style(const event::Exchange& exchange) {
  if (exchange.status.empty()) return Style::kWarning;
  switch (exchange.status[0]) {
    case '2':
    case 'O':  // OK
      return Style::kGood;
    case '4':
      return Style::kWarning;
    case '5':
    case 'E':  // ERR
      return Style::kBad;
    default:
      return Style::kPlain;
  }
}

// Columns have fixed widths, so that a list of any length can be printed as it is read; what has no
// bound, method and target, comes last.
class Table {
 public:
  Table(Terminal& terminal, const archive::Header& header, std::uint64_t exchanges)
      : terminal_(terminal),
        header_(header),
        number_width_(std::max<std::size_t>(3, std::to_string(exchanges).size())) {}

  void print_head() {
    terminal_.out() << terminal_.paint(
                           Style::kDim,
                           fmt::format(
                               "{:>{}}  {:<12}  {:>9}  {:<6}  {:>5}  {:>5}  {:>9}  {:>9}  {}", "#",
                               number_width_, "STARTED", "DURATION", "STATUS", "CALLS", "DRAWS",
                               "REQUEST", "RESPONSE", "EXCHANGE"))
                    << "\n";
  }

  void print(const event::Exchange& exchange) {
    const auto duration = duration_of(header_, exchange);
    std::string line = pad_left(std::to_string(exchange.id.value), number_width_);
    line += "  " + time_text(header_.unix_time(exchange.first_byte_in).value);
    line += "  " + pad_left(duration ? duration_text(*duration) : "-", 9);
    const std::string status = exchange.status.empty() ? "-" : printable(exchange.status);
    line += "  " + terminal_.paint(status_style(exchange), pad_right(truncated(status, 6), 6));
    line += fmt::format("  {:>5}  {:>5}", exchange.calls, exchange.draws);
    line += "  " + pad_left(size_text(exchange.request.size()), 9);
    line += "  " + pad_left(size_text(exchange.response.size()), 9) + "  ";
    terminal_.out() << line << name_of(exchange) << "\n";
  }

 private:
  // Columns in front of the last one.
  std::size_t fixed_width() const {
    return number_width_ + 2 + 12 + 2 + 9 + 2 + 6 + 14 + 2 * 11 + 2;
  }

  std::string name_of(const event::Exchange& exchange) const {
    std::string name = exchange.method;
    if (!exchange.target.empty()) name += (name.empty() ? "" : " ") + exchange.target;
    if (name.empty()) name = protocol_text(exchange.protocol);
    name = printable(name);
    std::string remark;
    if (!exchange.complete) {
      remark = "incomplete";
      if (!exchange.incomplete_why.empty()) remark += ": " + printable(exchange.incomplete_why);
    }
    if (terminal_.width() != 0) {
      const std::size_t room =
          terminal_.width() > fixed_width() + 20 ? terminal_.width() - fixed_width() : 20;
      // The reason matters more than the end of a long target.
      remark = truncated(
          remark, room - std::min(room, std::min<std::size_t>(room / 2, columns_of(name)) + 2));
      const std::size_t kept = remark.empty() ? 0 : columns_of(remark) + 2;
      name = truncated(name, room - std::min(room, kept));
    }
    if (!remark.empty()) name += "  " + terminal_.paint(Style::kWarning, remark);
    return name;
  }

  Terminal& terminal_;
  const archive::Header& header_;
  std::size_t number_width_;
};

class LsCommand final : public Command {
 public:
  Manual manual() const override;
  void declare(Arguments& arguments) override;
  ExitCode run(Terminal& terminal) override;

 private:
  void print_summary(const archive::Reader& reader, Terminal& terminal) const;

  std::string archive_;
  FilterOptions filter_;
  bool json_ = false;
  std::uint64_t listed_ = 0, incomplete_ = 0, first_ = 0;
};

Manual LsCommand::manual() const {
  return {
      "ls",
      "list the exchanges of an archive",
      "[OPTIONS] ARCHIVE",
      {"Prints one line for each exchange (one inbound request with its response): its number, "
       "when "
       "it began (UTC), how long it took from the first byte in to the last byte out, status, how "
       "many external calls and draws (clock reads and random values) were made for it, and its "
       "sizes. Incomplete ones say why.",
       "Filters narrow the list. Of several values of one filter any may match; of several filters "
       "all must."},
      {{"reprise ls prod.reprise", "Everything, oldest first."},
       {"reprise ls prod.reprise --status 5xx --slow 200ms", "Slow server errors."},
       {"reprise ls prod.reprise --find 7f3a-99c1",
        "The exchanges with this request id in a header, a body, an external call or a log line."},
       {"reprise ls prod.reprise --json | jq -r 'select(.complete | not) | .exchange'",
        "Numbers of the incomplete ones."}},
      {{ExitCode::kHeld, "the list was printed, even if it is empty"},
       {ExitCode::kUsage, "bad usage, or the archive cannot be read"},
       {ExitCode::kDamaged, "the archive is damaged; what is whole was listed"}},
      {"show", "stats", "replay"}};
}

void LsCommand::declare(Arguments& arguments) {
  arguments.positional(archive_, "ARCHIVE", "A recording, or the archive of a replay.");
  arguments.option(filter_.statuses, "--status", "STATUS",
                   "Only exchanges with this status: 500, 5xx, or a pattern such as ERR*. May be "
                   "repeated.");
  arguments.option(filter_.methods, "--method", "METHOD",
                   "Only exchanges with this method or command. May be repeated.");
  arguments.option(filter_.targets, "--target", "PATTERN",
                   "Only exchanges whose target matches the shell pattern, for example "
                   "'/cart/*'. May be repeated.");
  arguments.option(filter_.target_regex, "--target-regex", "REGEX",
                   "Only exchanges in whose target the regular expression (ECMAScript) is found.");
  arguments.option(filter_.slower_than, "--slow", "DURATION",
                   "Only exchanges that took at least this long: 250ms, 1.5s.");
  arguments.flag(filter_.incomplete, "--incomplete", "Only exchanges that are not complete.");
  arguments.option(
      filter_.find, "--find", "TEXT",
      "Only exchanges with this text in their request, response, external calls or log "
      "lines; bodies are searched decoded, too. Reads the whole archive.");
  arguments.flag(json_, "--json", "Print one JSON object a line.");
}

ExitCode LsCommand::run(Terminal& terminal) {
  auto reader = open_archive(archive_, terminal);
  if (!reader) return reader.error();
  auto filter = ExchangeFilter::make(filter_, **reader);
  if (!filter) {
    terminal.error("ls: --target-regex: " + filter.error());
    return ExitCode::kUsage;
  }
  const archive::Header& header = (*reader)->header();
  Table table(terminal, header, (*reader)->exchange_count());
  (*reader)->each_exchange([&](const event::Exchange& exchange) {
    if (!filter->matches(exchange)) return true;
    if (listed_++ == 0) {
      first_ = exchange.id.value;
      if (!json_) table.print_head();
    }
    if (!exchange.complete) ++incomplete_;
    if (json_) {
      terminal.out() << exchange_line_json(header, exchange) << "\n";
    } else {
      table.print(exchange);
    }
    return static_cast<bool>(terminal.out());
  });
  if (!json_) print_summary(**reader, terminal);
  const ExitCode code = remark_on_state(**reader, archive_, terminal);
  if (!json_ && listed_ != 0) {
    terminal.next("reprise show " + shell_word(archive_) + " " + std::to_string(first_));
  }
  return code;
}

void LsCommand::print_summary(const archive::Reader& reader, Terminal& terminal) const {
  const std::uint64_t all = reader.exchange_count();
  std::string line = count_text(listed_, "exchange");
  if (listed_ != all) line += fmt::format(" of {}", all);
  if (incomplete_ != 0) line += fmt::format(", {} incomplete", incomplete_);
  const std::int64_t began = reader.header().realtime_epoch_ns;
  if (began != 0) line += ", recorded " + date_text(began) + " (UTC)";
  terminal.err() << (listed_ == 0 ? "no exchange matches; " : "") << line << "\n";
}

}  // namespace

std::unique_ptr<Command> make_ls_command() { return std::make_unique<LsCommand>(); }

}  // namespace reprise::cli
