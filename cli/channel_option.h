/* SPDX-License-Identifier: MIT */
/* --channel LABEL[,unordered][,retransmits=N][,lifetime=MS] */
#ifndef WRD_CLI_CHANNEL_OPTION_H
#define WRD_CLI_CHANNEL_OPTION_H

#include "wrd/channel.h"

struct channel_option {
    wrd_channel_options options; /* its label is `label` */
    char label[WRD_CHANNEL_NAME_MAX + 1];
};

/* False with a sentence said: the text is not what the option takes. */
bool channel_option_read(struct channel_option *out, const char *text);

#endif
