/* SPDX-License-Identifier: MIT */
#include "cli/channel_option.h"

#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

#define FORM "LABEL[,unordered][,retransmits=N][,lifetime=MS]"

/* The number behind `name=`, up to 65535. */
static bool read_number(unsigned long *out, const char *word, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    char digits[8];

    if (len <= name_len || len - name_len >= sizeof digits || memcmp(word, name, name_len) != 0) {
        return false;
    }
    memcpy(digits, word + name_len, len - name_len);
    digits[len - name_len] = '\0';
    if (strspn(digits, "0123456789") != len - name_len) {
        return false;
    }
    *out = strtoul(digits, NULL, 10);
    return *out <= 65535;
}

static bool take_word(wrd_channel_options *options, const char *word, size_t len)
{
    unsigned long number;

    if (len == 9 && memcmp(word, "unordered", len) == 0) {
        options->unordered = true;
    } else if (read_number(&number, word, len, "retransmits=")) {
        options->limit_retransmits = true;
        options->max_retransmits = (uint16_t)number;
    } else if (read_number(&number, word, len, "lifetime=") && number > 0) {
        options->lifetime = number * WRD_MILLISECOND;
    } else {
        usage_error("dial", "--channel: what is \"%.*s\"? Expected: " FORM, (int)len, word);
        return false;
    }
    return true;
}

bool channel_option_read(struct channel_option *out, const char *text)
{
    size_t len = strcspn(text, ",");

    wrd_channel_options_init(&out->options);
    if (len > WRD_CHANNEL_NAME_MAX) {
        usage_error("dial", "--channel: the label is longer than %d bytes", WRD_CHANNEL_NAME_MAX);
        return false;
    }
    memcpy(out->label, text, len);
    out->label[len] = '\0';
    out->options.label = out->label;
    for (text += len; *text == ','; text += len) {
        text++;
        len = strcspn(text, ",");
        if (!take_word(&out->options, text, len)) {
            return false;
        }
    }
    if (out->options.limit_retransmits && out->options.lifetime > 0) {
        usage_error("dial", "--channel: retransmits and lifetime exclude each other");
        return false;
    }
    return true;
}
