/*
 * A GIDS card, the Generic Identity Device Specification, built from a
 * directory:
 *
 *   kxc00.der ksc00.der ...   certificates, NN hexadecimal
 *   msroots.p7b               the card's roots, a PKCS#7 bag
 *   guid                      the card identifier, see virtual_card.h
 */
#ifndef VIRTUAL_GIDS_H
#define VIRTUAL_GIDS_H

#include "virtual_card.h"

/* What is kept behind the header of a compressed file. */
enum virtual_gids_form {
	VIRTUAL_GIDS_CERTS, /* certificates compressed, roots plain: as Windows
	                     */
	VIRTUAL_GIDS_ALL,
	VIRTUAL_GIDS_PLAIN
};

/* Fill a cleared card; false when an object does not fit. */
bool virtual_gids_load(struct virtual_card *card, const char *dir,
                       enum virtual_gids_form form);

#endif
