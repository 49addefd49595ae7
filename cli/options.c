/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/exit_code.h"
#include "cli/say.h"

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

static const char *option_name(const struct option *options, int value)
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
