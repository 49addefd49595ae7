/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/addresses.h"
#include "cli/exit_code.h"
#include "cli/say.h"
#include "wrd/ufrag.h"

#define WORD_MAX 32 /* a longer word is not compared with the known ones */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be changed, added or removed to turn `a` into `b` (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);

    if (a_len > WORD_MAX || b_len > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            row[j] = smaller(replaced, smaller(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[b_len];
}

const char *nearest_word(const char *word, const char *const *list)
{
    const char *best = NULL;
    size_t best_distance = 3; /* two slips of the finger; more is another word */

    for (; *list != NULL; list++) {
        size_t found = strncmp(word, *list, strlen(word)) == 0 && word[0] != '\0' ? 1 : distance(word, *list);
        if (found < best_distance && found < strlen(*list)) {
            best = *list;
            best_distance = found;
        }
    }
    return best;
}

int usage_error(const char *command, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say("%s", text);
    if (command == NULL) {
        fputs("`wrd --help` shows the commands.\n", stderr);
    } else {
        fprintf(stderr, "`wrd %s --help` shows what it takes.\n", command);
    }
    return EXIT_USAGE;
}

const char *option_name(const struct option *options, int value)
{
    for (; options->name != NULL; options++) {
        if (options->val == value) {
            return options->name;
        }
    }
    return "?";
}

static void unknown_option(const char *typed, const struct option *options, const char *command)
{
    const char *names[WORD_MAX + 1];
    size_t count = 0;

    for (; options->name != NULL && count < WORD_MAX; options++) {
        names[count++] = options->name;
    }
    names[count] = NULL;
    const char *near = nearest_word(typed + strspn(typed, "-"), names);
    if (near != NULL) {
        usage_error(command, "there is no option %s; did you mean --%s?", typed, near);
    } else {
        usage_error(command, "there is no option %s", typed);
    }
}

int next_option(int argc, char **argv, const struct option *options, const char *command)
{
    opterr = 0;
    int looked_at = optind < 1 ? 1 : optind;
    int option = getopt_long(argc, argv, ":h", options, NULL);

    if (option == ':') {
        usage_error(command, "--%s needs a value behind it", option_name(options, optopt));
        return '?';
    }
    if (option != '?') {
        return option;
    }
    if (optopt != 0 && strcmp(option_name(options, optopt), "?") != 0) {
        usage_error(command, "--%s takes no value", option_name(options, optopt));
    } else if (optopt != 0) {
        const char typed[] = {'-', (char)optopt, '\0'};
        unknown_option(typed, options, command);
    } else {
        unknown_option(argv[optind > looked_at ? optind - 1 : looked_at], options, command);
    }
    return '?';
}

bool option_number(long *out, const char *command, const char *name, const char *text, const char *unit, long least,
                   long most)
{
    char *end;

    errno = 0;
    long number = strtol(text, &end, 10);
    bool is_number = errno == 0 && end != text && *end == '\0' && text[strspn(text, "0123456789-")] == '\0';
    if (!is_number || number < least || number > most) {
        usage_error(command, "--%s %s: expected %s%ld to %ld", name, text, unit, least, most);
        return false;
    }
    *out = number;
    return true;
}

bool read_address(wrd_address *out, char *why, size_t size, int argc, char **argv)
{
    char text[2 * WRD_ADDRESS_TEXT_SIZE];
    const char *reason = "";

    if (argc < 1 || argc > 2) {
        snprintf(why, size,
                 argc < 1 ? "an address is missing: expected IP:PORT FINGERPRINT"
                          : "too many words; expected: IP:PORT FINGERPRINT");
        return false;
    }
    const char *port = addresses_lone_port(argv[0]);
    if (port != NULL) {
        snprintf(why, size, "\"%s\" is no address: the IP is missing. Write 127.0.0.1:%s for a server on this machine.",
                 argv[0], port);
        return false;
    }
    int len = snprintf(text, sizeof text, "%s%s%s", argv[0], argc == 2 ? " " : "", argc == 2 ? argv[1] : "");
    if (len < 0 || (size_t)len >= sizeof text) {
        snprintf(why, size, "the address is too long; expected: IP:PORT and 64 hex digits");
        return false;
    }
    if (wrd_address_parse(out, text, (size_t)len, &reason) != WRD_OK) {
        snprintf(why, size, "\"%s\" is no address: %s", text, reason);
        return false;
    }
    return true;
}

bool option_token(const char *command, const char *text)
{
    static const char ice_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text);

    if (len == 0 || len > WRD_UFRAG_PREFIX_MAX || text[strspn(text, ice_chars)] != '\0') {
        usage_error(command, "--token: expected 1 to %d letters, digits, + and /, as `wrd token mint` prints",
                    WRD_UFRAG_PREFIX_MAX);
        return false;
    }
    return true;
}

const char *option_key_log(void)
{
    const char *file = getenv("SSLKEYLOGFILE");

    return file != NULL && *file != '\0' ? file : NULL;
}
