/*
 * FreeRDP 3's smart card codecs behind our own types.  Only oracle*.c see its
 * headers: names and widths of types differ there.
 */
#ifndef TESTS_REDIRECT_ORACLE_H
#define TESTS_REDIRECT_ORACLE_H

#include "ioctl.h"

/* Once, before all else: it keeps quiet. */
void oracle_init(void);

/* Its version: "3.10.3". */
const char *oracle_version(void);

/*
 * The input of a request, as its client decodes it.  False when it refuses.
 * What *call borrows stays until oracle_free.
 */
bool oracle_call_decode(const struct ioctl *row, struct wire_view input,
                        struct esc_call *call);
void oracle_free(void);

/*
 * A return, as its client encodes it; false when it has no encoder for that
 * row, or fails.
 */
bool oracle_return_encode(const struct ioctl *row, const struct esc_return *ret,
                          struct wire_out *out);

#endif
