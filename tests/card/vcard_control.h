/*
 * How a script speaks to a running virtual card: a Unix socket, one line a
 * connection, one line back.
 */
#ifndef VCARD_CONTROL_H
#define VCARD_CONTROL_H

#include <stddef.h>

enum { VCARD_LINE_MAX = 4096 };

/* Listen at path, replacing what is there; -1 on failure. */
int vcard_control_listen(const char *path);

/*
 * Take the next connection and read its line, without the newline; -1 when
 * there is none.  The caller answers, which also closes it.
 */
int vcard_control_take(int listener, char line[VCARD_LINE_MAX]);
void vcard_control_answer(int fd, const char *answer);

/* The script's end: send words as one line, print the answer; exit status. */
int vcard_control_tell(const char *path, int count, char *const words[]);

#endif
