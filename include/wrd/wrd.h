/* SPDX-License-Identifier: MIT */
/* Everything: protocol, core, native server and client. */
#ifndef WRD_WRD_H
#define WRD_WRD_H

#include "wrd/address.h"
#include "wrd/base.h"
#include "wrd/channel.h"
#include "wrd/client.h"
#include "wrd/endpoint.h"
#include "wrd/fingerprint.h"
#include "wrd/frame.h"
#include "wrd/identity.h"
#include "wrd/sdp.h"
#include "wrd/server.h"
#include "wrd/ufrag.h"

#endif
