#include "replayer/schedules.h"

#include "replayer/recorded_schedule.h"
#include "replayer/serial_schedule.h"

namespace reprise::replayer {

std::vector<std::string> schedule_names() { return {kDefaultSchedule, "recorded"}; }

std::unique_ptr<Schedule> make_schedule(const std::string& name) {
  if (name == "recorded") return std::make_unique<RecordedSchedule>();
  return std::make_unique<SerialSchedule>();
}

}  // namespace reprise::replayer
