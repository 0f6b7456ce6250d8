/* What the keeper is told, as messages. */
#ifndef PROPAGATE_REPORT_H
#define PROPAGATE_REPORT_H

#include "machine.h"

void report_state(struct certprop *cp);

/* At most so many in a while: the rest is said when certprop_tick comes. */
void report_reader(struct certprop *cp, struct reader *r, uint64_t now_ms);
void report_reader_now(struct certprop *cp, struct reader *r);
void report_reader_gone(struct certprop *cp, const struct reader *r);

/* BEGIN, each CERT, COMMIT; returns the seq of the COMMIT. */
uint32_t report_insertion(struct certprop *cp, uint32_t reader,
                          const char *reader_name, const struct insertion *in);

enum report_roots { REPORT_KEEP_ROOTS, REPORT_DROP_ROOTS };
void report_release(struct certprop *cp, uint32_t reader,
                    const struct insertion *in, enum report_roots roots);
void report_synced(struct certprop *cp);
void report_end(struct certprop *cp, const char *reason);

/* News of a reader, to the log and to who watches; what may be "". */
void report_event(struct certprop *cp, const char *name, const struct reader *r,
                  const char *what);

/* News of the session, to both. */
void report_news(struct certprop *cp, const char *name, const char *what);

/* A certificate that was passed over, to both. */
void report_refusal(struct certprop *cp, const struct reader *r,
                    const struct insertion_refusal *refusal);

#endif
