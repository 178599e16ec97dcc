#include "event/modules.h"

#include <iterator>
#include <variant>

namespace reprise::event {
namespace {

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// "libcurl.so.4.8.0" -> "libcurl.so": a build against another version is still the same library.
std::string_view without_version(std::string_view name) {
  constexpr std::string_view kSuffix = ".so";
  const std::size_t at = name.find(".so.");
  return at == std::string_view::npos ? name : name.substr(0, at + kSuffix.size());
}

// The runtime of a language draws for whoever calls it, so its draws are the program's own.
// agent/abi/control.h has the same rule.
bool is_language_runtime(std::string_view name) {
  return name.starts_with("libstdc++.so") || name.starts_with("libc++.so") ||
         name.starts_with("libpython");
}

}  // namespace

void Modules::add(const Event& event) {
  if (const auto* started = std::get_if<ProcessStarted>(&event.fact)) {
    // A forked child has its parent's objects; a new image announces its own.
    const auto parent = processes_.find(started->parent);
    Process process;
    if (started->image == 0 && parent != processes_.end()) process = parent->second;
    if (!started->executable.empty()) process.executable = started->executable;
    processes_[event.process] = std::move(process);
  } else if (const auto* module = std::get_if<ModuleLoaded>(&event.fact)) {
    Process& process = processes_[event.process];
    const bool program = module->path.empty() || module->path == process.executable;
    const std::string_view library = without_version(base_name(module->path));
    const bool own = program || is_language_runtime(library);
    const std::string_view name = own ? std::string_view() : library;
    process.ranges[module->begin] = {module->end, std::string(name),
                                     program ? process.executable : module->path, module->bias};
  }
}

const Modules::Range* Modules::find(ProcessId process, std::uint64_t address) const {
  const auto found = processes_.find(process);
  if (found == processes_.end()) return nullptr;
  const Ranges& ranges = found->second.ranges;
  const auto next = ranges.upper_bound(address);
  if (next == ranges.begin()) return nullptr;
  const Range& range = std::prev(next)->second;
  return address < range.end ? &range : nullptr;
}

std::string_view Modules::name_of(ProcessId process, std::uint64_t address) const {
  const Range* range = find(process, address);
  return range == nullptr ? std::string_view("?") : std::string_view(range->name);
}

std::optional<CodePlace> Modules::place_of(ProcessId process, std::uint64_t address) const {
  const Range* range = find(process, address);
  if (range == nullptr) return std::nullopt;
  return CodePlace{range->path, address - range->bias};
}

}  // namespace reprise::event
