/* SPDX-License-Identifier: MIT */
/* wrd key: make a server's key, show its fingerprint. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/keyfile.h"
#include "cli/options.h"
#include "cli/say.h"
#include "wrd/fingerprint.h"
#include "wrd/identity.h"

static const char help[] =
    "wrd key new FILE     make a random key and write it to FILE, which must not exist yet\n"
    "wrd key show FILE    read the key in FILE\n"
    "\n"
    "Both print the fingerprint of the key's certificate: 64 hex digits, what clients must know of a server besides\n"
    "its address. The same key gives the same fingerprint everywhere, so it may be published once and for all.\n"
    "\n"
    "FILE holds the secret key as 64 hex digits and a newline. Only its owner may read it (chmod 600 FILE).\n"
    "\n"
    "Exit codes: 0 done, 1 the file could not be read or written (stderr says why), 2 wrong command line.\n";

static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

static int print_fingerprint(const wrd_key *key)
{
    wrd_fingerprint fingerprint;
    char hex[WRD_FINGERPRINT_HEX_SIZE];

    wrd_result result = wrd_key_fingerprint(&fingerprint, key);
    if (result != WRD_OK) {
        say("cannot derive the certificate: %s", wrd_result_text(result));
        return EXIT_TROUBLE;
    }
    wrd_fingerprint_hex(&fingerprint, hex);
    puts(hex);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_TROUBLE;
}

int key_main(int argc, char **argv)
{
    static const char *const verbs[] = {"new", "show", NULL};
    wrd_key key;
    int option;

    while ((option = next_option(argc, argv, options, "key")) != -1) {
        if (option != 'h') {
            return EXIT_USAGE;
        }
        fputs(help, stdout);
        return EXIT_DONE;
    }
    if (optind == argc) {
        return usage_error("key", "expected: wrd key new FILE, or wrd key show FILE");
    }
    const char *verb = argv[optind];
    bool is_new = strcmp(verb, "new") == 0;
    if (!is_new && strcmp(verb, "show") != 0) {
        const char *near = nearest_word(verb, verbs);
        return usage_error("key", "`wrd key %s` does not exist; %s", verb,
                           near == NULL     ? "there are `wrd key new FILE` and `wrd key show FILE`"
                           : near[0] == 'n' ? "did you mean `wrd key new`?"
                                            : "did you mean `wrd key show`?");
    }
    if (argc - optind != 2) {
        return usage_error("key", "`wrd key %s` takes exactly one file", verb);
    }
    if (!(is_new ? keyfile_create(&key, argv[optind + 1]) : keyfile_load(&key, argv[optind + 1]))) {
        return EXIT_TROUBLE;
    }
    int code = print_fingerprint(&key);
    wrd_key_wipe(&key);
    return code;
}
