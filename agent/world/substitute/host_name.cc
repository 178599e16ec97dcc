// The name of the recorded machine, for a service that asks what this one is called.
//
// Other fields of uname(2) are this machine's: they tell what its kernel can do.

#include <errno.h>
#include <sys/utsname.h>

#include <cstring>

#include "agent/hooks/hook.h"
#include "agent/system_call.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/token_call.h"

namespace reprise::agent {
namespace {

static_assert(sizeof(utsname::nodename) == sizeof(abi::ControlHeader::host_name));

long names_of_host(utsname* names) {
  const long result = system_call(SYS_uname, address_of(names));
  if (failed(result) || !control().attached()) return result;
  const char* recorded = control().header().host_name;
  if (recorded[0] != '\0') std::memcpy(names->nodename, recorded, sizeof names->nodename);
  return result;
}

}  // namespace

extern "C" {

int hook_uname(utsname* names) REPRISE_HOOK(uname);
int hook_uname(utsname* names) { return static_cast<int>(with_errno(names_of_host(names))); }

// As the C library does it: what does not fit is cut off, without an end, and said to be.
int hook_gethostname(char* name, std::size_t length) REPRISE_HOOK(gethostname);
int hook_gethostname(char* name, std::size_t length) {
  utsname names;
  if (const long result = names_of_host(&names); failed(result)) {
    return static_cast<int>(with_errno(result));
  }
  const std::size_t whole = std::strlen(names.nodename) + 1;
  std::memcpy(name, names.nodename, whole < length ? whole : length);
  return whole <= length ? 0 : static_cast<int>(with_errno(-ENAMETOOLONG));
}

int hook_gethostname_chk(char* name, std::size_t length, std::size_t size)
    REPRISE_HOOK(__gethostname_chk);
int hook_gethostname_chk(char* name, std::size_t length, std::size_t size) {
  if (length > size) __chk_fail();
  return hook_gethostname(name, length);
}

}  // extern "C"
}  // namespace reprise::agent
