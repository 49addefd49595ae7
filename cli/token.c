/* SPDX-License-Identifier: MIT */
/* wrd token: who may connect, and until when. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/keyfile.h"
#include "cli/options.h"
#include "cli/say.h"
#include "cli/token_text.h"
#include "wrd/token.h"

#define EXPIRES_DEFAULT 3600
#define EXPIRES_MAX     (10L * 366 * 86400)

static const char help[] =
    "wrd token new-key FILE    make a random key for tokens and write it to FILE, which must not exist yet\n"
    "wrd token mint FILE       print a token, made with the key in FILE\n"
    "wrd token show TOKEN      say what a token holds; with --key whether it is genuine\n"
    "\n"
    "  --subject TEXT|HEX   mint: who it is for, up to 16 bytes of text or exactly 32 hex digits. The server tells it\n"
    "                       to the application; everyone can read it. Default: nobody in particular\n"
    "  --expires SECONDS    mint: how long it is good; default 3600\n"
    "  --key FILE           show: the key it should have been made with\n"
    "\n"
    "`wrd serve --token-key FILE` takes only clients with such a token, `wrd dial --token TOKEN` brings one, a page\n"
    "gives it as the option `token`. A token can be used more than once until it expires.\n"
    "\n"
    "FILE holds the secret key as 64 hex digits and a newline. Only its owner may read it (chmod 600 FILE).\n"
    "\n"
    "Exit codes: 0 done, and a shown token is good; 1 a file could not be read or written, or the token is not good\n"
    "(stderr says why); 2 wrong command line.\n";

static const struct option options[] = {{"subject", required_argument, NULL, 's'},
                                        {"expires", required_argument, NULL, 'e'},
                                        {"key", required_argument, NULL, 'k'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

struct token_options {
    const char *verb, *word; /* behind the verb: FILE or TOKEN */
    const char *subject, *key;
    long expires; /* 0: not given */
};

/* ---- new-key and mint */

static int new_key(const struct token_options *given)
{
    wrd_token_key key;

    if (!keyfile_create_token(&key, given->word)) {
        return EXIT_TROUBLE;
    }
    explicit_bzero(&key, sizeof key);
    say("made a key for tokens in %s; whoever has this file can let anybody in", given->word);
    return EXIT_DONE;
}

static bool read_subject(uint8_t out[WRD_TOKEN_SUBJECT_SIZE], const char *text)
{
    size_t len = strlen(text);

    memset(out, 0, WRD_TOKEN_SUBJECT_SIZE);
    if (len == 2 * WRD_TOKEN_SUBJECT_SIZE && token_read_hex(out, WRD_TOKEN_SUBJECT_SIZE, text)) {
        return true;
    }
    if (len > WRD_TOKEN_SUBJECT_SIZE) {
        usage_error("token", "--subject is %zu bytes long: expected up to %d bytes of text, or %d hex digits", len,
                    WRD_TOKEN_SUBJECT_SIZE, 2 * WRD_TOKEN_SUBJECT_SIZE);
        return false;
    }
    memcpy(out, text, len);
    return true;
}

static int mint(const struct token_options *given)
{
    wrd_token token = {.expires =
                           (uint64_t)time(NULL) + (uint64_t)(given->expires != 0 ? given->expires : EXPIRES_DEFAULT)};
    wrd_token_key key;
    char text[WRD_TOKEN_LEN + 1];

    if (given->subject != NULL && !read_subject(token.subject, given->subject)) {
        return EXIT_USAGE;
    }
    if (!keyfile_load_token(&key, given->word)) {
        return EXIT_TROUBLE;
    }
    wrd_result result = wrd_token_mint(text, &token, &key);
    explicit_bzero(&key, sizeof key);
    if (result != WRD_OK) {
        say("cannot mint a token: %s", wrd_result_text(result));
        return EXIT_TROUBLE;
    }
    puts(text);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_TROUBLE;
}

/* ---- show */

static void print_token(const wrd_token *token, uint64_t now)
{
    char when[TOKEN_TIME_SIZE];
    char raw[WRD_TOKEN_SUBJECT_SIZE + 1];
    char subject[WRD_TOKEN_SUBJECT_SIZE + 1];

    token_time(when, token->expires);
    if (token->expires > now) {
        printf("expires %s, in %" PRIu64 " s\n", when, token->expires - now);
    } else {
        printf("expired %s, %" PRIu64 " s ago\n", when, now - token->expires);
    }
    printf("subject ");
    for (size_t i = 0; i < WRD_TOKEN_SUBJECT_SIZE; i++) {
        printf("%02x", token->subject[i]);
    }
    memcpy(raw, token->subject, WRD_TOKEN_SUBJECT_SIZE);
    raw[WRD_TOKEN_SUBJECT_SIZE] = '\0';
    if (*raw != '\0' && strcmp(say_safely(subject, sizeof subject, raw), raw) == 0) {
        printf(" \"%s\"", subject);
    }
    putchar('\n');
}

static int show(const struct token_options *given)
{
    uint64_t now = (uint64_t)time(NULL);
    wrd_token token;
    wrd_token_key key;
    const char *why = "";

    if (!token_read(&token, given->word)) {
        return usage_error("token", "\"%.100s\" is no token: expected wt1 and %d hex digits", given->word,
                           WRD_TOKEN_LEN - 3);
    }
    if (given->key != NULL && !keyfile_load_token(&key, given->key)) {
        return EXIT_TROUBLE;
    }
    print_token(&token, now);
    wrd_result result = token.expires > now ? WRD_OK : WRD_TIMEOUT;
    if (given->key == NULL) {
        puts("not checked: --key FILE says whether it is genuine");
    } else {
        result = wrd_token_check(&token, given->word, strlen(given->word), &key, 1, now, &why);
        explicit_bzero(&key, sizeof key);
        puts(result == WRD_OK || result == WRD_TIMEOUT ? "genuine: made with this key" : "not genuine");
    }
    if (fflush(stdout) != 0) {
        return EXIT_TROUBLE;
    }
    if (result == WRD_TIMEOUT) {
        say("the token has expired; mint a new one");
    } else if (result != WRD_OK) {
        say("the token was made with another key than %s holds, or was changed", given->key);
    }
    return result == WRD_OK ? EXIT_DONE : EXIT_TROUBLE;
}

/* ---- the command line */

static int check_options(const struct token_options *given, bool is_mint, bool is_show)
{
    if (!is_mint && given->subject != NULL) {
        return usage_error("token", "--subject is for `wrd token mint`");
    }
    if (!is_mint && given->expires != 0) {
        return usage_error("token", "--expires is for `wrd token mint`");
    }
    if (!is_show && given->key != NULL) {
        return usage_error("token",
                           "--key is for `wrd token show`; the others take the file as it is: wrd token %s FILE",
                           given->verb);
    }
    return EXIT_DONE;
}

static int run(const struct token_options *given)
{
    static const char *const verbs[] = {"new-key", "mint", "show", NULL};
    bool is_mint = strcmp(given->verb, "mint") == 0;
    bool is_show = strcmp(given->verb, "show") == 0;

    if (!is_mint && !is_show && strcmp(given->verb, "new-key") != 0) {
        const char *near = nearest_word(given->verb, verbs);
        return near == NULL ? usage_error("token", "`wrd token %s` does not exist; there are new-key, mint and show",
                                          given->verb)
                            : usage_error("token", "`wrd token %s` does not exist; did you mean `wrd token %s`?",
                                          given->verb, near);
    }
    if (given->word == NULL) {
        return usage_error("token", "`wrd token %s` takes exactly one %s", given->verb, is_show ? "token" : "file");
    }
    int code = check_options(given, is_mint, is_show);
    return code != EXIT_DONE ? code : is_mint ? mint(given) : is_show ? show(given) : new_key(given);
}

int token_main(int argc, char **argv)
{
    struct token_options given = {0};
    int option;

    while ((option = next_option(argc, argv, options, "token")) != -1) {
        switch (option) {
        case 's': given.subject = optarg; break;
        case 'k': given.key = optarg; break;
        case 'e':
            if (!option_number(&given.expires, "token", "expires", optarg, "whole seconds from ", 1, EXPIRES_MAX)) {
                return EXIT_USAGE;
            }
            break;
        case 'h': fputs(help, stdout); return EXIT_DONE;
        default: return EXIT_USAGE;
        }
    }
    if (optind == argc) {
        return usage_error("token", "expected: wrd token new-key FILE, wrd token mint FILE, or wrd token show TOKEN");
    }
    given.verb = argv[optind];
    given.word = argc - optind == 2 ? argv[optind + 1] : NULL;
    return run(&given);
}
