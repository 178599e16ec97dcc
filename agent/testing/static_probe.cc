// A program that no preload reaches.
int main() { return 0; }
