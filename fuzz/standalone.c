/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer: once over the empty input, then over every file that is named or lies in a named
 * folder. A folder that does not exist is an empty one.
 */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_count;

/* A heap block of exactly the file's size, so that a sanitizer sees a read one byte past the input. */
static void run_file(const char *path, FILE *file)
{
    if (fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    long end = ftell(file);
    rewind(file);
    size_t size = end > 0 ? (size_t)end : 0;
    uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    run_count++;
}

static void run_path(const char *path);

static void run_folder(const char *path, DIR *folder)
{
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        char name[4096];
        int len = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (len > 0 && (size_t)len < sizeof name)
            run_path(name);
    }
}

static void run_path(const char *path)
{
    DIR *folder = opendir(path);
    if (folder) {
        run_folder(path, folder);
        closedir(folder);
        return;
    }
    if (errno == ENOENT)
        return;
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    run_file(path, file);
    fclose(file);
}

int main(int argc, char **argv)
{
    uint8_t *empty = calloc(1, 1); /* on the heap, so that reading it is seen */
    (void)LLVMFuzzerTestOneInput(empty, 0);
    free(empty);
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%d inputs replayed\n", run_count);
    return 0;
}
