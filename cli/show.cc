// `reprise show`: everything about one exchange.
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "cli/archive_access.h"
#include "cli/arguments.h"
#include "cli/body_text.h"
#include "cli/commands.h"
#include "cli/exchange_json.h"
#include "cli/exchange_view.h"
#include "cli/text.h"
#include "protocol/message.h"

namespace reprise::cli {
namespace {

constexpr std::size_t kBodyLimit = 4096;

// One line of the timeline.
struct Moment {
  std::int64_t offset_ns = 0;
  std::string what;
};

// Prints a view, section by section.
class ExchangePage {
 public:
  ExchangePage(Terminal& terminal, const archive::Header& header, const ExchangeView& view,
               std::size_t body_limit)
      : terminal_(terminal), header_(header), view_(view), body_limit_(body_limit) {}

  void print() {
    print_summary();
    print_message("request", view_.request);
    print_message("response", view_.response);
    for (std::size_t i = 0; i < view_.calls.size(); ++i) print_call(i, view_.calls[i]);
    print_timeline();
    print_draws();
    print_log();
  }

 private:
  std::ostream& out() { return terminal_.out(); }

  void print_section(const std::string& title, const std::string& remark = "") {
    out() << "\n" << terminal_.paint(Style::kBold, "== " + title);
    if (!remark.empty()) out() << terminal_.paint(Style::kDim, "  " + remark);
    out() << "\n";
  }

  std::string offset_text(event::Stamp when) const {
    const std::int64_t offset = header_.nanoseconds(view_.exchange.first_byte_in, when);
    return (offset < 0 ? "" : "+") + duration_text(offset);
  }

  void print_summary() {
    const event::Exchange& exchange = view_.exchange;
    std::string title = "exchange " + std::to_string(exchange.id.value);
    std::string name = printable(exchange.method + " " + exchange.target);
    if (name == " ") name = protocol_text(exchange.protocol);
    const auto duration = duration_of(header_, exchange);
    out() << terminal_.paint(Style::kBold, title) << "  " << name << " -> "
          << (exchange.status.empty() ? "no response" : printable(exchange.status));
    if (duration) out() << " in " << duration_text(*duration);
    out() << "\n";
    if (!exchange.complete) {
      out() << terminal_.paint(Style::kWarning, "incomplete: " + printable(exchange.incomplete_why))
            << "\n";
    }
    const std::int64_t began = header_.unix_time(exchange.first_byte_in).value;
    out() << "began " << date_text(began) << " " << time_text(began) << " UTC, request "
          << exchange.ordinal << " on connection " << exchange.connection.value;
    if (view_.connection) {
      out() << " (" << printable(view_.connection->peer.text) << " -> "
            << printable(view_.connection->local.text) << ")";
      if (view_.connection->tls != 0) out() << " under " << tls_text(view_.connection->tls);
    }
    out() << ", process " << exchange.process.value << "\n";
    for (const event::Gap& gap : view_.gaps) {
      out() << terminal_.paint(Style::kWarning, "gap: " + count_text(gap.records, "record") +
                                                    " lost, " + printable(gap.reason))
            << "\n";
    }
  }

  void print_message(const std::string& title, const MessageView& view) {
    print_section(title, size_text(view.bytes));
    if (!view.problem.empty()) {
      out() << terminal_.paint(Style::kBad, printable(view.problem)) << "\n";
    }
    if (!view.message) return;
    const protocol::Message& message = *view.message;
    if (const std::string line = first_line(message); !line.empty()) out() << line << "\n";
    for (const auto& [name, value] : message.headers) {
      out() << terminal_.paint(Style::kAccent, printable(name)) << ": " << printable(value) << "\n";
    }
    print_body(message);
    for (const auto& [name, value] : message.trailers) {
      out() << terminal_.paint(Style::kAccent, printable(name)) << ": " << printable(value)
            << terminal_.paint(Style::kDim, "  (trailer)") << "\n";
    }
  }

  static std::string first_line(const protocol::Message& message) {
    if (!message.arguments.empty()) {
      std::string line;
      for (const std::string& argument : message.arguments) {
        line += (line.empty() ? "" : " ") + shell_word(printable(argument));
      }
      return line;
    }
    if (message.protocol != event::Protocol::kHttp1) return "";
    std::string line;
    if (message.method.empty()) {
      line = message.version + " " + message.status + " " + message.reason;
    } else {
      line = message.method + " " + message.target + " " + message.version;
    }
    while (line.ends_with(' ')) line.pop_back();
    return printable(line);
  }

  void print_body(const protocol::Message& message) {
    if (message.decoded_body.empty() || !message.arguments.empty()) return;
    if (!message.headers.empty()) out() << "\n";
    const BodyText body = body_text(message, body_limit_);
    out() << body.text;
    if (body.hidden != 0) {
      out() << terminal_.paint(Style::kDim,
                               "… " + size_text(body.hidden) + " more; --full shows them")
            << "\n";
    }
    if (!message.body_problem.empty()) {
      out() << terminal_.paint(Style::kWarning, printable(message.body_problem)) << "\n";
    }
  }

  static std::string call_name(const event::Call& call) {
    std::string name = protocol::call_title(call);
    if (name.empty()) name = protocol_text(call.protocol);
    return printable(name) + " at " + printable(call.peer);
  }

  void print_call(std::size_t index, const CallView& view) {
    const event::Call& call = view.call;
    std::string remark = call.status.empty() ? "no answer" : printable(call.status);
    if (const auto duration = duration_of(header_, call)) {
      remark += ", " + duration_text(*duration);
    }
    if (!call.complete) remark += ", incomplete";
    if (call.prelude) remark += ", connection set-up";
    if (view.tls != 0) remark += ", " + tls_text(view.tls);
    const std::string title = "call[" + std::to_string(index) + "]";
    print_section(title + " " + call_name(call), remark);
    print_message(title + " request", view.request);
    print_message(title + " response", view.response);
  }

  void print_timeline() {
    std::vector<Moment> moments;
    const auto add = [&](event::Stamp when, std::string what) {
      if (when.ticks == 0) return;
      moments.push_back({header_.nanoseconds(view_.exchange.first_byte_in, when), std::move(what)});
    };
    const event::Exchange& exchange = view_.exchange;
    add(exchange.first_byte_in, "request: first byte in");
    if (exchange.last_byte_in != exchange.first_byte_in) {
      add(exchange.last_byte_in, "request: last byte in");
    }
    for (std::size_t i = 0; i < view_.calls.size(); ++i) {
      const event::Call& call = view_.calls[i].call;
      const std::string title = "call[" + std::to_string(i) + "]";
      add(call.first_byte_out, title + " " + call_name(call));
      add(call.last_byte_in, title + " answered: " + printable(call.status));
    }
    for (const LookupView& lookup : view_.lookups) {
      add(lookup.when, "lookup of " + printable(lookup.node) + ": " + printable(lookup.outcome));
    }
    add(exchange.first_byte_out, "response: first byte out");
    if (exchange.last_byte_out != exchange.first_byte_out) {
      add(exchange.last_byte_out, "response: last byte out");
    }
    std::stable_sort(moments.begin(), moments.end(),
                     [](const Moment& a, const Moment& b) { return a.offset_ns < b.offset_ns; });
    print_section("timeline");
    for (const Moment& moment : moments) {
      const std::string at = (moment.offset_ns < 0 ? "" : "+") + duration_text(moment.offset_ns);
      const std::string line = pad_left(at, 10) + "  " + moment.what;
      out() << (terminal_.width() == 0 ? line : truncated(line, terminal_.width())) << "\n";
    }
  }

  void print_draws() {
    const auto print_kind = [&](const char* kind,
                                const std::map<std::string, std::uint64_t>& sources) {
      for (const auto& [source, count] : sources) {
        out() << fmt::format("{:<7} {:<20} {:>6}\n", kind, source, count);
      }
    };
    if (view_.clock_draws.empty() && view_.random_draws.empty()) return;
    print_section("draws", fmt::format("{}", view_.clocks() + view_.randoms()));
    print_kind("clock", view_.clock_draws);
    print_kind("random", view_.random_draws);
  }

  void print_log() {
    if (view_.log.empty()) return;
    print_section("log", count_text(view_.log.size(), "line"));
    for (const LogLine& line : view_.log) {
      const Style style = line.stream == 2 ? Style::kWarning : Style::kPlain;
      out() << terminal_.paint(Style::kDim, pad_left(offset_text(line.when), 10)) << "  "
            << terminal_.paint(style, printable(line.text)) << "\n";
    }
  }

  Terminal& terminal_;
  const archive::Header& header_;
  const ExchangeView& view_;
  std::size_t body_limit_;
};

class ShowCommand final : public Command {
 public:
  Manual manual() const override;
  void declare(Arguments& arguments) override;
  ExitCode run(Terminal& terminal) override;

 private:
  std::string archive_;
  std::uint64_t exchange_ = 0;
  bool full_ = false;
  bool secrets_ = false;
  bool json_ = false;
};

Manual ShowCommand::manual() const {
  return {"show",
          "show everything about one exchange",
          "[OPTIONS] ARCHIVE N",
          {"Prints request and response with their bodies (JSON indented, compressed bodies "
           "decompressed, binary ones as a hex dump), the external calls that were made for the "
           "exchange with requests and answers, a timeline, the draws by source and the log lines "
           "that were written for it. Times with a + are counted from the request's first byte.",
           "What proves who somebody is shows as ***: credentials and cookies in headers, "
           "passwords given to Redis, what is exchanged when somebody logs in to PostgreSQL. "
           "Bodies and values are shown as they are.",
           "Calls are numbered from 0, as in the output of `reprise diff`."},
          {{"reprise show prod.reprise 17", "Exchange 17."},
           {"reprise show prod.reprise 17 --full | less -R", "With whole bodies, page by page."},
           {"reprise show prod.reprise 17 --json | jq -r .request.body_base64 | base64 -d",
            "The body of the request, byte for byte."}},
          {{ExitCode::kHeld, "the exchange was shown"},
           {ExitCode::kUsage, "bad usage, no such exchange, or the archive cannot be read"},
           {ExitCode::kDamaged, "the archive is damaged; what is whole was shown"}},
          {"ls", "debug", "replay"}};
}

void ShowCommand::declare(Arguments& arguments) {
  arguments.positional(archive_, "ARCHIVE", "A recording, or the archive of a replay.");
  arguments.positional(exchange_, "N", "Number of the exchange, as `reprise ls` prints it.");
  arguments.flag(full_, "--full", "Show bodies whole, however long.");
  arguments.flag(secrets_, "--secrets", "Show passwords, tokens and cookies, too.");
  arguments.flag(
      json_, "--json",
      "Print one JSON object; bodies in base64, byte for byte. A message of which something is "
      "masked says so.");
}

ExitCode ShowCommand::run(Terminal& terminal) {
  auto reader = open_archive(archive_, terminal);
  if (!reader) return reader.error();
  const auto view = view_exchange(**reader, event::ExchangeId{exchange_},
                                  secrets_ ? Secrets::kShown : Secrets::kMasked);
  if (!view) {
    terminal.error(view.error().message);
    const ExitCode state = remark_on_state(**reader, archive_, terminal);
    return state == ExitCode::kDamaged ? state : exit_code_of(view.error());
  }
  const archive::Header& header = (*reader)->header();
  if (json_) {
    terminal.out() << exchange_json(header, *view) << "\n";
  } else {
    ExchangePage(terminal, header, *view, full_ ? 0 : kBodyLimit).print();
  }
  const ExitCode code = remark_on_state(**reader, archive_, terminal);
  if (!json_) {
    terminal.next("reprise debug " + shell_word(archive_) + " --at " + std::to_string(exchange_) +
                  " -- PROGRAM ARGS…");
  }
  return code;
}

}  // namespace

std::unique_ptr<Command> make_show_command() { return std::make_unique<ShowCommand>(); }

}  // namespace reprise::cli
