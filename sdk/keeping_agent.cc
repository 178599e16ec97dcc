#include "sdk/keeping_agent.h"

#include <cstring>

#include "agent/abi/sdk.h"

namespace reprise {

KeepingAgent& keeping_agent() {
  static KeepingAgent agent;
  return agent;
}

}  // namespace reprise

using reprise::keeping_agent;
using Mode = reprise::KeepingAgent::Mode;

int reprise_call_begin(const char* name, const void* arguments, size_t length,
                       reprise_answer* answer) {
  auto& agent = keeping_agent();
  if (agent.mode == Mode::kAside) return REPRISE_ASIDE;
  agent.current = std::string(name) + " " + std::string(static_cast<const char*>(arguments), length);
  if (agent.mode == Mode::kRecord) return REPRISE_PERFORM;
  const auto found = agent.kept.find(agent.current);
  if (found == agent.kept.end()) return REPRISE_MISSED;
  *answer = {found->second.bytes.size(), found->second.threw ? 1u : 0u, 0};
  return REPRISE_ANSWERED;
}

int reprise_call_read(void* to, size_t length) {
  auto& agent = keeping_agent();
  std::memcpy(to, agent.kept[agent.current].bytes.data(), length);
  return 1;
}

void reprise_call_end(int threw, const void* result, size_t length) {
  auto& agent = keeping_agent();
  ++agent.ends;
  agent.kept[agent.current] = {threw != 0, std::string(static_cast<const char*>(result), length)};
}
