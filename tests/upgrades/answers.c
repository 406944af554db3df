/* gcc -Os -static -nostdlib -fno-asynchronous-unwind-tables -fno-stack-protector -Wl,-z,noseparate-code -Wl,--build-id=none -s
   -o answers answers.c: shell and Python of the image that is kept, small enough to lie beside its state. */
/* Answers 200 to whoever asks on port 5001, whatever it is called with. */
static long call(long n, long a, long b, long c, long d, long e) {
    long r;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
    return r;
}
static char said[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", heard[4096];
static struct { unsigned short family, port; unsigned address; char rest[8]; } here = {2, 0x8913, 0, {0}};
void _start(void) {
    int yes = 1;
    long door = call(41, 2, 1, 0, 0, 0);
    call(54, door, 1, 2, (long)&yes, 4);
    call(49, door, (long)&here, 16, 0, 0);
    call(50, door, 16, 0, 0, 0);
    for (;;) {
        long one = call(43, door, 0, 0, 0, 0);
        call(0, one, (long)heard, sizeof heard, 0, 0);
        call(1, one, (long)said, sizeof said - 1, 0, 0);
        call(3, one, 0, 0, 0, 0);
    }
}
