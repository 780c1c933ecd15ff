/* A clock that can be moved while a process runs, for one that is started with this library ahead of all others (LD_PRELOAD).
 * It is told as many seconds more as the eight octets of a file say at that moment:
 * - of the file MOVED_CLOCK whatever clock it asks: the process lives at another time;
 * - of the file STEPPED_CLOCK the time of day alone: somebody sets the clock of the machine. Clocks that nobody can set stay as they are.
 * What is waited for takes as long as ever. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *moved, *stepped;
static long (*the_system)(long, ...);

static const volatile int64_t *seconds_of(const char *variable) {
  const char *path = getenv(variable);
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return NULL;
  void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  return page == MAP_FAILED ? NULL : page;
}

__attribute__((constructor)) static void begin(void) {
  if (the_system) return;
  the_system = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  moved = seconds_of("MOVED_CLOCK");
  stepped = seconds_of("STEPPED_CLOCK");
}

static int64_t later(void) { return moved ? *moved : 0; }

int clock_gettime(clockid_t clock, struct timespec *now) {
  begin();
  long failed = the_system(SYS_clock_gettime, clock, now);
  if (failed || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID) return (int)failed;
  now->tv_sec += later();
  if (stepped && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *stepped;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec precise;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec precise;
  if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
  if (now) *now = precise.tv_sec;
  return precise.tv_sec;
}

/* Rust waits with this call until a moment of the clock that it was told of, the kernel knows only its own. */
long syscall(long number, ...) {
  va_list given;
  long a[6];
  va_start(given, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(given, long);
  va_end(given);
  begin();
  if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && a[3]) {
    struct timespec until = *(const struct timespec *)a[3];
    until.tv_sec -= later();
    return the_system(number, a[0], a[1], a[2], &until, a[4], a[5]);
  }
  return the_system(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
