/*
 * What an Answer To Reset says before a command is sent, ISO/IEC 7816-3 section
 * 8 and 7816-4 section 12.1.1: its historical bytes, and whether these allow
 * extended length.
 */
#ifndef PROPAGATE_ATR_H
#define PROPAGATE_ATR_H

#include "wire.h"

enum { ATR_MAX = 33 };

enum atr_extended { ATR_EXTENDED_UNKNOWN, ATR_EXTENDED_NO, ATR_EXTENDED_YES };

/* Borrowed from atr; empty when there are none or the ATR is broken. */
struct wire_view atr_historical(struct wire_view atr);

enum atr_extended atr_extended(struct wire_view atr);

/* Does text stand somewhere in bytes? */
bool atr_holds_text(struct wire_view bytes, const char *text);

#endif
