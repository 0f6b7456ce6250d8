/*
 * What the files of the messages share: keep.c (the messages themselves),
 * keep_card.c (those about readers, cards and certificates), keep_field.c (the
 * fields), keep_name.c (words for people).  A pair of functions writes and
 * reads the same bytes, and refuses the same ones: put by a fault of out, get
 * by one of in.
 */
#ifndef STORE_KEEP_PRIVATE_H
#define STORE_KEEP_PRIVATE_H

#include "keep.h"

/* The first fault stays. */
void keep_put_fail(struct wire_out *out, enum wire_fault fault);

/* At most max bytes, after their number in 16 bits. */
void keep_put_blob(struct wire_out *out, struct wire_view blob, size_t max);
struct wire_view keep_get_blob(struct wire_in *in, size_t max);

/* At most KEEP_TEXT_MAX bytes of UTF-8 without a NUL. */
void keep_put_text(struct wire_out *out, struct wire_view text);
struct wire_view keep_get_text(struct wire_in *in);

void keep_put_bool(struct wire_out *out, bool value);
bool keep_get_bool(struct wire_in *in);

void keep_put_time(struct wire_out *out, int64_t value);
int64_t keep_get_time(struct wire_in *in);

/* One byte; an enum is written by wire_put_u8. */
uint8_t keep_get_enum(struct wire_in *in, uint8_t first, uint8_t last);

/* Written by wire_put_bytes. */
void keep_get_id(struct wire_in *in, uint8_t *id, size_t len);

void keep_put_reader(struct wire_out *out, const struct keep_reader *reader);
void keep_get_reader(struct wire_in *in, struct keep_reader *reader);
void keep_put_begin(struct wire_out *out, const struct keep_begin *begin);
void keep_get_begin(struct wire_in *in, struct keep_begin *begin);
void keep_put_cert(struct wire_out *out, const struct keep_cert *cert);
void keep_get_cert(struct wire_in *in, struct keep_cert *cert);
void keep_put_release(struct wire_out *out, const struct keep_release *release);
void keep_get_release(struct wire_in *in, struct keep_release *release);

#endif
