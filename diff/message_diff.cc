#include "diff/message_diff.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "diff/json_diff.h"
#include "diff/text_diff.h"
#include "protocol/masking.h"
#include "protocol/value/value.h"

namespace reprise::diff {
namespace {

using protocol::Message;

void compare_text(const std::string& base, const std::string& candidate, const std::string& where,
                  Differences& differences) {
  if (base != candidate) differences.push_back(changed(where, base, candidate));
}

// What is compared, and as many texts that stand for it where it must not be shown.
struct Items {
  std::vector<std::string> values, shown;
};

// Items by their place. `name(i)` is where item i is.
template <typename Name>
void compare_lists(const Items& base, const Items& candidate, Name name, Differences& differences) {
  const std::size_t both = std::min(base.values.size(), candidate.values.size());
  for (std::size_t i = 0; i < both; ++i) {
    if (base.values[i] == candidate.values[i]) continue;
    differences.push_back(changed(name(i), base.shown[i], candidate.shown[i]));
  }
  for (std::size_t i = both; i < base.values.size(); ++i) {
    differences.push_back(missing(name(i), base.shown[i]));
  }
  for (std::size_t i = both; i < candidate.values.size(); ++i) {
    differences.push_back(extra(name(i), candidate.shown[i]));
  }
}

struct Field {
  std::string name;  // as written where it came first
  Items base, candidate;
};

void compare_fields(const protocol::Fields& base, const protocol::Fields& candidate,
                    const std::string& where, Differences& differences) {
  std::vector<Field> fields;
  std::map<std::string, std::size_t> by_name;
  const auto field = [&](const std::string& name) -> Field& {
    std::string lower = name;
    for (char& c : lower) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    const auto [place, fresh] = by_name.try_emplace(lower, fields.size());
    if (fresh) fields.push_back({name, {}, {}});
    return fields[place->second];
  };
  const auto add = [](Items& items, const auto& header) {
    items.values.push_back(header.second);
    items.shown.push_back(protocol::masked_header(header.first, header.second));
  };
  for (const auto& header : base) add(field(header.first).base, header);
  for (const auto& header : candidate) add(field(header.first).candidate, header);
  for (const Field& one : fields) {
    const bool repeated = std::max(one.base.values.size(), one.candidate.values.size()) > 1;
    compare_lists(
        one.base, one.candidate,
        [&](std::size_t i) {
          return where + "." + one.name + (repeated ? "[" + std::to_string(i) + "]" : "");
        },
        differences);
  }
}

std::string_view text_of(const event::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string shown(const event::Bytes& bytes) {
  return is_text(bytes) ? std::string(text_of(bytes)) : hex_text(bytes);
}

// By what it says or, when nothing is said, by how it begins.
bool may_be_json(const Message& message) {
  if (!message.content_type.empty()) {
    return message.content_type.find("json") != std::string::npos;
  }
  const std::string_view text = text_of(message.decoded_body);
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && (text[begin] == '{' || text[begin] == '[');
}

std::optional<protocol::Value> json_of(const Message& message) {
  return may_be_json(message) ? protocol::parse_json(text_of(message.decoded_body)) : std::nullopt;
}

void compare_decoded(const Message& base, const Message& candidate, const std::string& where,
                     Differences& differences) {
  if (candidate.decoded_body.empty()) {
    differences.push_back(missing(where, shown(base.decoded_body)));
    return;
  }
  if (base.decoded_body.empty()) {
    differences.push_back(extra(where, shown(candidate.decoded_body)));
    return;
  }
  const auto base_json = json_of(base), candidate_json = json_of(candidate);
  if (base_json && candidate_json) {
    compare_json(*base_json, *candidate_json, where + ".$", differences);
  } else if (base_json || candidate_json) {
    differences.push_back({where, Kind::kType,
                           Content{shown(base.decoded_body), base_json.has_value()},
                           Content{shown(candidate.decoded_body), candidate_json.has_value()}});
  } else if (is_text(base.decoded_body) && is_text(candidate.decoded_body)) {
    compare_lines(text_of(base.decoded_body), text_of(candidate.decoded_body), where, differences);
  } else {
    compare_bytes(base.decoded_body, candidate.decoded_body, where, differences);
  }
}

void compare_bodies(const Message& base, const Message& candidate, const std::string& where,
                    Differences& differences) {
  if (base.decoded_body != candidate.decoded_body) {
    compare_decoded(base, candidate, where, differences);
  } else if (base.body != candidate.body && base.protocol == event::Protocol::kResp) {
    // Replies of different types may read the same: the number 1 and the text "1".
    compare_bytes(base.body, candidate.body, where, differences);
  } else if (base.body != candidate.body &&
             (!base.body_problem.empty() || !candidate.body_problem.empty())) {
    // As far as they could be decoded they are the same, which says little.
    compare_bytes(base.body, candidate.body, where, differences);
  }
  compare_text(base.body_problem, candidate.body_problem, where + ".problem", differences);
}

void compare_interim(const Message& base, const Message& candidate, const std::string& where,
                     Differences& differences) {
  const auto statuses = [](const Message& message) {
    Items all;
    for (const auto& response : message.interim) all.values.push_back(response.status);
    all.shown = all.values;
    return all;
  };
  const auto at = [&](std::size_t i) { return where + ".interim[" + std::to_string(i) + "]"; };
  compare_lists(
      statuses(base), statuses(candidate), [&](std::size_t i) { return at(i) + ".status"; },
      differences);
  for (std::size_t i = 0; i < std::min(base.interim.size(), candidate.interim.size()); ++i) {
    compare_fields(base.interim[i].headers, candidate.interim[i].headers, at(i) + ".header",
                   differences);
  }
}

void compare_contents(const Message& base, const Message& candidate, const std::string& where,
                      Differences& differences) {
  compare_text(base.version, candidate.version, where + ".version", differences);
  const bool statement = base.protocol == event::Protocol::kPostgres;
  compare_fields(base.headers, candidate.headers, where + (statement ? ".parameter" : ".header"),
                 differences);
  compare_bodies(base, candidate, where + ".body", differences);
  compare_fields(base.trailers, candidate.trailers, where + ".trailer", differences);
}

}  // namespace

void compare_requests(const Message& base, const Message& candidate, const std::string& where,
                      Differences& differences) {
  if (!base.arguments.empty() && !candidate.arguments.empty()) {
    // A command is its arguments; its bytes say the same once more.
    const auto items = [](const std::vector<std::string>& arguments) {
      return Items{arguments, protocol::masked_arguments(arguments)};
    };
    compare_lists(
        items(base.arguments), items(candidate.arguments),
        [&](std::size_t i) { return where + ".argument[" + std::to_string(i) + "]"; }, differences);
    return;
  }
  compare_text(base.method, candidate.method, where + ".method", differences);
  const bool statement = base.protocol == event::Protocol::kPostgres;
  compare_text(base.target, candidate.target, where + (statement ? ".statement" : ".target"),
               differences);
  if (statement && base.target != candidate.target) {
    // The body is the statement once more, as it was written.
    compare_fields(base.headers, candidate.headers, where + ".parameter", differences);
    return;
  }
  compare_contents(base, candidate, where, differences);
}

void compare_responses(const Message& base, const Message& candidate, const std::string& where,
                       Differences& differences) {
  compare_text(base.status, candidate.status, where + ".status", differences);
  // Of equal statuses only: OK and Bad Gateway say what 200 and 502 said.
  if (base.status == candidate.status) {
    compare_text(base.reason, candidate.reason, where + ".reason", differences);
  }
  compare_interim(base, candidate, where, differences);
  compare_contents(base, candidate, where, differences);
}

}  // namespace reprise::diff
