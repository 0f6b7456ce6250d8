/*
 * The PIV application, NIST SP 800-73: which objects to ask for, in which
 * order, and what their bytes hold.  Knows no APDU and sends nothing.
 *
 * Order: CHUID (its prefix: the card's GUID), Key History, the four main
 * certificates, retired ones, and on tokens that keep them the root objects.
 */
#ifndef PROPAGATE_PIV_H
#define PROPAGATE_PIV_H

#include "exchange.h"

enum {
	PIV_RETIRED_MAX = 20,
	PIV_ROOT_PARTS = 5 /* of YubiKey's msroots, 5FFF11 to 5FFF15 */
};

enum piv_phase {
	PIV_CHUID,
	PIV_HISTORY,
	PIV_MAIN,
	PIV_RETIRED,
	PIV_ROOTS,
	PIV_END
};

struct piv {
	enum piv_phase phase;
	bool vendor;      /* a token with root objects, history not kept */
	unsigned index;   /* within the phase */
	unsigned retired; /* slots to ask for */
	uint8_t *roots;   /* parts of msroots read so far */
	size_t roots_len;
};

/*
 * vendor: YubiKey, PivApplet, Token2 and the like.  They do not keep the Key
 * History up to date, so all retired slots are asked for, as with
 * probe_retired.
 */
void piv_init(struct piv *piv, bool vendor, bool probe_retired);
void piv_clear(struct piv *piv);

/* The command that makes PIV the current application. */
void piv_select(struct exchange_want *want);

/* Do the ATR or the answer to SELECT name such a vendor? */
bool piv_is_vendor(struct wire_view atr, struct wire_view selected);

/* The next object; false: all was asked for. */
bool piv_next(struct piv *piv, struct exchange_want *want);

/* What came of it.  NULL, or a literal that ends the read. */
const char *piv_take(struct piv *piv, const struct exchange_result *result,
                     struct card_content *content);

#endif
