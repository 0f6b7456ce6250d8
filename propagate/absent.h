/*
 * Cards that were withdrawn and whose claims outlive their stay: remembered, so
 * that they can be said again to a keeper that was restarted, and end when a
 * policy says so.  Only the last few: of the others the keeper has the claims,
 * and judges them by the rules it is told.
 */
#ifndef PROPAGATE_ABSENT_H
#define PROPAGATE_ABSENT_H

#include "machine.h"

/*
 * Takes in, of a card that left this reader.  ended: the parts whose claims the
 * withdrawal ended.
 */
void absent_keep(struct certprop *cp, const struct reader *r,
                 struct insertion *in, unsigned ended);

/* The card is back in its reader, and speaks for itself. */
void absent_forget(struct certprop *cp, const struct reader *r,
                   const struct insertion *in);
void absent_forget_all(struct certprop *cp);

/* Say all of them again; their keys are not there. */
void absent_assert(struct certprop *cp);

/* End the claims on these parts now. */
void absent_release(struct certprop *cp, unsigned parts);

/* Judge them again under the session's policy, and say what became of them. */
void absent_judge(struct certprop *cp);

#endif
