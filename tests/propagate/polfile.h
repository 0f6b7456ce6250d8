/*
 * Writes Registry.pol files, for tests: well-formed ones, of ASCII texts.
 */
#ifndef TESTS_POLFILE_H
#define TESTS_POLFILE_H

#include "regpol.h"

extern const char polfile_certprop[]; /* keys */
extern const char polfile_terminal[];
extern const char polfile_ours[];

void polfile_begin(struct wire_out *out);
void polfile_put(struct wire_out *out, const char *key, const char *name,
                 uint32_t type, const void *data, uint32_t len);
void polfile_put_number(struct wire_out *out, const char *key, const char *name,
                        uint32_t number);

/* A REG_SZ with its NUL, also for the lists of instructions. */
void polfile_put_text(struct wire_out *out, const char *key, const char *name,
                      const char *text);

#endif
