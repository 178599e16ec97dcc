// The schedules by the names users give them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "replayer/schedule.h"

namespace reprise::replayer {

inline constexpr char kDefaultSchedule[] = "serial";

[[nodiscard]] std::vector<std::string> schedule_names();

// `name` is one of schedule_names().
[[nodiscard]] std::unique_ptr<Schedule> make_schedule(const std::string& name);

}  // namespace reprise::replayer
