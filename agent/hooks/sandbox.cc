// prctl, for the one thing it does that concerns the agent.
#include <errno.h>
#include <stdarg.h>

#include "agent/hooks/hook.h"
#include "agent/sandbox.h"
#include "agent/system_call.h"

namespace reprise::agent {

extern "C" int hook_prctl(int option, ...) REPRISE_HOOK(prctl);

int hook_prctl(int option, ...) {
  long a[6] = {option};
  va_list list;
  va_start(list, option);
  for (int i = 1; i < 5; ++i) a[i] = va_arg(list, long);
  va_end(list);
  Thread* thread = this_thread();
  if (thread != nullptr && installs_sandbox(SYS_prctl, a)) {
    return static_cast<int>(install_sandbox(*thread, SYS_prctl, a));
  }
  const long result = raw_system_call(SYS_prctl, a[0], a[1], a[2], a[3], a[4]);
  if (!failed(result)) return static_cast<int>(result);
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace reprise::agent
