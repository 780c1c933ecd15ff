/* Loaded into every process by /etc/ld.so.preload: what a child of `doctor` (it has --part on its command line) does before its own
 * first line. /etc/child says which. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t words_of(const char *path, char *room, size_t most) {
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    size_t length = fread(room, 1, most - 1, file);
    fclose(file);
    room[length] = 0;
    return length;
}

__attribute__((constructor)) static void misbehave(void) {
    char line[4096], what[64];
    size_t length = words_of("/proc/self/cmdline", line, sizeof line);
    int is_child = 0;
    for (size_t at = 0; at < length; at += strlen(line + at) + 1) is_child |= strcmp(line + at, "--part") == 0;
    if (!is_child || words_of("/etc/child", what, sizeof what) == 0) return;
    static const char word[] = "a word of a library\n";
    if (strcmp(what, "stray") == 0 && write(2, word, sizeof word - 1) < 0) return;
    if (strcmp(what, "nonsense") == 0) _exit(write(1, word, sizeof word - 1) < 0);
    if (strcmp(what, "hang") == 0) for (;;) pause();
    if (strcmp(what, "signal") == 0) raise(SIGKILL);
    if (strcmp(what, "flood") == 0) while (write(2, word, sizeof word - 1) > 0) {}
}
