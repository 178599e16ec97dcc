// One of several libraries of a process that define the same function.
#include <cstring>

extern "C" int RAND_bytes(unsigned char* bytes, int length) {
  memset(bytes, PROVIDER, static_cast<std::size_t>(length));
  return 1;
}
