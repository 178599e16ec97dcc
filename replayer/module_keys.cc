#include "replayer/module_keys.h"

#include "agent/abi/control.h"

namespace reprise::replayer {
namespace {

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 == 0
}

}  // namespace

void ModuleKeys::on_event(const event::Event& event) {
  if (const auto* started = std::get_if<event::ProcessStarted>(&event.fact)) {
    Image image;
    image.executable = started->executable;
    // A forked child has its parent's objects; one that was executed reports its own.
    const auto parent = images_.find(started->parent);
    if (started->image == 0 && parent != images_.end()) image.ranges = parent->second.ranges;
    images_[event.process] = std::move(image);
  } else if (const auto* module = std::get_if<event::ModuleLoaded>(&event.fact)) {
    Image& image = images_[event.process];
    const bool program = module->path.empty() || module->path == image.executable;
    image.ranges[module->begin] = {module->end,
                                   program ? 0 : abi::module_key(base_name(module->path).c_str())};
  }
}

std::uint32_t ModuleKeys::key(event::ProcessId process, std::uint64_t address) const {
  const auto image = images_.find(process);
  if (image == images_.end()) return 0;
  auto range = image->second.ranges.upper_bound(address);
  if (range == image->second.ranges.begin()) return 0;
  --range;
  return address < range->second.end ? range->second.key : 0;
}

}  // namespace reprise::replayer
