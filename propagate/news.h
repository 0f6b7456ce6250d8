/* What the keeper is told, as messages. */
#ifndef PROPAGATE_NEWS_H
#define PROPAGATE_NEWS_H

#include "machine.h"

void news_state(struct certprop *cp);

/* At most so many in a while: the rest is said when certprop_tick comes. */
void news_reader(struct certprop *cp, struct reader *r, uint64_t now_ms);
void news_reader_now(struct certprop *cp, struct reader *r);
void news_reader_gone(struct certprop *cp, const struct reader *r);

/* BEGIN, each CERT, COMMIT; returns the seq of the COMMIT. */
uint32_t news_insertion(struct certprop *cp, uint32_t reader,
                        const char *reader_name, const struct insertion *in);

/* The same of a card that is gone: nothing of it is stale. */
void news_absent(struct certprop *cp, uint32_t reader, const char *reader_name,
                 const struct insertion *in);

/* ended: the parts of the insertion whose claims end. */
void news_release(struct certprop *cp, uint32_t reader,
                  const struct insertion *in, unsigned ended);
void news_synced(struct certprop *cp);
void news_end(struct certprop *cp, enum keep_end how, const char *reason);

/* News of a reader, to the log and to who watches; what may be "". */
void news_event(struct certprop *cp, const char *name, const struct reader *r,
                const char *what);

void news_warning(struct certprop *cp, const char *name, const struct reader *r,
                  const char *what);

/* News of the session, to both. */
void news_session(struct certprop *cp, const char *name, const char *what);

/* A certificate that was passed over, to both. */
void news_refusal(struct certprop *cp, const struct reader *r,
                  const struct insertion_refusal *refusal);

#endif
