// Calls to an HTTP upstream with libcurl. A Fetcher keeps its connection between calls and belongs
// to one thread at a time.
#pragma once

#include <optional>
#include <string>

namespace zoo {

struct Fetched {
  int status = 0;
  std::string body;
};

class Fetcher {
 public:
  Fetcher();
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // GET, or POST where there is a body to send. Nothing when the upstream gave no whole answer.
  [[nodiscard]] std::optional<Fetched> Get(const std::string& url);
  [[nodiscard]] std::optional<Fetched> Post(const std::string& url, const std::string& body);

 private:
  std::optional<Fetched> Perform(const std::string& url);

  void* curl_;
};

// The text of a member of a flat JSON object, without its quotation marks: a service that asks for
// two fields brings no parser. Empty without that member.
[[nodiscard]] std::string Field(const std::string& json, const std::string& name);

}  // namespace zoo
