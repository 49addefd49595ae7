/* SPDX-License-Identifier: MIT */
/* wrd: its help and its sub-commands. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "wrd/base.h"

static const char help[] =
    "wrd: browsers and programs talk over WebRTC data channels straight to a server.\n"
    "\n"
    "  wrd serve [options]       start a server that sends every message back, with a page to try it\n"
    "  wrd dial ADDRESS          connect to a server; each line of stdin is a message\n"
    "  wrd doctor ADDRESS        say, step by step, why a connection fails\n"
    "  wrd bench ADDRESS         measure a server under load\n"
    "  wrd key new|show FILE     make a server's key, or show the fingerprint that belongs to it\n"
    "  wrd token new-key|mint|show   decide who may connect\n"
    "\n"
    "  wrd COMMAND --help        what a command takes\n"
    "  wrd --version\n"
    "\n"
    "Try it: `wrd serve --http 127.0.0.1:8080`, then open http://127.0.0.1:8080/ in a browser.\n";

static int unknown_command(const char *word)
{
    static const char *const commands[] = {"serve", "dial", "doctor", "bench", "key", "token", "help", NULL};
    static const char *const options[] = {"help", "version", NULL};
    bool is_option = word[0] == '-';
    const char *near = nearest_word(word + strspn(word, "-"), is_option ? options : commands);

    if (near != NULL) {
        return usage_error(NULL, "there is no %s %s; did you mean %s%s?", is_option ? "option" : "command", word,
                           is_option ? "--" : "", near);
    }
    return usage_error(NULL, "there is no %s %s", is_option ? "option" : "command", word);
}

static int run(int argc, char **argv)
{
    if (strcmp(argv[0], "serve") == 0) {
        return serve_main(argc, argv);
    }
    if (strcmp(argv[0], "dial") == 0) {
        return dial_main(argc, argv);
    }
    if (strcmp(argv[0], "bench") == 0) {
        return bench_main(argc, argv);
    }
    if (strcmp(argv[0], "key") == 0) {
        return key_main(argc, argv);
    }
    if (strcmp(argv[0], "token") == 0) {
        return token_main(argc, argv);
    }
    if (strcmp(argv[0], "doctor") == 0) {
        return doctor_main(argc, argv);
    }
    return unknown_command(argv[0]);
}

/* So that nothing else is opened in the place of stdin, stdout or stderr and gets what is meant for them. What is read
 * or written there fails, as before. */
static bool fill_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    if (!fill_standard_files()) {
        return EXIT_TROUBLE; /* and nobody to tell it to */
    }
    if (argc < 2) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("wrd " WRD_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        if (argc > 2) { /* `wrd help serve` */
            char *command[] = {argv[2], "--help", NULL};
            return run(2, command);
        }
        fputs(help, stdout);
        return EXIT_DONE;
    }
    return run(argc - 1, argv + 1);
}
