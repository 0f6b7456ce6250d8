/*
 * A machine with group policies, for tests: a directory of Registry.pol files
 * and a configuration that names it.
 */
#ifndef TESTS_POLDIR_H
#define TESTS_POLDIR_H

#include "config.h"
#include "polfile.h"

extern char poldir_path[64];

void poldir_begin(void);
void poldir_end(void);

/* The file at this path below the directory; its directories are made. */
void poldir_write(const char *path, const void *data, size_t len);
void poldir_remove(const char *path);

/* A file with one number. */
void poldir_number(const char *path, const char *name, uint32_t number);

/* "gpo.order". */
void poldir_order(const char *text);

/* A configuration with these sections, not yet with the policies. */
struct config *poldir_config(const char *sections);

#endif
