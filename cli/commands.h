/* SPDX-License-Identifier: MIT */
/* The sub-commands of `wrd`. What a script reads goes to stdout, what a person reads to stderr. */
#ifndef WRD_CLI_COMMANDS_H
#define WRD_CLI_COMMANDS_H

/* Each takes its own part of the command line: argv[0] is the sub-command's name. Answers an exit code (exit_code.h).
 */
int serve_main(int argc, char **argv);
int dial_main(int argc, char **argv);
int key_main(int argc, char **argv);
int token_main(int argc, char **argv);
int doctor_main(int argc, char **argv);
int bench_main(int argc, char **argv);

#endif
