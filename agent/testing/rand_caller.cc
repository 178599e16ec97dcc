// A library that calls the function of the provider it was linked with.
extern "C" int RAND_bytes(unsigned char* bytes, int length);

extern "C" int draw_here() {
  unsigned char byte = 0;
  return RAND_bytes(&byte, 1) == 1 ? byte : -1;
}
